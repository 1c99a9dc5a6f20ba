"""Entry guards: pure checks that let an entry pass, or block it with a reason and the figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.orders import Side
from tradebot.domain.policy import GuardMode, QuoteLimits, RiskLimits
from tradebot.domain.quotes import Level, Quote

_PAISA = Decimal("0.01")

BASIS_POINTS = Decimal(10_000)
_SHOWN = Decimal("0.01")


class Reason(StrEnum):
    MAX_POSITIONS = "RISK_LIMIT_MAX_POSITIONS"
    MAX_EXPOSURE = "RISK_LIMIT_MAX_EXPOSURE"
    MAX_SYMBOL_EXPOSURE = "RISK_LIMIT_MAX_SYMBOL_EXPOSURE"
    DAILY_DRAWDOWN = "RISK_LIMIT_DAILY_DRAWDOWN"
    MAX_TRADES = "RISK_LIMIT_MAX_TRADES_PER_DAY"
    MIN_CASH = "RISK_LIMIT_MIN_CASH"
    ORDER_NOTIONAL = "RISK_LIMIT_ORDER_NOTIONAL"
    OPEN_ORDERS = "RISK_LIMIT_OPEN_ORDERS"
    GROSS = "RISK_LIMIT_GROSS_PER_DAY"
    PRICE_BAND = "PRICE_BAND"
    FREEZE_QUANTITY = "FREEZE_QUANTITY"
    SYMBOL_HALTED = "SYMBOL_HALTED"
    COOLDOWN = "COOLDOWN"
    ENTRIES_STOPPED = "NO_ENTRIES"
    ENTRIES_PAUSED = "PAUSED"
    KILL_SWITCH = "KILL_SWITCH"
    SYMBOL_UNCERTAIN = "SYMBOL_UNCERTAIN"
    SYMBOL_TAKEN = "SYMBOL_TAKEN"
    NOT_HELD = "NOT_HELD"
    SELL_STANDS = "SELL_STANDS"
    NO_MARKET_DATA = "NO_MARKET_DATA"
    WIDE_SPREAD = "WIDE_SPREAD"
    THIN_DEPTH = "THIN_DEPTH"
    SLIPPAGE = "SLIPPAGE"
    DECISION_STOPPED = "DECISION_STOPPED"
    INTERNAL_FAULT = "GUARD_FAULT"


Figures = Mapping[str, Decimal | int | str]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an entry was blocked, with what was found and what is allowed."""

    guard: str
    reason: Reason
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """What the account holds and has done today, with this submission left out. Money in rupees.

    `orders_open` counts pending orders, `gross_today` is what the day's entries are worth at their limits;
    `slots_used` counts symbols held or on order; `exposure` is the cost of what is held plus what open buys
    may still cost; `drawdown` is today's loss, realised and open (positive is a loss).
    """

    equity: Decimal
    free_cash: Decimal
    exposure: Decimal
    symbol_exposure: Decimal
    slots_used: int
    takes_new_slot: bool
    trades_today: int
    drawdown: Decimal
    orders_open: int = 0
    gross_today: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry to be judged, in rupees and shares."""

    symbol: str
    side: Side
    quantity: int
    price: Decimal

    @property
    def notional(self) -> Decimal:
        return self.price * self.quantity


def judge_risk(entry: Entry, portfolio: Portfolio, limits: RiskLimits) -> list[Refusal]:
    """Every risk limit that the entry would break; a figure equal to its limit passes."""
    notional = entry.notional
    exposure = portfolio.exposure + notional
    symbol_exposure = portfolio.symbol_exposure + notional
    slots = portfolio.slots_used + portfolio.takes_new_slot
    equity = portfolio.equity
    checks = (
        _above(Reason.ORDER_NOTIONAL, notional, limits.order_notional_max),
        _above(Reason.MAX_POSITIONS, slots, limits.positions_max),
        _above_share(Reason.MAX_EXPOSURE, exposure, equity, limits.exposure_pct_max),
        _above_share(Reason.MAX_SYMBOL_EXPOSURE, symbol_exposure, equity, limits.symbol_exposure_pct_max),
        _above_share(Reason.DAILY_DRAWDOWN, portfolio.drawdown, equity, limits.daily_drawdown_pct_max),
        _used_up(Reason.MAX_TRADES, portfolio.trades_today, limits.trades_per_day_max),
        _used_up(Reason.OPEN_ORDERS, portfolio.orders_open, limits.orders_open_max),
        _above(Reason.GROSS, portfolio.gross_today + notional, limits.gross_per_day_max),
        _below(Reason.MIN_CASH, portfolio.free_cash - notional, limits.cash_reserve_min),
    )
    return [
        Refusal("risk", reason, {"found": _shown(found), "allowed": _shown(allowed)})
        for reason, is_broken, found, allowed in checks
        if is_broken
    ]


_Check = tuple[Reason, bool, Decimal | int, Decimal | int]
"""The reason, whether it holds, what was found, and what is allowed."""


def _shown(figure: Decimal | int) -> Decimal | int:
    """Money to the paisa: a share of the equity, or a sum out of the database, has digits that say nothing."""
    if isinstance(figure, int) or int(figure.as_tuple().exponent) >= -2:
        return figure
    return figure.quantize(_PAISA)


def _above(reason: Reason, found: Decimal | int, allowed: Decimal | int) -> _Check:
    return reason, found > allowed, found, allowed


def _above_share(reason: Reason, found: Decimal, equity: Decimal, percent: Decimal | int) -> _Check:
    """Compared without a division, so that a figure equal to its limit passes whatever the per cent."""
    return reason, found * 100 > equity * percent, found, equity * percent / 100


def _used_up(reason: Reason, found: int, allowed: int) -> _Check:
    """The entry itself would be one more."""
    return reason, found >= allowed, found, allowed


def _below(reason: Reason, found: Decimal, allowed: Decimal) -> _Check:
    return reason, found < allowed, found, allowed


def judge_terms(entry: Entry, terms: InstrumentTerms) -> list[Refusal]:
    """The instrument's own limits of the day: its price band, its freeze quantity, a halt."""
    refusals = []
    if terms.is_halted:
        refusals.append(Refusal("risk", Reason.SYMBOL_HALTED, {"symbol": entry.symbol}))
    if not terms.lower_limit <= entry.price <= terms.upper_limit:
        figures: Figures = {
            "price": entry.price,
            "lower_limit": terms.lower_limit,
            "upper_limit": terms.upper_limit,
        }
        refusals.append(Refusal("risk", Reason.PRICE_BAND, figures))
    if entry.quantity > terms.freeze_quantity:
        figures = {"quantity": entry.quantity, "freeze_quantity": terms.freeze_quantity}
        refusals.append(Refusal("risk", Reason.FREEZE_QUANTITY, figures))
    return refusals


