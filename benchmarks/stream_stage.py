"""A daemon with its order stream: real engine, database and sockets; the broker answers out of memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from benchmarks.memory_broker import MemoryBroker
from benchmarks.stage import Contents, Stage, fill_folder, open_stage, standing_row
from tests.builders import ACCOUNT, NOON
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.entropy import new_id, new_secret
from tradebot.adapters.lanes import ThreadLanes
from tradebot.adapters.metrics import Metrics
from tradebot.adapters.storage.batch_reader import BatchReader
from tradebot.adapters.storage.database import open_reading_engine
from tradebot.adapters.storage.order_reader import OrderReader
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.adapters.token_file import TokenFile
from tradebot.adapters.webhooks.receivers import Receivers
from tradebot.adapters.webhooks.webhook_file import WebhookFile
from tradebot.domain.access import Caller
from tradebot.domain.orders import BrokerOrderId
from tradebot.engine.messages import OrderPushed
from tradebot.engine.views import Marks, RunFacts
from tradebot.interfaces.api.application import make_app
from tradebot.interfaces.api.command_desk import CommandDesk
from tradebot.interfaces.api.overview import Overview
from tradebot.interfaces.api.server import HttpServer
from tradebot.interfaces.api.services import Limits, Services
from tradebot.interfaces.api.stream.hub import Hub
from tradebot.ports import Broker, MarketData
from tradebot.runtime.interpreter import set_for_a_run

ORDERS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStage:
    """`fill` executes one share of an order and pushes that, as a broker's socket does."""

    stage: Stage
    broker: MemoryBroker
    reader: OrderReader
    port: int
    url: str

    def fill(self, number: BrokerOrderId) -> int:
        """The order's filled quantity afterwards."""
        self.broker.fill(number, 1, NOON)
        self.stage.inbox.put(OrderPushed(broker_order_id=number))
        return self.broker.rows[number].filled_quantity


@contextmanager
def open_stream_stage(folder: Path, contents: Contents | None = None) -> Iterator[StreamStage]:
    """Without `contents`, `ORDERS` open orders of a symbol each."""
    contents = contents or Contents(standing=ORDERS, registry=ORDERS)
    fill_folder(folder, contents)
    broker = MemoryBroker([standing_row(number, contents) for number in range(contents.standing)])
    with open_served(folder, broker) as served:
        url = f"ws://127.0.0.1:{served.port}/ws/orders/{ACCOUNT}"
        yield StreamStage(stage=served.stage, broker=broker, reader=served.reader, port=served.port, url=url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A daemon whose engine runs in a thread of its own, behind HTTP and the stream."""

    stage: Stage
    reader: OrderReader
    port: int


@contextmanager
def open_served(
    folder: Path, broker: Broker, market_data: MarketData | None = None, limits: Limits | None = None
) -> Iterator[Served]:
    """On a folder that is filled."""
    with ExitStack() as stack:
        lanes = ThreadLanes(on_fault=_raise)
        stage = stack.enter_context(open_stage(folder, broker, lanes, market_data=market_data))
        stack.callback(lanes.close, 5.0)
        database = open_reading_engine(stage.database.url.render_as_string(hide_password=False))
        stack.callback(database.dispose)
        reader, real, metrics = OrderReader(database), RealClock(), Metrics()
        hub = Hub(real, metrics, lambda: {"connected": True})
        stage.engine.bus.follow(hub.saved)
        stage.engine.bus.follow(metrics.saved)
        services = _services(stage, folder, reader, BatchReader(database), hub, limits or Limits())
        server = HttpServer("127.0.0.1", 0)
        server.start(lambda: make_app(services, metrics))
        stack.callback(server.stop)
        stack.enter_context(_running(stage))
        yield Served(stage=stage, reader=reader, port=server.port)


@contextmanager
def _running(stage: Stage) -> Iterator[None]:
    """The engine's thread, in a process that is set like the daemon's; the context begins when the books are compared
    with the broker."""
    stopping = Event()

    def run() -> None:
        stage.engine.start()
        while not stopping.is_set():
            stage.engine.run_pending(0.05)

    thread = Thread(target=run, name="engine", daemon=True)
    thread.start()
    while not stage.engine.memory.is_reconciled:
        stopping.wait(0.01)
    try:
        with set_for_a_run():
            yield
    finally:
        stopping.set()
        thread.join()


def _services(
    stage: Stage, folder: Path, reader: OrderReader, batches: BatchReader, hub: Hub, limits: Limits
) -> Services:
    real, engine = RealClock(), stage.engine
    return Services(
        orders=reader,
        batches=batches,
        webhooks=Receivers(WebhookFile(RealDisk(), folder / "webhooks.json"), allows_private=False),
        desk=CommandDesk(engine.inbox, engine.answers),
        hub=hub,
        overview=Overview(
            memory=engine.memory,
            setting=engine.setting,
            facts=RunFacts(name="benchmark", mode="paper", session="", started_s=0.0),
            marks=lambda _symbols: Marks(),
            clock=stage.clock,
            real=real,
        ),
        is_ready=lambda: engine.memory.is_reconciled,
        tokens=TokenFile(RealDisk(), folder / "api_tokens.json"),
        health=dict,
        clock=stage.clock,
        real=real,
        metrics=lambda: b"",
        new_id=new_id,
        new_secret=new_secret,
        local=Caller.local("owner", (ACCOUNT,)),
        version="benchmark",
        limits=limits,
    )


def _raise(lane: str, fault: BaseException) -> None:
    raise RuntimeError(f"lane {lane}") from fault
