"""One call over HTTP: what is known when it fails, on real sockets."""

from __future__ import annotations

import socket
from collections.abc import Callable
from decimal import Decimal

import pytest

from tests.unit.brokers.wire import Script, a_server, cuts_the_body, hangs, hangs_up, says, trickles
from tradebot.adapters.brokers.http import CALLS_MAX, AnswerLost, Deadlines, Http, NotJson, NotSent, Request
from tradebot.adapters.threads import start_thread
from tradebot.adapters.timekeeping.real import RealClock

QUICK = Deadlines(connect_s=1.0, read_s=0.3, total_s=1.0)


def get(url: str) -> Request:
    return Request(method="GET", url=url)


def test_an_answer_comes_with_exact_numbers_and_the_servers_clock() -> None:
    script = says("200 OK", b'{"price": 101.05}', "application/json", "Date: Wed, 16 Sep 2026 03:45:00 GMT")
    with a_server(script) as server:
        answer = Http().call(get(server.url))
    assert answer.json() == {"price": Decimal("101.05")}
    assert answer.date is not None and answer.date.isoformat() == "2026-09-16T03:45:00+00:00"


def test_an_error_status_is_an_answer_and_a_redirect_is_not_followed() -> None:
    with a_server(says("302 Found", b"", "text/html", "Location: http://127.0.0.1:9/")) as server:
        assert Http().call(get(server.url)).status == 302
    with a_server(says("429 Too Many", b"{}", "application/json", "Retry-After: 7")) as server:
        assert Http().call(get(server.url)).retry_after_s == 7


@pytest.mark.parametrize("script", [hangs, hangs_up, cuts_the_body, trickles])
def test_an_answer_that_does_not_come_whole_leaves_the_outcome_open(script: Script) -> None:
    with a_server(script) as server, pytest.raises(AnswerLost):
        Http(QUICK).call(get(server.url))
    assert len(server.seen) == 1, "it was sent again"


def test_a_call_for_which_there_is_no_thread_was_not_sent_and_takes_up_no_place() -> None:
    """As often as calls may be under way, and once more: the broker can be called as soon as there are threads."""
    are_there = False

    def start(work: Callable[[], None]) -> None:
        if not are_there:
            raise RuntimeError("can't start new thread")
        start_thread(work)

    with a_server(says("200 OK", b"{}", "application/json")) as server:
        http = Http(start=start)
        for _ in range(CALLS_MAX + 1):
            with pytest.raises(NotSent, match="no thread"):
                http.call(get(server.url))
        are_there = True
        assert http.call(get(server.url)).status == 200
    assert len(server.seen) == 1


def test_a_call_whose_thread_never_began_was_not_sent_and_is_not_sent_later() -> None:
    """A thread dies for want of memory before it has begun, or begins when the call was given up long ago."""
    late: list[Callable[[], None]] = []
    with a_server(says("200 OK", b"{}", "application/json")) as server:
        http = Http(Deadlines(connect_s=1.0, read_s=1.0, total_s=0.01), start=late.append)
        for _ in range(CALLS_MAX + 1):
            with pytest.raises(NotSent, match="not begun"):
                http.call(get(server.url))
        for work in late:
            work()
    assert server.seen == []


def test_an_answer_that_comes_byte_by_byte_ends_at_the_deadline_for_the_whole() -> None:
    clock = RealClock()
    with a_server(trickles) as server:
        began = clock.monotonic()
        with pytest.raises(AnswerLost):
            Http(Deadlines(connect_s=1.0, read_s=5.0, total_s=0.3)).call(get(server.url))
    assert clock.monotonic() - began < 3.0


def test_nobody_who_listens_and_a_name_nobody_knows_mean_not_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(NotSent):
            Http(QUICK).call(get(f"http://127.0.0.1:{port}/"))
    with pytest.raises(NotSent):
        Http(QUICK).call(get("nonsense://127.0.0.1/"))


def test_an_html_page_instead_of_json_leaves_the_outcome_open() -> None:
    with a_server(says("502 Bad Gateway", b"<html>", "text/html")) as server, pytest.raises(NotJson):
        Http().call(get(server.url)).json()
    with a_server(says("200 OK", b'{"a":')) as server, pytest.raises(NotJson):
        Http().call(get(server.url)).json()


def test_proxies_and_certificates_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    with a_server(says("200 OK", b"{}")) as server:
        assert Http().call(get(server.url)).status == 200


def test_a_message_about_a_failure_never_holds_the_address_with_its_tokens() -> None:
    with pytest.raises(NotSent) as caught:
        Http(QUICK).call(get("http://127.0.0.1:1/?access_token=geheim"))
    assert "geheim" not in str(caught.value)
    assert "geheim" not in repr(Request(method="GET", url="http://x/", headers={"Authorization": "geheim"}))
