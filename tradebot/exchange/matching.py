"""Who trades, at which price and how much: the rules of matching as pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal

from tradebot.domain.orders import Side
from tradebot.domain.quotes import Bar
from tradebot.exchange.chance import draw_below
from tradebot.exchange.rows import OrderRow, Status

_HUNDRED = 100
_TEN_THOUSAND = 10_000


def reaches(row: OrderRow, price: Decimal) -> bool:
    """Whether the order's limit allows a trade at this price."""
    return row.price >= price if row.side is Side.BUY else row.price <= price


def is_triggered(row: OrderRow, last_price: Decimal) -> bool:
    if row.status is not Status.TRIGGER_PENDING or row.trigger_price is None:
        return False
    return last_price >= row.trigger_price if row.side is Side.BUY else last_price <= row.trigger_price


def awaited(row: OrderRow) -> tuple[Decimal, bool]:
    """The price that a standing order waits for, and whether the market has to come up to it."""
    if row.status is Status.TRIGGER_PENDING and row.trigger_price is not None:
        return row.trigger_price, row.side is Side.BUY
    return row.price, row.side is Side.SELL


def resting_price(row: OrderRow, low: Decimal, high: Decimal) -> Decimal:
    """The price of a resting order at a print: its own limit.

    `low` and `high` are the day's range up to this print: the rest of an order that was marketable can have a limit
    beyond it, and trades at its edge, so that nothing trades outside the day's range.
    """
    return min(row.price, high) if row.side is Side.BUY else max(row.price, low)


def within_range(price: Decimal, bar: Bar) -> Decimal:
    """A level's price kept inside the day's range: our own trades are not on the tape and must not widen it."""
    return min(max(price, bar.low), bar.high)


def share_of_print(*, seed: int, day: date, symbol: str, index: int, quantity: int, share_pct: int) -> int:
    """What our resting orders of one side get of one print: half to one and a half times `share_pct` per cent of it,
    at least one share."""
    if not quantity:
        return 0
    percent_of_pct = 50 + draw_below(101, seed, day, symbol, index, "share")
    return max(1, quantity * share_pct * percent_of_pct // (_HUNDRED * _HUNDRED))


def share_of_auction(*, seed: int, day: date, symbol: str, kind: str, volume: int, share_bps: int) -> int:
    """What our orders of one side get in an auction: half to one and a half times `share_bps` of the day's volume."""
    if not volume:
        return 0
    percent = 50 + draw_below(101, seed, day, symbol, kind, "auction")
    return max(1, volume * share_bps * percent // (_TEN_THOUSAND * _HUNDRED))


def by_priority(rows: Iterable[OrderRow]) -> list[OrderRow]:
    """Price, then time; for orders of one side."""
    return sorted(rows, key=lambda row: (-row.price if row.side is Side.BUY else row.price, row.priority))


def allocate(rows: Sequence[OrderRow], share: int, lot_size: int) -> Iterator[tuple[OrderRow, int]]:
    """How much of `share` each order gets, the first ones first, in whole lots."""
    for row in rows:
        quantity = min(row.remaining, share)
        quantity -= quantity % lot_size
        if quantity > 0:
            yield row, quantity
        share -= quantity
