"""The engine trades some days on real files, and the auditor reads what tradebot's own writers have written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from tests.auditor.audit import audit
from tests.auditor.findings import Report
from tests.auditor.ids import derived
from tests.auditor.story import TRANSITIONS
from tests.unit.exchange.builders import FRI, ME, MON, THU, TUE, WED, a_split, a_tape, at, facts
from tradebot.adapters.brokers.paper import PaperBroker
from tradebot.adapters.brokers.paper_feed import PaperFeed
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.jsonl_log import JsonlLog
from tradebot.adapters.lanes import InlineLanes
from tradebot.adapters.marketdata.paper_quotes import PaperQuotes
from tradebot.adapters.registry import CoidRegistry
from tradebot.adapters.storage import tables
from tradebot.adapters.storage.database import open_engine
from tradebot.adapters.storage.order_store import SqlOrderStore
from tradebot.adapters.timekeeping.virtual import VirtualClock, VirtualScheduler
from tradebot.app.daemon import Ports, Rules, build_engine, job_messages
from tradebot.domain.coids import IntentKey, derive
from tradebot.domain.lifecycle import ORDER_TABLE
from tradebot.domain.order_queries import OrderUpdate
from tradebot.domain.orders import DecisionId, OrderStatus, Side
from tradebot.domain.policy import ExitRules, Policy
from tradebot.domain.positions import Position
from tradebot.domain.quotes import Bar
from tradebot.domain.signals import Signal
from tradebot.domain.stored import Changes
from tradebot.engine.bus import Bus
from tradebot.engine.inbox import Inbox
from tradebot.exchange.exchange import Exchange
from tradebot.exchange.market import MarketFacts
from tradebot.interfaces.api.stream import messages
from tradebot.ports import History
from tradebot.runtime.replay import ReplayLoop

FRIDAY_AFTER_CLOSE = at(date(2025, 1, 3), "15:45")
CASH = {ME: Decimal(1_000_000)}


def test_days_written_by_tradebot_itself_are_found_right_also_after_a_restart(tmp_path: Path) -> None:
    halfway = traded(tmp_path, FRIDAY_AFTER_CLOSE, at(TUE, "11:00"))
    assert halfway.findings == ()

    end = traded(tmp_path, FRIDAY_AFTER_CLOSE, at(THU, "18:30"))
    assert end.findings == ()
    assert end.not_checked == ("profit of primary DEF: a split or a bonus issue changed it",)
    assert end.counts["messages of the stream"] == end.counts["order events"]
    assert end.counts["fills"] > halfway.counts["fills"] > halfway.counts["positions"] >= 3
    assert end.counts["orders at the exchange"] > halfway.counts["orders at the exchange"]


def test_the_auditor_derives_ids_as_the_documents_say() -> None:
    for number in (1, 35, 36, 1295):
        key = IntentKey("primary", DecisionId("exit:P1:2025-01-07"), 3, Side.SELL)
        assert derived("primary", "exit:P1:2025-01-07", 3, "sell", number) == derive(key, number)
    assert not derived("primary", "signal", 0, "buy", 0).isalnum()
    assert not derived("primary", "signal", 0, "buy", 1296).isalnum()


def test_the_auditors_table_of_statuses_is_the_state_machines() -> None:
    theirs = {(before, after) for before, changes in ORDER_TABLE.items() for after in changes.values()}

    assert set(TRANSITIONS) == theirs | {(None, OrderStatus.PENDING)}


@dataclass(frozen=True, slots=True)
class NoHistory:
    """Nobody asks: the signals are written down."""

    def symbols(self) -> Sequence[str]:
        return ()

    def bars(self, symbol: str, as_of: date, count: int) -> Sequence[Bar]:
        return ()

    def halted(self, as_of: date) -> Mapping[str, str]:
        return {}


@dataclass(frozen=True, slots=True)
class WrittenDown:
    """Buys that fill, fill in part, wait in vain and are too dear; what is held is sold a little higher."""

    name: str = "written"
    buys: Mapping[date, Sequence[tuple[str, int, str]]] = field(
        default_factory=lambda: {
            MON: [("ABC", 10, "101"), ("FUT", 400, "199"), ("DEF", 100, "50"), ("ETF", 1, "20"), ("NEW", 1, "5")],
            TUE: [("DEF", 10, "40")],
            WED: [("ABC", 30, "99"), ("DEF", 40, "48")],
            THU: [("ABC", 5, "100.5"), ("FUT", 900, "195")],
            FRI: [("DEF", 5, "25")],
        }
    )

    def signals(self, trading_day: date, history: History, held: Sequence[Position]) -> Sequence[Signal]:
        return [
            Signal(
                id=f"{symbol}:{trading_day}",
                strategy=self.name,
                symbol=symbol,
                side=Side.BUY,
                trading_day=trading_day,
                quantity=quantity,
                limit_price=Decimal(price),
                reference_close=Decimal(price),
            )
            for symbol, quantity, price in self.buys[trading_day]
        ]

    def target(self, position: Position, as_of: date, history: History) -> Decimal | None:
        price = position.average_price
        rise = Decimal("1.2") if position.symbol == "DEF" else Decimal("1.004")  # DEF is held over its split
        return None if price is None else price * rise


def traded(home: Path, start: datetime, until: datetime) -> Report:
    """One daemon's life on the folders of `home`, from where they stand to `until`, and an audit of them."""
    market = facts([a_split("DEF", WED)])
    exchange = Exchange.open(
        home / "exchange", tape=a_tape(), facts=market, seed=7, opening=start, accounts=CASH, durable=False
    )
    registry = CoidRegistry.open(RealDisk(durability="process"), home / "state", exchange.now)
    database = open_engine(f"sqlite:///{home / 'state' / 'tradebot.db'}", "process")
    tables.whole_schema.create_all(database)
    store = SqlOrderStore(database)
    clock = VirtualClock(exchange.now)
    log = JsonlLog(home / "logs", started_at=clock.now(), session_id="test", clock=clock, on_full="wait")
    stream = home / "stream.jsonl"
    with stream.open("a") as file:
        file.write(messages.established(ME, 0) + "\n")
        run(clock, exchange, market, registry, store, log, lambda changes: file.writelines(_told(changes)), until)
    assert log.close()
    registry.close()
    store.close()
    exchange.close()
    return audit(home, opening_cash=CASH, stopped_cleanly=True, log_is_complete=True, stream=stream)