Judged = list[tuple[GuardMode, Refusal]]


def judge_quote(entry: Entry, quote: Quote | None, limits: QuoteLimits, now: datetime) -> Judged:
    """Every quote guard that the entry breaks, with the guard's mode; without a two-sided book of now, that it is
    missing."""
    missing = no_market_data(entry, quote, limits, now)
    if missing is not None or quote is None:
        return [(GuardMode.ON, missing)] if missing is not None else []
    judged = ((mode, judge(entry, quote, limits)) for mode, judge in _quote_guards(limits))
    return [(mode, refusal) for mode, refusal in judged if refusal is not None]


def judge_apart(entry: Entry, quotes: Sequence[Quote | None], limits: QuoteLimits, now: datetime) -> Judged:
    """The same guards one after the other, each on a quote of its own (the last one, where there are fewer); the first
    that blocks ends it."""
    found: Judged = []
    guards = _quote_guards(limits)
    for index, (mode, judge) in enumerate(guards or [(GuardMode.ON, _nothing)]):
        quote = quotes[min(index, len(quotes) - 1)] if quotes else None
        missing = no_market_data(entry, quote, limits, now)
        if missing is not None or quote is None:
            return [*found, (GuardMode.ON, missing)] if missing is not None else found
        refusal = judge(entry, quote, limits)
        if refusal is not None:
            found.append((mode, refusal))
            if mode is GuardMode.ON:
                return found
    return found


def no_market_data(entry: Entry, quote: Quote | None, limits: QuoteLimits, now: datetime) -> Refusal | None:
    """There is no two-sided book, or it is too old to say anything; an age equal to its limit passes."""
    if quote is None or quote.best_bid is None or quote.best_ask is None:
        return Refusal("quote", Reason.NO_MARKET_DATA, {"symbol": entry.symbol})
    age_s = Decimal((now - quote.at).total_seconds())
    if age_s <= limits.age_s_max:
        return None
    return Refusal("quote", Reason.NO_MARKET_DATA, {"age_s": age_s, "age_s_max": limits.age_s_max})


