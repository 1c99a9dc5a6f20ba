"""Pricing: when an order that somebody gives can trade, and at which limit it is sent."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from tradebot.domain.calendar import CalendarHorizonError, ist_date
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.market_rules import MarketRules, round_to_tick
from tradebot.domain.orders import Side, Variety
from tradebot.domain.policy import OffHours
from tradebot.domain.quotes import Quote
from tradebot.domain.trading_day import TradingDay
from tradebot.engine.setting import Setting


def next_session(setting: Setting, now: datetime) -> tuple[TradingDay, Variety] | None:
    """The day on which an order given now trades, and how it is sent; None while nothing takes orders, and where the
    calendar ends. What is to be held until the open can be given at any time."""
    try:
        return _next_session(setting, now)
    except CalendarHorizonError:
        return None


def _next_session(setting: Setting, now: datetime) -> tuple[TradingDay, Variety] | None:
    calendar = setting.calendar
    today = calendar.trading_day(ist_date(now))
    if today is not None and today.release_at <= now < today.ends_at:
        return today, Variety.REGULAR
    if setting.amo.accepts(now, calendar):
        return setting.amo.for_day(now, calendar), Variety.AMO
    if setting.policy.off_hours is OffHours.DEFER:
        is_early = today is not None and now < today.release_at
        return (today if today is not None and is_early else calendar.next_trading_day(ist_date(now))), Variety.AMO
    return None


def on_tick(side: Side, price: Decimal, terms: InstrumentTerms) -> Decimal:
    """A given price on the instrument's tick, never worse for whoever gave it."""
    return round_to_tick(price, terms.tick_size, "down" if side is Side.BUY else "up")


def protected_price(side: Side, reference: Decimal, terms: InstrumentTerms, rules: MarketRules) -> Decimal:
    """The limit of what a user calls a market order: as far from the reference as the exchange's own protection
    goes, inside the day's band (NSE/CMTR/71888: market orders through programs need a protection)."""
    distance = rules.protection_distance(reference)
    if side is Side.BUY:
        return min(round_to_tick(reference + distance, terms.tick_size, "down"), terms.upper_limit)
    return max(round_to_tick(reference - distance, terms.tick_size, "up"), terms.lower_limit)


def reference_price(
    side: Side, variety: Variety, trigger_price: Decimal | None, quote: Quote | None, terms: InstrumentTerms
) -> Decimal | None:
    """What a protected limit starts from: the trigger of a stop, the other side of the book, at night the close."""
    if trigger_price is not None:
        return trigger_price
    if variety is Variety.AMO:
        return terms.previous_close
    if quote is None:
        return None
    return quote.best_opposite(side)