def _told(changes: Changes) -> Iterator[str]:
    """The order stream's own texts."""
    orders = {order.id: order for order in changes.orders}
    for event in changes.events:
        yield messages.order_update(OrderUpdate(event=event, order=orders[event.order_id])) + "\n"


def run(
    clock: VirtualClock,
    exchange: Exchange,
    market: MarketFacts,
    registry: CoidRegistry,
    store: SqlOrderStore,
    log: JsonlLog,
    listener: Callable[[Changes], None],
    until: datetime,
) -> None:
    inbox, broker, bus = Inbox(), PaperBroker(exchange, ME), Bus([log])
    bus.follow(listener)
    scheduler = VirtualScheduler(clock, job_messages(inbox))
    ports = Ports(
        clock=clock,
        scheduler=scheduler,
        lanes=InlineLanes(),
        registry=registry,
        store=store,
        broker=broker,
        market_data=PaperQuotes(exchange),
        history=NoHistory(),
        strategies=[WrittenDown()],
        bus=bus,
        recorder=NoRecorder(),
    )
    rules = Rules(
        policy=Policy(account_id=ME, exits=ExitRules(use_stop=False, use_trailing=False)),
        calendar=market.calendar,
        amo=market.amo_window("NSE", exchange.now),
        actions=market.actions,
        market=market.rules,
    )
    engine = build_engine(ports, rules, inbox)
    loop = ReplayLoop(
        engine=engine, venue=PaperFeed(exchange, ME), timetable=scheduler, clock=clock, wait_until=lambda _: True
    )
    engine.start()
    assert loop.run(until)
    engine.close()


class NoRecorder:
    def record(self, sequence: int, at: datetime, message: object, *, joins: bool = False) -> None:
        pass
