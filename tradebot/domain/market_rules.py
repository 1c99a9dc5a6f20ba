"""The exchange's rules about prices and quantities as dated values: ticks, bands, limits, protection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Literal, TypeVar

from tradebot.domain.calendar import Calendar
from tradebot.domain.instruments import Instrument

Direction = Literal["down", "up", "nearest"]

_PAISA = Decimal("0.01")
_HUNDRED = Decimal(100)
_ROUNDING = {"down": ROUND_FLOOR, "up": ROUND_CEILING, "nearest": ROUND_HALF_UP}


@dataclass(frozen=True, slots=True, kw_only=True)
class TickBand:
    """The tick, in rupees, of reference prices under `below` (`None`: of all that are left)."""

    below: Decimal | None
    tick: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TickTable:
    """Tick sizes from `since` until the next table; `bands` ascend and the last one is open-ended."""

    since: date
    bands: tuple[TickBand, ...]
    etf_tick: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The prices at which an order is taken, both edges included and on the tick, in rupees."""

    lower: Decimal
    upper: Decimal

    def contains(self, price: Decimal) -> bool:
        return self.lower <= price <= self.upper


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLimits:
    """The largest cash order: `freeze_value` in rupees or `max_quantity` shares, whichever is less."""

    since: date
    freeze_value: Decimal
    max_quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectionBand:
    """How far a protected market order may go from the last price, for prices under `below` (`None`: the
    rest).

    Exactly one of `percent` (of the price) and `rupees` is set.
    """

    below: Decimal | None
    percent: Decimal | None = None
    rupees: Decimal | None = None

    def distance(self, price: Decimal) -> Decimal:
        if self.rupees is not None:
            return self.rupees
        return price * (self.percent or Decimal(0)) / _HUNDRED


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTypeRule:
    """What is refused from `since` on: market orders without protection, and SL-M orders."""

    since: date
    market_needs_protection: bool
    takes_stop_market: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketRules:
    """All dated rules; tuples ascend by `since`, and a day before the first entry takes that first entry.

    On the days in `day_caps` no price band is wider than the given per cent and none is widened.
    """

    tick_tables: tuple[TickTable, ...]
    order_limits: tuple[OrderLimits, ...]
    order_types: tuple[OrderTypeRule, ...]
    protection: tuple[ProtectionBand, ...]
    option_protection: tuple[ProtectionBand, ...]
    day_caps: Mapping[date, Decimal] = field(default_factory=dict)

    def band_pct(self, instrument: Instrument, day: date) -> Decimal:
        """Per cent of the previous close on either side."""
        return min(instrument.band_pct, self.day_caps.get(day, instrument.band_pct))

    def band_flexes(self, instrument: Instrument, day: date) -> bool:
        """Stocks with derivatives: the exchange widens the band during the day instead of halting them."""
        return instrument.has_derivatives and day not in self.day_caps

    def freeze_quantity(self, price: Decimal, day: date | None = None) -> int:
        """The largest quantity of one cash order at this price, at least 1; the newest rule without a day."""
        limits = self.order_limits[-1] if day is None else _in_force(self.order_limits, day)
        return max(1, min(limits.max_quantity, int(limits.freeze_value // price)))

    def order_type_rule(self, day: date) -> OrderTypeRule:
        return _in_force(self.order_types, day)

    def protection_distance(self, price: Decimal, *, is_option: bool = False) -> Decimal:
        """The market protection in rupees away from the price, not rounded to a tick."""
        return _band_of(self.option_protection if is_option else self.protection, price).distance(price)


def tick_size(rules: MarketRules, day: date, reference_price: Decimal, is_etf: bool) -> Decimal:
    """The tick in rupees on `day`.

    `reference_price` is the close of `tick_reference_day`, fixed for the month and not adjusted for a split
    during it (BAJFINANCE kept 0.50 at Rs 930 until the end of June 2025). ETFs have a tick of their own.
    """
    table = _in_force(rules.tick_tables, day)
    return table.etf_tick if is_etf else _band_of(table.bands, reference_price).tick


def tick_reference_day(calendar: Calendar, day: date) -> date:
    """The last trading day of the month before `day`: its close decides the tick for the whole month.

    Raises CalendarHorizonError in the calendar's first month; the previous close of that month's first
    session is the same price.
    """
    return calendar.previous_trading_day(day.replace(day=1)).day


def round_to_tick(price: Decimal, tick: Decimal, direction: Direction) -> Decimal:
    """The multiple of `tick` at or below, at or above, or nearest (halves up), exact, with two decimals."""
    steps = (price / tick).to_integral_value(rounding=_ROUNDING[direction])
    return (steps * tick).quantize(_PAISA)


def on_tick(price: Decimal, tick: Decimal) -> bool:
    return price % tick == 0


def price_band(prev_close: Decimal, percent: Decimal, tick: Decimal) -> Band:
    """The day's band around the previous close, both edges rounded inwards to the tick, at least one tick."""
    reach = prev_close * percent / _HUNDRED
    lower = max(tick.quantize(_PAISA), round_to_tick(prev_close - reach, tick, "up"))
    # A close of a few paise can leave no tick inside the band: the band is then the one price next to it.
    upper = max(lower, round_to_tick(prev_close + reach, tick, "down"))
    return Band(lower=lower, upper=upper)


_Dated = TypeVar("_Dated", TickTable, OrderLimits, OrderTypeRule)
_ByPrice = TypeVar("_ByPrice", TickBand, ProtectionBand)


def _in_force(dated: tuple[_Dated, ...], day: date) -> _Dated:
    return next((entry for entry in reversed(dated) if entry.since <= day), dated[0])


def _band_of(bands: tuple[_ByPrice, ...], price: Decimal) -> _ByPrice:
    return next(band for band in bands if band.below is None or price < band.below)
