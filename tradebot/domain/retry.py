"""What becomes of a failed buy when it is tried again: the checks of a retry, in their order, as one pure decision."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from tradebot.domain.broker_views import BrokerOrder
from tradebot.domain.orders import EntryType, Order, OrderId, Source

PRICED_BY, SIZED_BY, OF_SIGNAL = "priced_by", "sized_by", "signal"
"""How an order's metadata says that its limit or its quantity is the signal's own, and is kept when it is retried."""

VOLUME_DAYS = 20

_BY_SYMBOL = frozenset({Source.SIGNAL, Source.STRATEGY})


class Step(StrEnum):
    """Which check decided. `limit` stops the run: every order after it is skipped as well."""

    LIMIT = "limit"
    HELD = "held"
    NO_INDICATORS = "no_indicators"
    NO_PRICE = "no_price"
    LINK = "link"
    REPLACE = "replace"
    VOLUME = "volume"
    BALANCE = "balance"
    PLACE = "place"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryFacts:
    """What the checks need to know. Of a symbol: whether it `is_held` (by us or, at the broker, by the account) and
    `is_slot_used` (a position or a pending buy of ours), the last `close` and the mean `volume` of the last
    `VOLUME_DAYS` days; `manual` is a pending buy that somebody placed by hand, `live` a pending buy of ours.

    Money in rupees; `free_cash` without the reserve. `price` is the limit that the order would get.
    """

    slots_used: int
    positions_max: int
    is_slot_used: bool
    is_held: bool
    has_indicators: bool
    close: Decimal | None
    volume: Decimal | None
    volume_pct_max: Decimal
    manual: BrokerOrder | None
    live: OrderId | None
    price: Decimal
    lot_size: int
    capital: Decimal
    free_cash: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryVerdict:
    """The step that decided and the quantity that would be bought; `short` is the money that is missing, in rupees,
    and `volume_pct` the share of the mean volume that would be taken."""

    step: Step
    quantity: int
    short: Decimal = Decimal(0)
    volume_pct: Decimal | None = None


def is_by_symbol(order: Order) -> bool:
    """Whether the order is a signal's or a strategy's: only those are held against others of their symbol."""
    return order.orig_source in _BY_SYMBOL


def judge_retry(order: Order, facts: RetryFacts) -> RetryVerdict:
    """The first check that says something; with none of them the order is placed."""
    is_reentry = order.entry_type is EntryType.REENTRY
    if facts.slots_used >= facts.positions_max and not (is_reentry and facts.is_slot_used):
        return RetryVerdict(step=Step.LIMIT, quantity=order.quantity)
    quantity = order.quantity
    if is_by_symbol(order):
        if facts.is_held and not is_reentry:
            return RetryVerdict(step=Step.HELD, quantity=quantity)
        if not facts.has_indicators or facts.close is None:
            return RetryVerdict(step=Step.NO_INDICATORS, quantity=quantity)
        if facts.close <= 0 or facts.price <= 0:
            return RetryVerdict(step=Step.NO_PRICE, quantity=quantity)
        quantity = _sized(order, facts, facts.close)
        if facts.manual is not None:
            return RetryVerdict(step=Step.LINK, quantity=quantity)
        if facts.live is not None:
            return RetryVerdict(step=Step.REPLACE, quantity=quantity)
    return _affordable(quantity, facts)


def _sized(order: Order, facts: RetryFacts, close: Decimal) -> int:
    if order.metadata.get(SIZED_BY) == OF_SIGNAL:
        return order.quantity
    shares = max(1, int(facts.capital / close))
    return max(1, shares // facts.lot_size) * facts.lot_size


def _affordable(quantity: int, facts: RetryFacts) -> RetryVerdict:
    if facts.volume:
        share = quantity * 100 / facts.volume
        if share > facts.volume_pct_max:
            return RetryVerdict(step=Step.VOLUME, quantity=quantity, volume_pct=share)
    short = quantity * facts.price - facts.free_cash
    if short > 0:
        return RetryVerdict(step=Step.BALANCE, quantity=quantity, short=short)
    return RetryVerdict(step=Step.PLACE, quantity=quantity)
