"""What holds for every run: money and shares add up, nothing is overfilled, prices stay in range, books agree."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.exchange.builders import ME, MON, WED, HandTape, a_split, a_tape, at, facts
from tradebot.domain.calendar import ist_date
from tradebot.domain.orders import OrderType, Side, Validity, Variety
from tradebot.exchange.commands import PlaceCommand
from tradebot.exchange.exchange import Exchange, Snapshot
from tradebot.exchange.rows import OrderRow, Status, TradeRow

CASH = Decimal(200_000)
SYMBOLS = ("ABC", "FUT", "DEF")
ACTIONS = (a_split("DEF", WED),)


@dataclass(frozen=True)
class Place:
    command: PlaceCommand


@dataclass(frozen=True)
class Change:
    """Modify or cancel the order that was placed as the n-th, under either variety."""

    number: int
    variety: Variety
    quantity: int
    price: Decimal
    cancels: bool


@dataclass(frozen=True)
class Wait:
    minutes: int


Action = Place | Change | Wait

low_prices = st.integers(min_value=480, max_value=1120).map(lambda n: Decimal(n) / 10)
quantities = st.one_of(st.integers(1, 30), st.integers(100, 900))


@st.composite
def places(draw: st.DrawFn) -> Place:
    is_stop = draw(st.booleans()) and draw(st.booleans())
    symbol = draw(st.sampled_from(SYMBOLS))
    base = {"ABC": Decimal(100), "FUT": Decimal(200), "DEF": Decimal(50)}[symbol]
    price = base + draw(st.integers(-60, 60)) * Decimal("0.05")
    side = draw(st.sampled_from(Side))
    away = draw(st.integers(0, 20)) * Decimal("0.05")
    trigger = price - away if side is Side.BUY else price + away
    return Place(
        PlaceCommand(
            symbol=symbol,
            side=side,
            quantity=draw(quantities),
            order_type=OrderType.SL if is_stop else OrderType.LIMIT,
            price=price,
            trigger_price=trigger if is_stop else None,
            validity=draw(st.sampled_from(Validity)),
            variety=draw(st.sampled_from(Variety)),
            tag=draw(st.sampled_from([None, "T1", "T2"])),
        )
    )


changes = st.builds(
    Change,
    number=st.integers(0, 10),
    variety=st.sampled_from(Variety),
    quantity=quantities,
    price=low_prices,
    cancels=st.booleans(),
)
waits = st.builds(Wait, minutes=st.sampled_from([0, 1, 3, 30, 60, 400, 1440, 3800]))
actions = st.lists(st.one_of(places(), places(), changes, waits, waits), min_size=5, max_size=25)
OPENINGS = st.sampled_from([at(date(2025, 1, 3), "18:00"), at(MON, "09:03"), at(MON, "09:15:30")])


def apply(exchange: Exchange, action: Action, ids: list[str]) -> None:
    match action:
        case Place(command=command):
            answer = exchange.place(ME, command)
            order_id = getattr(answer, "order_id", None)
            if order_id is not None:
                ids.append(order_id)
        case Change() if ids:
            order_id = ids[action.number % len(ids)]
            if action.cancels:
                exchange.cancel(ME, order_id, action.variety)
            else:
                exchange.modify(ME, order_id, action.variety, quantity=action.quantity, price=action.price)
        case Wait(minutes=minutes):
            limit = min(exchange.now + timedelta(minutes=minutes), at(date(2025, 1, 14), "23:00"))
            while exchange.advance_to(limit):
                pass
        case _:
            pass


def an_exchange_of(tape: HandTape, opening: object) -> Exchange:
    return Exchange(tape=tape, facts=facts(ACTIONS), seed=3, opening=opening, accounts={ME: CASH})  # type: ignore[arg-type]


def check_sums(exchange: Exchange, rows: list[OrderRow], trades: list[TradeRow]) -> None:
    bought = sum(t.price * t.quantity for t in trades if t.side is Side.BUY)
    sold = sum(t.price * t.quantity for t in trades if t.side is Side.SELL)
    money = exchange.margins(ME)
    assert money.cash == CASH - bought + sold
    live = [row for row in rows if row.status.is_live]
    assert money.blocked == sum(row.price * row.remaining for row in live if row.side is Side.BUY)
    assert money.available >= 0
    for symbol in SYMBOLS:
        check_shares(exchange, symbol, live, [t for t in trades if t.symbol == symbol])


def check_shares(exchange: Exchange, symbol: str, live: list[OrderRow], trades: list[TradeRow]) -> None:
    held = next((h for h in exchange.holdings(ME) if h.symbol == symbol), None)
    expected = 0
    for trade in trades:
        split = 2 if symbol == "DEF" and ist_date(trade.traded_at) < WED and exchange.now >= at(WED, "06:00") else 1
        expected += split * (trade.quantity if trade.side is Side.BUY else -trade.quantity)
    assert (held.quantity if held else 0) == expected
    on_sale = sum(row.remaining for row in live if row.symbol == symbol and row.side is Side.SELL)
    assert (held.on_sale if held else 0) == on_sale
    if held is not None:
        assert held.sellable_quantity >= 0
        assert held.settled_quantity >= 0
        assert (held.cost == 0) == (held.quantity == 0)


def check_orders(tape: HandTape, rows: list[OrderRow], trades: list[TradeRow]) -> None:
    for row in rows:
        own = [trade for trade in trades if trade.order_id == row.order_id]
        assert row.filled_quantity == sum(trade.quantity for trade in own) <= row.quantity
        assert row.filled_value == sum(trade.quantity * trade.price for trade in own)
        assert (row.status is Status.COMPLETE) == (row.filled_quantity == row.quantity)
        filled = [step.filled_quantity for step in row.steps]
        assert filled == sorted(filled)
    for trade in trades:
        bar = tape.bar(trade.symbol, ist_date(trade.traded_at))
        assert bar is not None
        assert bar.low <= trade.price <= bar.high
        order = next(row for row in rows if row.order_id == trade.order_id)
        assert order.variety is Variety.AMO or trade.traded_at >= order.placed_at


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=actions, opening=OPENINGS)
def test_money_and_shares_add_up_and_nothing_is_overfilled(script: list[Action], opening: object) -> None:
    tape = a_tape()
    exchange, ids = an_exchange_of(tape, opening), list[str]()
    for action in script:
        apply(exchange, action, ids)
        rows = [row for order_id in ids if (row := exchange.order(ME, order_id))]
        trades = [trade for order_id in ids for trade in exchange.order_trades(ME, order_id)]
        check_sums(exchange, rows, trades)
        check_orders(tape, rows, trades)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=actions, after=actions, opening=OPENINGS)
def test_exchanges_restored_from_one_snapshot_stay_equal(
    before: list[Action], after: list[Action], opening: object
) -> None:
    first, ids = an_exchange_of(a_tape(), opening), list[str]()
    for action in before:
        apply(first, action, ids)
    second = an_exchange_of(a_tape(), opening)
    second.restore(first.snapshot())
    first.restore(first.snapshot())
    for action in after:
        mine, theirs = list(ids), list(ids)
        apply(first, action, mine)
        apply(second, action, theirs)
        assert mine == theirs
        assert first.snapshot() == second.snapshot()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=actions, opening=OPENINGS, cuts=st.lists(st.floats(0, 1), min_size=3, max_size=6))
def test_books_torn_anywhere_open_with_the_state_of_their_last_whole_line(
    script: list[Action], opening: object, cuts: list[float]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, ids = Path(name), list[str]()
        exchange = reopened(folder, opening)
        states = {lines_of(folder): exchange.snapshot()}
        for action in script:
            apply(exchange, action, ids)
            states[lines_of(folder)] = exchange.snapshot()
        assert found_in(folder, opening) == exchange.snapshot()
        (path,) = folder.glob("journal-*.jsonl")
        data = path.read_bytes()
        for cut in sorted({int(share * len(data)) for share in cuts}, reverse=True):
            path.write_bytes(data[:cut])
            found = found_in(folder, opening)
            known = states.get(lines_of(folder))
            assert known is None or found == known
        exchange.close()


def reopened(folder: Path, opening: object) -> Exchange:
    return Exchange.open(
        folder,
        tape=a_tape(),
        facts=facts(ACTIONS),
        seed=3,
        opening=opening,  # type: ignore[arg-type]
        accounts={ME: CASH},
        durable=False,
    )


def found_in(folder: Path, opening: object) -> Snapshot:
    exchange = reopened(folder, opening)
    exchange.close()
    return exchange.snapshot()


def lines_of(folder: Path) -> tuple[str, int]:
    (path,) = folder.glob("journal-*.jsonl")
    return path.name, path.read_bytes().count(b"\n")
