"""The sign of life: asked of a real server on loopback while the engine beats, and silent when it does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event as Flag
from threading import Lock, Thread

from tradebot.adapters.dead_man import DeadMan
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.domain.events import Event, EventName, Level

DEADLINE_S = 20.0


class Pings:
    """A server that counts, and answers as it is told."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.status = 200
        self.came = Flag()
        self._lock = Lock()

    def take(self, path: str) -> int:
        with self._lock:
            self.paths.append(path)
        self.came.set()
        return self.status

    def wait(self) -> None:
        assert self.came.wait(DEADLINE_S)
        self.came.clear()


@contextmanager
def a_server() -> Iterator[tuple[Pings, str]]:
    pings = Pings()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(pings.take(self.path))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield pings, f"http://127.0.0.1:{server.server_address[1]}/ping/secret"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def a_dead_man(url: str, told: list[Event], every_s: float = 0.0) -> Iterator[DeadMan]:
    dead_man = DeadMan(url, every_s=every_s, clock=RealClock(), tell=told.append)
    dead_man.start()
    try:
        yield dead_man
    finally:
        dead_man.stop()


def test_it_is_asked_while_the_engine_beats() -> None:
    with a_server() as (pings, url), a_dead_man(url, []) as dead_man:
        dead_man.beat()
        pings.wait()
        pings.wait()

    assert set(pings.paths) == {"/ping/secret"}


def test_without_a_beat_nobody_is_asked() -> None:
    with a_server() as (pings, url), a_dead_man(url, []):
        assert not pings.came.wait(1.5)


def test_a_beat_is_not_more_than_one_ping_in_its_time() -> None:
    with a_server() as (pings, url), a_dead_man(url, [], every_s=3600) as dead_man:
        dead_man.beat()
        pings.wait()
        dead_man.beat()

        assert not pings.came.wait(1.5)


def test_a_failure_and_its_end_are_told_once_each_without_the_url() -> None:
    told: list[Event] = []
    with a_server() as (pings, url), a_dead_man(url, told) as dead_man:
        pings.status = 500
        dead_man.beat()
        for _ in range(3):
            pings.wait()
            dead_man.beat()
        pings.status = 200
        for _ in range(3):
            pings.wait()
            dead_man.beat()

    assert [(event.name, event.level) for event in told] == [
        (EventName.SIGN_OF_LIFE, Level.WARNING),
        (EventName.SIGN_OF_LIFE, Level.INFO),
    ]
    assert "secret" not in " ".join(event.message for event in told)


def test_nobody_there_is_told_and_a_stop_does_not_wait_for_it() -> None:
    told: list[Event] = []
    reported = Flag()

    def tell(event: Event) -> None:
        told.append(event)
        reported.set()

    dead_man = DeadMan("http://127.0.0.1:9/secret", every_s=0, clock=RealClock(), tell=tell)
    dead_man.start()
    dead_man.beat()
    assert reported.wait(DEADLINE_S)
    dead_man.stop()

    assert told[0].message == "the sign of life is not taken: ConnectionError"