QuoteGuard = Callable[[Entry, Quote, QuoteLimits], Refusal | None]

QUOTE_GUARDS = 3
"""Spread, depth and slippage: so many looks are needed where each has a quote of its own."""


def _quote_guards(limits: QuoteLimits) -> list[tuple[GuardMode, QuoteGuard]]:
    """Those that are not off, in their order."""
    guards: tuple[tuple[GuardMode, QuoteGuard], ...] = (
        (limits.spread, lambda _, quote, limits: spread(quote, limits)),
        (limits.depth, lambda entry, quote, limits: depth(_taken(entry, quote), limits)),
        (limits.slippage, lambda entry, quote, limits: slippage(entry, _taken(entry, quote), limits)),
    )
    return [(mode, judge) for mode, judge in guards if mode is not GuardMode.OFF]


def _taken(entry: Entry, quote: Quote) -> Sequence[Level]:
    return quote.asks if entry.side is Side.BUY else quote.bids


def _nothing(entry: Entry, quote: Quote, limits: QuoteLimits) -> Refusal | None:  # noqa: ARG001 (a guard's shape)
    """Where every guard is off, the book must be there all the same."""
    return None


def spread(quote: Quote, limits: QuoteLimits) -> Refusal | None:
    """(ask - bid) / bid in basis points against its maximum; equal passes. Needs both sides of the book."""
    assert quote.best_bid is not None
    assert quote.best_ask is not None
    found = spread_bps(quote.best_bid, quote.best_ask)
    if found <= limits.spread_bps_max:
        return None
    return Refusal("spread", Reason.WIDE_SPREAD, {"spread_bps": found, "spread_bps_max": limits.spread_bps_max})


def depth(levels: Sequence[Level], limits: QuoteLimits) -> Refusal | None:
    """Rupees in the best five levels of the side to be taken against their minimum; equal passes."""
    found = depth_notional(levels)
    if found >= limits.depth_notional_min:
        return None
    figures: Figures = {"depth_notional": found, "depth_notional_min": limits.depth_notional_min}
    return Refusal("depth", Reason.THIN_DEPTH, figures)


def slippage(entry: Entry, levels: Sequence[Level], limits: QuoteLimits) -> Refusal | None:
    """What walking the book for the whole size would cost against the best price, in basis points; equal passes.

    What the five levels cannot fill is counted at the last level's price: at least that is what it would cost.
    """
    found = walked_bps(entry, levels)
    if found <= limits.slippage_bps_max:
        return None
    return Refusal("slippage", Reason.SLIPPAGE, {"slippage_bps": found, "slippage_bps_max": limits.slippage_bps_max})


def figures(entry: Entry, quote: Quote) -> Figures:
    """What the three guards of the book find. Needs both sides of the book."""
    assert quote.best_bid is not None
    assert quote.best_ask is not None
    levels = _taken(entry, quote)
    return {
        "spread_bps": spread_bps(quote.best_bid, quote.best_ask).quantize(_SHOWN),
        "depth_notional": depth_notional(levels),
        "slippage_bps": walked_bps(entry, levels).quantize(_SHOWN),
    }


def spread_bps(bid: Decimal, ask: Decimal) -> Decimal:
    return (ask - bid) / bid * BASIS_POINTS


def depth_notional(levels: Sequence[Level]) -> Decimal:
    return sum((level.price * level.quantity for level in levels[:5]), Decimal(0))


def walked_bps(entry: Entry, levels: Sequence[Level]) -> Decimal:
    """The average price of the whole size beside the best one."""
    left, value = entry.quantity, Decimal(0)
    for level in levels:
        taken = min(left, level.quantity)
        value += taken * level.price
        left -= taken
    average = (value + left * levels[-1].price) / entry.quantity
    return slippage_bps(entry.side, average, levels[0].price)


def slippage_bps(side: Side, average: Decimal, reference: Decimal) -> Decimal:
    """How much worse than the reference a fill was, in basis points; positive is worse on both sides."""
    found = (average - reference) / reference * BASIS_POINTS
    return found if side is Side.BUY else -found
