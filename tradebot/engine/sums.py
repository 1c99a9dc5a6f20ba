"""Running sums over the rows in memory, kept by every change of a row, so that no entry has to walk them all."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum

from tradebot.domain.orders import Attempt, AttemptStatus, Order, OrderStatus, Side
from tradebot.domain.positions import Position


class Sum(StrEnum):
    """What is added up; each by symbol, trading day or decision, where one is named, else over all.

    `waiting`: what open buys may still cost; `unblocked`: the part of it that the broker has not seen; `held`: the cost
    of what is held, `positions`: how many that are; `slots`: rows that take the symbol's slot, `slots_used`: symbols
    with any; `open`: pending orders, `cancelling`: those that are to be cancelled; `trades` and `gross`: entries of a
    day that did not fail, and what they are worth; `realised`: a day's gain; `blocking`: buys that keep others out of
    their symbol, `blocking_own`: those of one decision; `uncertain`: orders that may or may not stand at the broker.
    """

    WAITING = "waiting"
    UNBLOCKED = "unblocked"
    HELD = "held"
    POSITIONS = "positions"
    SLOTS = "slots"
    SLOTS_USED = "slots_used"
    OPEN = "open"
    CANCELLING = "cancelling"
    TRADES = "trades"
    GROSS = "gross"
    REALISED = "realised"
    BLOCKING = "blocking"
    BLOCKING_OWN = "blocking_own"
    UNCERTAIN = "uncertain"


Key = tuple[Sum, str]
Amount = Decimal | int
Parts = Iterable[tuple[Key, Amount]]
ALL = ""

_BLOCKING = frozenset({OrderStatus.PENDING, OrderStatus.ONGOING, OrderStatus.FAILED})


class Sums:
    """Layered like the tables whose rows it adds up: a unit's sums are those below and its own differences."""

    __slots__ = ("_base", "_own")

    def __init__(self, base: Sums | None = None) -> None:
        self._base = base
        self._own: dict[Key, Decimal] = {}

    def of(self, sum_: Sum, of: str = ALL) -> Decimal:
        return self._get((sum_, of))

    def count(self, sum_: Sum, of: str = ALL) -> int:
        return int(self._get((sum_, of)))

    def change(self, before: Parts, after: Parts) -> None:
        """What a row added gives way to what it adds now. Each part has a key of its own, and few of them change."""
        left = dict(before)
        for key, amount in after:
            known = left.pop(key, _NOTHING)
            if amount != known:
                self._add(key, Decimal(amount) - known)
        for key, amount in left.items():
            self._add(key, -Decimal(amount))

    def merge(self) -> None:
        """Give this layer's differences to the one below, which has not changed since this one began."""
        if self._base is not None:
            for key, amount in self._own.items():
                self._base._put(key, self._base._own.get(key, _NOTHING) + amount)
            self._own.clear()

    def _get(self, key: Key) -> Decimal:
        layer: Sums | None = self
        total = _NOTHING
        while layer is not None:
            total += layer._own.get(key, _NOTHING)
            layer = layer._base
        return total

    def _add(self, key: Key, amount: Decimal) -> None:
        if key[0] is Sum.SLOTS:
            before = self._get(key)
            change = (before + amount > 0) - (before > 0)
            if change:
                self._put(_SLOTS_USED, self._own.get(_SLOTS_USED, _NOTHING) + change)
        self._put(key, self._own.get(key, _NOTHING) + amount)

    def _put(self, key: Key, amount: Decimal) -> None:
        """Nothing is kept of what adds up to nothing: days and decisions of the past leave no trace."""
        if amount:
            self._own[key] = amount
        else:
            self._own.pop(key, None)


_NOTHING = Decimal(0)
_EXACT = Decimal("0.000001")
"""What a division has left beyond this is cut off: sums and differences of the rest are exact, in any order."""
_SLOTS_USED = (Sum.SLOTS_USED, ALL)


def of_order(order: Order) -> Parts:
    """What a row of the order book adds."""
    is_buy, is_pending = order.side is Side.BUY, order.status is OrderStatus.PENDING
    day = order.trading_day.isoformat()
    if is_pending:
        yield (Sum.OPEN, ALL), 1
        if order.cancel_requested:
            yield (Sum.CANCELLING, ALL), 1
    if is_buy and is_pending:
        yield (Sum.SLOTS, order.symbol), 1
        yield (Sum.WAITING, order.symbol), (left := left_of(order))
        yield (Sum.WAITING, ALL), left
        if order.placed_at is None:
            yield (Sum.UNBLOCKED, ALL), left
    if is_buy and order.status is not OrderStatus.FAILED:
        yield (Sum.TRADES, day), 1
        yield (Sum.GROSS, day), gross_of(order)
    if is_buy and order.status in _BLOCKING:
        yield (Sum.BLOCKING, order.symbol), 1
        yield (Sum.BLOCKING_OWN, own_key(order.decision_id, order.symbol)), 1
    if "realised_pnl" in order.metadata:
        yield (Sum.REALISED, day), Decimal(order.metadata["realised_pnl"]).quantize(_EXACT)


def of_position(position: Position) -> Parts:
    if position.is_open:
        yield (Sum.SLOTS, position.symbol), 1
        yield (Sum.POSITIONS, position.symbol), 1
        yield (Sum.HELD, position.symbol), (cost := position.cost.quantize(_EXACT))
        yield (Sum.HELD, ALL), cost


def of_attempt(attempt: Attempt) -> Parts:
    if attempt.status is AttemptStatus.UNKNOWN:
        yield (Sum.UNCERTAIN, attempt.symbol), 1
        yield (Sum.UNCERTAIN, ALL), 1


def own_key(decision_id: str, symbol: str) -> str:
    return f"{decision_id}\x1f{symbol}"


def left_of(order: Order) -> Decimal:
    """What the unfilled part of an order may still cost, in rupees."""
    return (order.price or Decimal(0)) * (order.quantity - order.execution_qty)


def gross_of(order: Order) -> Decimal:
    """What an order is worth at its limit, in rupees."""
    return (order.price or Decimal(0)) * order.quantity
