"""A daemon behind its real HTTP server: engine, database file, sockets; only the broker is played by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any, TypeVar

import httpx

from tests.builders import a_quote
from tests.unit.engine.house import House
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.entropy import new_id, new_secret
from tradebot.adapters.metrics import Metrics, Sources
from tradebot.adapters.storage.batch_reader import BatchReader
from tradebot.adapters.storage.database import (
    connections_in_use,
    open_engine,
    open_reading_engine,
    time_statements,
    time_writes,
)
from tradebot.adapters.storage.order_reader import OrderReader
from tradebot.adapters.storage.order_store import SqlOrderStore
from tradebot.adapters.storage.tables import whole_schema
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.adapters.token_file import TokenFile, hashed, token_of
from tradebot.adapters.webhooks.receivers import Receivers
from tradebot.adapters.webhooks.webhook_file import WebhookFile
from tradebot.domain.access import Caller, Grant, Scope
from tradebot.domain.events import Event as TradebotEvent
from tradebot.domain.webhooks import announced
from tradebot.engine.commands import Command
from tradebot.engine.views import Marks, RunFacts
from tradebot.interfaces.api.application import make_app
from tradebot.interfaces.api.command_desk import CommandDesk
from tradebot.interfaces.api.health_watch import HealthWatch
from tradebot.interfaces.api.overview import Overview
from tradebot.interfaces.api.server import HttpServer
from tradebot.interfaces.api.services import Limits, Part, Services
from tradebot.interfaces.api.stream.hub import Hub

T = TypeVar("T")

OWNER, ACCOUNT = "owner", "primary"
DEADLINE_S = 60.0


class FileDatabase:
    """The books in a file, as a daemon keeps them."""

    def __init__(self, path: Path) -> None:
        self.url = f"sqlite:///{path}"
        self.engine = open_engine(self.url, "process")
        whole_schema.create_all(self.engine)
        self.store = SqlOrderStore(self.engine)


class Rig:
    """`house` is only touched through `do`, which runs on the engine's thread; `client` calls as a local program."""

    def __init__(self, folder: Path, *, limits: Limits | None = None) -> None:
        self.tokens = TokenFile(RealDisk(), folder / "api_tokens.json")
        self.webhooks = WebhookFile(RealDisk(), folder / "webhooks.json")
        self.database = FileDatabase(folder / "orders.db")
        self.real = RealClock()
        self.watch = HealthWatch(self.real)
        self.metrics = Metrics()
        self.upstream: dict[str, object] = {"connected": True}
        self.hub = Hub(self.real, self.metrics, lambda: self.upstream)
        self.house = House(database=self.database, listener=self._hear)
        self.house.engine.bus.follow(self.hub.saved)
        self.house.engine.bus.follow(self.metrics.saved)
        self.house.engine.bus.follow_cycles(self.metrics.cycle)
        self.house.engine.bus.subscribe(self.metrics.heard)
        self.house.market.prices["INFY"] = a_quote()
        self.house.engine.announce(lambda event: announced(event, self.webhooks.all()))
        self.overview = Overview(
            memory=self.house.memory,
            setting=self.house.engine.setting,
            facts=RunFacts(name="tradebot", mode="test", session="session", started_s=self.real.monotonic()),
            marks=lambda symbols: Marks(prices={symbol: Decimal(1010) for symbol in symbols}, free=Decimal(500_000)),
            clock=self.house.clock,
            real=self.real,
        )
        self.house.engine.bus.subscribe(self.overview)
        self.reader = open_reading_engine(self.database.url)
        self.services = self._services(limits or Limits())
        self.server = HttpServer("127.0.0.1", 0)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.server.port}", timeout=DEADLINE_S)
        self._wishes: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._stopping = Event()
        self._engine = Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._engine.start()
        self.server.start(lambda: make_app(self.services, self.metrics))

    def close(self) -> None:
        self.client.close()
        self.server.stop()
        self._stopping.set()
        self._engine.join(DEADLINE_S)
        self.reader.dispose()
        self.database.engine.dispose()

    def do(self, work: Callable[[House], T]) -> T:
        """What `work` returns, done on the engine's thread."""
        done: Future[T] = Future()

        def wish() -> None:
            try:
                done.set_result(work(self.house))
            except BaseException as fault:
                done.set_exception(fault)

        self._wishes.put(wish)
        return done.result(DEADLINE_S)

    def tell(self, command: Command) -> None:
        self.do(lambda house: house.tell(command))

    def token(self, *scopes: Scope, user_id: str = OWNER, accounts: tuple[str, ...] = (ACCOUNT,)) -> dict[str, str]:
        """A new token, as the header that carries it."""
        token_id = f"{len(self.tokens.grants()):08x}"
        token = token_of(token_id, new_id())
        self.tokens.add(
            Grant(
                token_id=token_id,
                name="test",
                user_id=user_id,
                account_ids=accounts,
                scopes=scopes,
                sha256=hashed(token),
                created_at=self.real.now(),
            )
        )
        return {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.client.get(path, **options)

    def _hear(self, event: TradebotEvent) -> None:
        self.watch(event)
        self.hub.heard(event)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.house.engine.run_pending(0.01)
            self.house.settle()
            self.watch.turn()
            self.overview.turn()
            try:
                self._wishes.get_nowait()()
            except Empty:
                continue

    def _services(self, limits: Limits) -> Services:
        orders = OrderReader(self.reader)
        time_statements(self.reader, self.real.monotonic, self.metrics)
        time_writes(self.database.engine, self.real.monotonic, self.metrics)
        self.metrics.look_at(
            Sources(
                orders=lambda: {str(status): count for status, count in orders.counts().items()},
                retriable=lambda: 0,
                attempts=lambda: {str(status): count for status, count in orders.attempt_counts().items()},
                connections=lambda: connections_in_use(self.reader),
                rollout_phase=lambda: None,
            )
        )
        return Services(
            orders=orders,
            batches=BatchReader(self.reader),
            webhooks=Receivers(self.webhooks, allows_private=True),
            desk=CommandDesk(self.house.inbox, self.house.answers),
            hub=self.hub,
            overview=self.overview,
            is_ready=lambda: self.house.memory.is_reconciled,
            tokens=self.tokens,
            health=lambda: self.watch.parts(self.house.memory, orders.is_answering, Part(is_well=True, text="up")),
            clock=self.house.clock,
            real=self.real,
            metrics=self.metrics.text,
            new_id=new_id,
            new_secret=new_secret,
            local=Caller.local(OWNER, (ACCOUNT,)),
            version="test",
            limits=limits,
        )


@contextmanager
def a_rig(folder: Path, *, limits: Limits | None = None) -> Iterator[Rig]:
    rig = Rig(folder, limits=limits)
    rig.start()
    try:
        yield rig
    finally:
        rig.close()
