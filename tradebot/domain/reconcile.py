"""The one recovery path: what we think and what the broker says, to what has happened since."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from tradebot.domain.broker_views import BrokerOrder, BrokerTrade, BrokerWord, is_users_cancel
from tradebot.domain.lifecycle import CANCEL_REASON, AttemptChange, OrderChange, Transition, apply_attempt
from tradebot.domain.orders import (
    Attempt,
    AttemptStatus,
    Fill,
    Order,
    OrderStatus,
    OrderType,
    Side,
    Variety,
)

PRICE_TOLERANCE = Decimal("0.01")
"""A price at the broker that differs by more was changed by hand."""


class Notice(StrEnum):
    """What is worth telling beside the order's own change."""

    LATE_FILL = "late_fill"
    REOPENED = "reopened"
    TRADES_LAG = "trades_lag"
    UNKNOWN_WORD = "unknown_word"
    MANUAL_CANCEL = "manual_cancel"
    MANUAL_MODIFICATION = "manual_modification"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """What we think: an order, its current attempt, the ids of its booked trades, and whether a change of
    price or quantity that we asked for is not confirmed yet."""

    order: Order
    attempt: Attempt
    booked: Collection[str]
    is_being_modified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What has happened: fills to book, in order of time, then transitions to apply; the attempt after all of it."""

    fills: tuple[Fill, ...] = ()
    attempt: Attempt
    transitions: tuple[Transition, ...] = ()
    notices: tuple[Notice, ...] = ()
    manual_price: Decimal | None = None
    manual_quantity: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The circumstances of a comparison: when, told by whom, and when the order's session ends."""

    at: datetime
    source: str
    session_ends_at: datetime | None


def reconcile(ours: Tracked, theirs: BrokerOrder, trades: Iterable[BrokerTrade], look: Look) -> Finding | None:
    """What the difference amounts to; None when there is none.

    Never lowers a filled quantity, books each trade once, and applies a final word of the broker only when the
    trades that belong to it are booked. The same answer again gives None.
    """
    fills = _new_fills(ours, theirs, trades, look)
    attempt = _adopt(ours.attempt, theirs, fills, look)
    transitions: list[Transition] = []
    notices: list[Notice] = [Notice.LATE_FILL] if any(fill.is_late for fill in fills) else []
    if ours.order.status is OrderStatus.PENDING and ours.order.placed_at is None:
        transitions.append(_accepted(ours.order, theirs, look))
    lag = theirs.filled_quantity > attempt.filled_quantity or _is_executed_without_trade(theirs, attempt)
    manual = _manual_change(ours, theirs)
    match theirs.word:
        case BrokerWord.UNKNOWN:
            notices.append(Notice.UNKNOWN_WORD)
        case BrokerWord.OPEN:
            notices += [Notice.TRADES_LAG] if lag else []
            attempt = _open(ours, attempt, theirs, fills, look, transitions, notices)
        case _ if lag:
            notices.append(Notice.TRADES_LAG)
            if fills:
                attempt = _partly(ours, attempt, theirs, look, transitions)
        case BrokerWord.EXECUTED:
            attempt = _executed(ours, attempt, theirs, fills, look, transitions)
        case BrokerWord.REJECTED:
            attempt = _rejected(ours, attempt, theirs, fills, look, transitions)
        case BrokerWord.CANCELLED:
            attempt = _cancelled(ours, attempt, theirs, fills, look, transitions, notices)
    is_pending = ours.order.status is OrderStatus.PENDING or Notice.REOPENED in notices
    if manual is not None and is_pending:
        attempt = replace(attempt, price=manual[0], quantity=manual[1])
        notices.append(Notice.MANUAL_MODIFICATION)
    else:
        manual = None
    if not (fills or transitions) and _is_same(attempt, ours.attempt):
        return None
    return Finding(
        fills=fills,
        attempt=attempt if attempt is not ours.attempt else replace(attempt, updated_at=look.at),
        transitions=tuple(transitions),
        notices=tuple(notices),
        manual_price=manual[0] if manual else None,
        manual_quantity=manual[1] if manual else None,
    )


def executed_reason(value: Decimal, quantity: int) -> str:
    return f"Order executed at Rs {value / quantity:.2f}"


def executed_sum(order: Order, fills: Sequence[Fill] = ()) -> tuple[Decimal, int]:
    """Value and quantity of the booked fills and of these."""
    value = order.execution_value + sum((fill.price * fill.quantity for fill in fills), Decimal(0))
    return value, order.execution_qty + sum(fill.quantity for fill in fills)


def part_reason(value: Decimal, quantity: int, wanted: int) -> str:
    return f"{executed_reason(value, quantity)} for {quantity} of {wanted}, the rest cancelled"


