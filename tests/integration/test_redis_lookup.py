"""The lookups in a real Redis: shared, never wrong after a failure, and no answer depends on them."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import ConnectionError as NotReached
from redis import Redis

from tradebot.adapters.redis_lookup import RedisLookup
from tradebot.domain.lifecycle_ids import IdStatus, IdType, Resolved
from tradebot.domain.orders import OrderId

STARTS_WITHIN_S = 30
STOP = Resolved(order_id=OrderId("7"), id_type=IdType.STOP_LOSS, status=IdStatus.ACTIVE)
CLOSE = Resolved(order_id=OrderId("7"), id_type=IdType.CLOSE, status=IdStatus.ACTIVE)


@dataclass(slots=True)
class Server:
    """A Redis of the test's own on loopback, in memory alone."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        words = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self.folder]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # The client tries again by itself, with pauses, until the server answers.
        client = Redis.from_url(self.url, retry_on_error=[NotReached], socket_connect_timeout=STARTS_WITHIN_S)
        for _ in range(10_000):
            try:
                client.ping()
            except NotReached:
                continue
            break
        client.close()

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(timeout=STARTS_WITHIN_S)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    if shutil.which("redis-server") is None:
        pytest.skip("there is no redis-server on the PATH: apt install redis-server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(port=port, folder=tmp_path)
    server.start()
    yield server
    server.stop()


def test_what_one_process_saves_another_finds_under_the_names_of_the_documents(server: Server) -> None:
    RedisLookup(server.url, writes=True).put([("SL1", STOP), ("CLS1", CLOSE)])

    assert RedisLookup(server.url).get("SL1") == STOP
    assert RedisLookup(server.url).get("nobody") is None
    with Redis.from_url(server.url) as client:
        assert sorted(client.keys()) == [
            b"close_id_lookup:CLS1",
            b"global_order_lookup:CLS1",
            b"global_order_lookup:SL1",
        ]


def test_the_writer_begins_with_nothing_since_it_may_have_missed_something(server: Server) -> None:
    RedisLookup(server.url, writes=True).put([("SL1", STOP)])

    assert RedisLookup(server.url, writes=True).get("SL1") is None


def test_what_redis_did_not_take_is_never_answered_from_before(server: Server) -> None:
    lookup = RedisLookup(server.url, writes=True)
    lookup.put([("SL1", STOP)])
    server.stop()
    executed = Resolved(order_id=OrderId("7"), id_type=IdType.STOP_LOSS, status=IdStatus.EXECUTED)
    lookup.put([("SL1", executed)])
    assert lookup.get("SL1") is None

    server.start()
    with Redis.from_url(server.url) as client:
        client.set("global_order_lookup:SL1", '["7", "stoploss_id", "active"]')
    assert lookup.get("SL1") is None
    lookup.put([("SL1", executed)])
    assert lookup.get("SL1") == executed


@pytest.mark.parametrize("rubbish", ["", "7", "[]", '["7", "no type", "active"]', '{"order_id": 7}'])
def test_what_cannot_be_read_is_no_answer(server: Server, rubbish: str) -> None:
    with Redis.from_url(server.url) as client:
        client.set("global_order_lookup:SL1", rubbish)

    assert RedisLookup(server.url).get("SL1") is None


def test_a_redis_that_is_not_there_is_no_lookup_and_stops_nothing() -> None:
    lookup = RedisLookup("redis://127.0.0.1:1/0", writes=True)
    lookup.put([("SL1", STOP)])
    assert lookup.get("SL1") is None