def _new_fills(ours: Tracked, theirs: BrokerOrder, trades: Iterable[BrokerTrade], look: Look) -> tuple[Fill, ...]:
    order = ours.order
    is_late = order.status in (OrderStatus.CANCELLED, OrderStatus.FAILED) or not ours.attempt.status.is_open
    news = {
        trade.trade_id: trade
        for trade in trades
        if trade.broker_order_id == theirs.broker_order_id and trade.trade_id not in ours.booked
    }
    return tuple(
        Fill(
            account_id=order.account_id,
            broker_order_id=trade.broker_order_id,
            trade_id=trade.trade_id,
            order_id=order.id,
            coid=ours.attempt.coid,
            symbol=order.symbol,
            side=order.side,
            quantity=trade.quantity,
            price=trade.price,
            traded_at=trade.traded_at,
            booked_at=look.at,
            is_late=is_late,
        )
        for trade in sorted(news.values(), key=lambda trade: (trade.traded_at, trade.trade_id))
    )


def _adopt(attempt: Attempt, theirs: BrokerOrder, fills: Sequence[Fill], look: Look) -> Attempt:
    """The very same attempt where the row says nothing new: a start compares thousands of them."""
    told = (attempt.broker_order_id, attempt.broker_status, attempt.looks)
    if not fills and told == (theirs.broker_order_id, theirs.status, 0):
        return attempt
    return replace(
        attempt,
        broker_order_id=theirs.broker_order_id,
        broker_status=theirs.status,
        filled_quantity=attempt.filled_quantity + sum(fill.quantity for fill in fills),
        looks=0,
        updated_at=look.at,
    )


def _is_same(attempt: Attempt, before: Attempt) -> bool:
    """But for the time of the look."""
    return attempt is before or replace(attempt, updated_at=before.updated_at) == before


def _is_executed_without_trade(theirs: BrokerOrder, attempt: Attempt) -> bool:
    return theirs.word is BrokerWord.EXECUTED and not attempt.filled_quantity


def _accepted(order: Order, theirs: BrokerOrder, look: Look) -> Transition:
    return _transition(OrderChange.ACCEPTED, theirs, look, order.reason)


def _open(
    ours: Tracked,
    attempt: Attempt,
    theirs: BrokerOrder,
    fills: Sequence[Fill],
    look: Look,
    transitions: list[Transition],
    notices: list[Notice],
) -> Attempt:
    if ours.order.status in (OrderStatus.CANCELLED, OrderStatus.FAILED):
        notices.append(Notice.REOPENED)
        transitions.append(
            _transition(OrderChange.REOPENED, theirs, look, f"Open at the broker after all ({theirs.status})")
        )
    if fills or (attempt.filled_quantity and attempt.status is not AttemptStatus.PARTIALLY_FILLED):
        return _partly(ours, attempt, theirs, look, transitions)
    if attempt.status in (AttemptStatus.PENDING, AttemptStatus.PARTIALLY_FILLED, AttemptStatus.FILLED):
        return attempt
    return apply_attempt(attempt, AttemptChange.ACKNOWLEDGED, look.at)


def _partly(ours: Tracked, attempt: Attempt, theirs: BrokerOrder, look: Look, transitions: list[Transition]) -> Attempt:
    if attempt.status is AttemptStatus.FILLED:
        return attempt
    if ours.order.status is OrderStatus.PENDING or transitions:
        reason = f"Partially filled: {attempt.filled_quantity} of {theirs.quantity}"
        transitions.append(_transition(OrderChange.PARTIALLY_FILLED, theirs, look, reason))
    return apply_attempt(attempt, AttemptChange.PARTIALLY_FILLED, look.at)


def _executed(
    ours: Tracked,
    attempt: Attempt,
    theirs: BrokerOrder,
    fills: Sequence[Fill],
    look: Look,
    transitions: list[Transition],
) -> Attempt:
    change = _execution(ours.order)
    if change is not None:
        value, quantity = executed_sum(ours.order, fills)
        reason = executed_reason(value, quantity)
        if change in (OrderChange.LATE_BOUGHT, OrderChange.LATE_SOLD):
            reason = "Late fill"
        transitions.append(_transition(change, theirs, look, reason))
    if attempt.status is AttemptStatus.FILLED:
        return attempt
    return apply_attempt(attempt, AttemptChange.FILLED, look.at)


def _rejected(
    ours: Tracked,
    attempt: Attempt,
    theirs: BrokerOrder,
    fills: Sequence[Fill],
    look: Look,
    transitions: list[Transition],
) -> Attempt:
    order = ours.order
    reason = rejected_reason(theirs.status_text)
    if order.status is OrderStatus.PENDING:
        transitions.append(_end_of_part(order, theirs, fills, look, reason, OrderChange.REFUSED))
    elif fills and (late := _execution(order)) is not None:
        transitions.append(_transition(late, theirs, look, "Late fill"))
    if not attempt.status.is_open and attempt.status is not AttemptStatus.EXPIRED:
        return attempt
    return apply_attempt(attempt, AttemptChange.REJECTED, look.at)


def _end_of_part(
    order: Order, theirs: BrokerOrder, fills: Sequence[Fill], look: Look, cause: str, nothing_filled: OrderChange
) -> Transition:
    """The end of an order that will not be filled any further: a buy is held for the part that was filled, a sell
    is cancelled and keeps it."""
    value, quantity = executed_sum(order, fills)
    if not quantity:
        return _transition(nothing_filled, theirs, look, cause)
    if order.side is Side.SELL:
        return _transition(OrderChange.CANCELLED, theirs, look, cause)
    part = part_reason(value, quantity, order.quantity)
    return _transition(OrderChange.BOUGHT, theirs, look, f"{part}: {cause}" if cause else part)


def rejected_reason(text: str) -> str:
    return f"Broker rejected: {text}" if text else "Rejected by broker"


def _cancelled(
    ours: Tracked,
    attempt: Attempt,
    theirs: BrokerOrder,
    fills: Sequence[Fill],
    look: Look,
    transitions: list[Transition],
    notices: list[Notice],
) -> Attempt:
    order = ours.order
    if order.status is OrderStatus.PENDING:
        by_hand = _is_cancelled_by_hand(ours, theirs, look)
        if by_hand:
            notices.append(Notice.MANUAL_CANCEL)
        cause = f"Manual: {theirs.status_text or 'User cancelled'}" if by_hand else _cause_of_cancel(order, theirs)
        transitions.append(_end_of_part(order, theirs, fills, look, cause, OrderChange.CANCELLED))
    elif fills and (late := _execution(order)) is not None:
        transitions.append(_transition(late, theirs, look, "Late fill"))
    if not attempt.status.is_open and attempt.status is not AttemptStatus.EXPIRED:
        return attempt
    return apply_attempt(attempt, AttemptChange.CANCELLED, look.at)


def _is_cancelled_by_hand(ours: Tracked, theirs: BrokerOrder, look: Look) -> bool:
    """A cancel without a reason of the exchange, before the session's end, that we did not ask for."""
    if ours.order.cancel_requested or not is_users_cancel(theirs.status_text):
        return False
    return look.session_ends_at is None or theirs.updated_at < look.session_ends_at


def _cause_of_cancel(order: Order, theirs: BrokerOrder) -> str:
    """Ours, where the cancel is the one that we asked for; else the exchange's."""
    asked = order.metadata.get(CANCEL_REASON) if order.cancel_requested else None
    if asked and is_users_cancel(theirs.status_text):
        return asked
    return theirs.status_text or "Cancelled"


def _execution(order: Order) -> OrderChange | None:
    is_buy = order.side is Side.BUY
    match order.status:
        case OrderStatus.PENDING:
            return OrderChange.BOUGHT if is_buy else OrderChange.SOLD
        case OrderStatus.CANCELLED | OrderStatus.FAILED:
            return OrderChange.LATE_BOUGHT if is_buy else OrderChange.LATE_SOLD
        case OrderStatus.ONGOING | OrderStatus.CLOSED:
            return None


def _manual_change(ours: Tracked, theirs: BrokerOrder) -> tuple[Decimal, int] | None:
    """Price and quantity that somebody else gave the standing order; the variety's own release is no change."""
    attempt = ours.attempt
    if ours.is_being_modified or theirs.word is not BrokerWord.OPEN or attempt.price is None:
        return None
    has_limit = theirs.order_type in (OrderType.LIMIT, OrderType.SL)
    price = theirs.price if has_limit else attempt.price
    if abs(price - attempt.price) <= PRICE_TOLERANCE and theirs.quantity == attempt.quantity:
        return None
    return price, theirs.quantity


def _transition(change: OrderChange, theirs: BrokerOrder, look: Look, reason: str) -> Transition:
    return Transition(
        change=change,
        at=look.at,
        reason=reason,
        source=look.source,
        broker_status=theirs.status,
        broker_order_id=theirs.broker_order_id,
    )


def cancel_variety(attempt: Attempt, released: bool) -> Variety:
    """The variety under which a standing order is changed: from its release on, an AMO is a regular order."""
    return Variety.REGULAR if released else attempt.variety
