"""What the exchange knows about the market at an instant: sessions, terms, paths, last prices and quotes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum

from tradebot.domain.calendar import AmoWindow, AmoWindows, Calendar, CalendarHorizonError, ist, ist_date
from tradebot.domain.corporate_actions import CorporateAction, adjust_price, factor_between
from tradebot.domain.instruments import Instrument, InstrumentTerms
from tradebot.domain.market_rules import MarketRules, price_band, round_to_tick, tick_reference_day, tick_size
from tradebot.domain.orders import Side
from tradebot.domain.quotes import Bar, Quote
from tradebot.domain.trading_day import SessionPlan, TradingDay
from tradebot.exchange.chance import draw_below
from tradebot.exchange.depth import Depth, depth_around
from tradebot.exchange.path import DayPath
from tradebot.exchange.picture import Picture
from tradebot.exchange.settings import ExchangeSettings
from tradebot.exchange.tape import Tape

_ONE_DAY = timedelta(days=1)
_NOON = time(12)
_FLEX_STEP_PCT = Decimal(5)
_REFERENCE_SPAN = timedelta(minutes=15)
_TERMS_DAYS_MAX = 4
_HUNDRED = Decimal(100)


class Stage(Enum):
    """What an order that arrives now meets."""

    OPENING_ENTRY = "opening entry"
    CONTINUOUS = "continuous"
    CLOSING_ENTRY = "closing entry"
    SHUT = "shut"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketFacts:
    """The dated data that the exchange stands on; `amo_broker` chooses the after-market window."""

    calendar: Calendar
    rules: MarketRules
    actions: tuple[CorporateAction, ...]
    instruments: Mapping[str, Instrument]
    amo_windows: AmoWindows
    amo_broker: str = "default"

    def amo_window(self, exchange: str, at: datetime) -> AmoWindow:
        return self.amo_windows.of(self.amo_broker, exchange, ist_date(at))


@dataclass(frozen=True, slots=True, kw_only=True)
class BandMove:
    """A band that is `percent` wide on the day itself, for `per_mille` of the days of each symbol."""

    seed: int
    per_mille: int
    percent: Decimal

    def strikes(self, symbol: str, day: date) -> bool:
        return draw_below(1000, self.seed, "band", symbol, day) < self.per_mille


def stage_of(plan: SessionPlan, at: datetime) -> Stage:
    if plan.pre_open is not None and plan.pre_open.contains(at):
        return Stage.OPENING_ENTRY
    if any(window.contains(at) for window in plan.continuous):
        return Stage.CONTINUOUS
    if plan.closing_auction is not None and plan.closing_auction.entry.contains(at):
        return Stage.CLOSING_ENTRY
    return Stage.SHUT


class Market:
    """A view of the tape and the facts. It keeps only what can be worked out again: the paths of one day, at most one
    for each instrument, and the terms of the last few days."""

    def __init__(self, tape: Tape, facts: MarketFacts, seed: int, settings: ExchangeSettings) -> None:
        self.facts = facts
        self.seed = seed
        self.settings = settings
        self._tape = tape
        self._paths: dict[str, DayPath] = {}
        self._paths_day: date | None = None
        self._terms: dict[date, dict[str, InstrumentTerms | None]] = {}
        self._band_move: BandMove | None = None

    def move_bands(self, move: BandMove) -> None:
        self._band_move = move if move.per_mille else None

    def trading_day(self, day: date) -> TradingDay | None:
        return self.facts.calendar.trading_day(day)

    def plan(self, symbol: str, day: date) -> SessionPlan | None:
        """The sessions of the symbol; None on a day without any."""
        trading_day = self.trading_day(day)
        return trading_day.plan(self.facts.instruments[symbol].has_derivatives) if trading_day else None

    def bar(self, symbol: str, day: date) -> Bar | None:
        return self._tape.bar(symbol, day)

    def problem(self, symbol: str, day: date) -> str | None:
        return self._tape.problems(symbol, day)

    def path(self, symbol: str, day: date) -> DayPath:
        if day != self._paths_day:
            self._paths, self._paths_day = {}, day
        path = self._paths.get(symbol)
        if path is None:
            path = self._paths[symbol] = DayPath(self._tape.prints(symbol, day))
        return path

    def stage(self, symbol: str, at: datetime) -> Stage:
        plan = self.plan(symbol, ist_date(at))
        return stage_of(plan, at) if plan else Stage.SHUT

    def terms_day(self, at: datetime, exchange: str = "NSE") -> date:
        """The day whose tick and band an order placed now is checked against.

        The broker loads the next trading day's terms in the evening (after the session) or, where the window names a
        morning time, on the day itself. Where the calendar ends, the last known day's terms stay.
        """
        day = ist_date(at)
        today = self.trading_day(day)
        loaded_at = self.facts.amo_window(exchange, at).next_bands_at
        if loaded_at < _NOON:
            return day if today is not None and at >= ist(day, loaded_at) else self._day_before(day)
        if today is not None and at < max(ist(day, loaded_at), today.ends_at):
            return day
        try:
            return self.facts.calendar.next_trading_day(day).day
        except CalendarHorizonError:
            return day

    def terms(self, symbol: str, at: datetime) -> InstrumentTerms | None:
        """The terms in force for orders placed at `at`; None for a symbol that never traded."""
        day = self.terms_day(at, self.facts.instruments[symbol].exchange)
        return self.terms_of(symbol, day, at)

    def terms_of(self, symbol: str, day: date, at: datetime) -> InstrumentTerms | None:
        """The terms of `day` as they are known at `at`: a halt and a widened band show on the day itself only."""
        base = self._base_terms(symbol, day)
        if base is None or ist_date(at) != day:
            return base
        if self._tape.problems(symbol, day) is not None:
            return replace(base, is_halted=True)
        move = self._band_move
        if move is not None and move.strikes(symbol, day):
            band = price_band(base.previous_close, move.percent, base.tick_size)
            return replace(base, lower_limit=band.lower, upper_limit=band.upper)
        return self._widened(base, at)

    def last_price(self, symbol: str, at: datetime) -> Decimal | None:
        """The last trade at or before the instant: a print, the opening auction, or an earlier day's close."""
        day = ist_date(at)
        bar = self._session_bar(symbol, at)
        if bar is None:
            terms = self._base_terms(symbol, day) if self.trading_day(day) else None
            if terms is not None:
                return terms.previous_close
            last = self._tape.last_bar(symbol, day + _ONE_DAY)
            return last.close if last else None
        path = self.path(symbol, day)
        index = path.index_at(at)
        plan = self.plan(symbol, day)
        if plan is not None and plan.closing_auction and at >= plan.closing_auction.match_at:
            return bar.close
        return path.prices[index] if index >= 0 else bar.open

    def depth(self, symbol: str, at: datetime) -> Depth:
        """Bids and offers; empty outside the continuous session and for a halted symbol."""
        if self.stage(symbol, at) is not Stage.CONTINUOUS:
            return (), ()
        day = ist_date(at)
        bar, terms = self._session_bar(symbol, at), self.terms_of(symbol, day, at)
        if bar is None or terms is None or terms.is_halted:
            return (), ()
        path = self.path(symbol, day)
        index = path.index_at(at)
        return depth_around(
            terms,
            seed=self.seed,
            day=day,
            index=index,
            last_price=path.prices[index] if index >= 0 else bar.open,
            last_quantity=path.quantities[max(index, 0)] if path.quantities else 0,
            pct_max=self.settings.depth_share_pct_max,
        )

    def quote(self, symbol: str, at: datetime, *, has_book: bool = True) -> Quote | None:
        """The picture of the instant; outside a session, and without `has_book`, the prices with an empty book."""
        if symbol not in self.facts.instruments:
            return None
        day = ist_date(at)
        if self._session_bar(symbol, at) is None:
            return self._quiet_quote(symbol, at)
        path, bar, price = self.path(symbol, day), self._tape.bar(symbol, day), self.last_price(symbol, at)
        base = self._base_terms(symbol, day)
        if bar is None or price is None or base is None:
            return None
        index = path.index_at(at)
        bids, asks = self.depth(symbol, at) if has_book else ((), ())
        return Quote(
            symbol=symbol,
            at=at,
            last_price=price,
            volume=path.volumes[index] if index >= 0 else 0,
            day_high=max(path.highs[index], price) if index >= 0 else price,
            day_low=min(path.lows[index], price) if index >= 0 else price,
            previous_close=base.previous_close,
            bids=bids,
            asks=asks,
        )

    def picture(self, symbol: str, at: datetime) -> Picture | None:
        """The quote with the day's figures; None for a symbol that has no quote or no terms."""
        quote = self.quote(symbol, at)
        terms = self.terms(symbol, at) if quote else None
        if quote is None or terms is None:
            return None
        bar = self._session_bar(symbol, at)
        path = self.path(symbol, ist_date(at)) if bar else DayPath(())
        index = path.index_at(at)
        return Picture(
            quote=quote,
            terms=terms,
            opened_at_price=bar.open if bar else Decimal(0),
            last_quantity=path.quantities[index] if index >= 0 else 0,
            average_price=path.average_price(index),
            traded_at=path.times[index] if index >= 0 else None,
        )

    def protected_price(self, symbol: str, side: Side, percent: Decimal | None, at: datetime) -> Decimal | None:
        """The last price, moved by the protection and kept inside the band; None for a symbol without a price."""
        terms, last_price = self.terms(symbol, at), self.last_price(symbol, at)
        if terms is None or last_price is None:
            return None
        far = last_price * percent / _HUNDRED if percent else self.facts.rules.protection_distance(last_price)
        if side is Side.BUY:
            return min(round_to_tick(last_price + far, terms.tick_size, "up"), terms.upper_limit)
        return max(round_to_tick(last_price - far, terms.tick_size, "down"), terms.lower_limit)

    def closing_reference(self, symbol: str, at: datetime) -> Decimal | None:
        """The closing auction's reference price: the volume-weighted price of the 15 minutes before it (SEBI circular
        of 2026-01-16), without trades there the last price."""
        day = ist_date(at)
        plan = self.plan(symbol, day)
        if plan is None or plan.closing_auction is None:
            return None
        end = plan.closing_auction.reference.start
        path = self.path(symbol, day)
        first, last = path.index_at(end - _REFERENCE_SPAN), path.index_at(end)
        quantity = sum(path.quantities[first + 1 : last + 1])
        if not quantity:
            return self.last_price(symbol, at)
        return sum(path.prices[i] * path.quantities[i] for i in range(first + 1, last + 1)) / Decimal(quantity)

    def _session_bar(self, symbol: str, at: datetime) -> Bar | None:
        """Today's bar once its first trade was possible, in the opening auction or at the open."""
        day = ist_date(at)
        plan = self.plan(symbol, day)
        if plan is None or at < (plan.auction_at or plan.opens_at):
            return None
        return self._tape.bar(symbol, day) if self._tape.problems(symbol, day) is None else None

    def _quiet_quote(self, symbol: str, at: datetime) -> Quote | None:
        day = ist_date(at)
        last = self._tape.last_bar(symbol, day)
        price = self.last_price(symbol, at)
        if last is None or price is None:
            return None
        previous_close = price if self.trading_day(day) else last.previous_close
        return Quote(
            symbol=symbol,
            at=at,
            last_price=price,
            volume=0,
            day_high=price,
            day_low=price,
            previous_close=previous_close,
        )

    def _base_terms(self, symbol: str, day: date) -> InstrumentTerms | None:
        of_day = self._terms.get(day)
        if of_day is None:
            if len(self._terms) >= _TERMS_DAYS_MAX:
                del self._terms[next(iter(self._terms))]
            of_day = self._terms[day] = {}
        if symbol not in of_day:
            of_day[symbol] = self._work_out_terms(symbol, day)
        return of_day[symbol]

    def _work_out_terms(self, symbol: str, day: date) -> InstrumentTerms | None:
        instrument, rules = self.facts.instruments[symbol], self.facts.rules
        unadjusted = self._unadjusted_close(symbol, day)
        if unadjusted is None:
            return None
        close, close_day = unadjusted
        tick = tick_size(rules, day, self._tick_reference(symbol, day) or close, instrument.is_etf)
        factor = factor_between(self.facts.actions, symbol, close_day, day)
        previous_close = close if factor == 1 else adjust_price(close, factor, tick)
        band = price_band(previous_close, rules.band_pct(instrument, day), tick)
        return InstrumentTerms(
            symbol=symbol,
            exchange=instrument.exchange,
            day=day,
            tick_size=tick,
            lot_size=instrument.lot_size,
            lower_limit=band.lower,
            upper_limit=band.upper,
            freeze_quantity=rules.freeze_quantity(previous_close, day),
            previous_close=previous_close,
        )

    def _unadjusted_close(self, symbol: str, day: date) -> tuple[Decimal, date] | None:
        """The close before `day` as it was printed, and the day up to which corporate actions are in it.

        Where the symbol traded in another series in between, only the day's own file knows that close.
        """
        bar = self._tape.bar(symbol, day)
        if bar is not None:
            return bar.previous_close, self._day_before(day)
        last = self._tape.last_bar(symbol, day)
        return (last.close, last.day) if last else None

    def _day_before(self, day: date) -> date:
        try:
            return self.facts.calendar.previous_trading_day(day).day
        except CalendarHorizonError:
            return day - _ONE_DAY

    def _tick_reference(self, symbol: str, day: date) -> Decimal | None:
        try:
            reference_day = tick_reference_day(self.facts.calendar, day)
        except CalendarHorizonError:
            return None
        last = self._tape.last_bar(symbol, reference_day + _ONE_DAY)
        return last.close if last else None

    def _widened(self, base: InstrumentTerms, at: datetime) -> InstrumentTerms:
        """The band of a stock with derivatives, moved out in steps of 5 % while the day's prices are at its edge."""
        instrument, day = self.facts.instruments[base.symbol], base.day
        bar = self._session_bar(base.symbol, at)
        if bar is None or not self.facts.rules.band_flexes(instrument, day):
            return base
        if base.lower_limit < bar.low and bar.high < base.upper_limit:
            return base
        path = self.path(base.symbol, day)
        index = path.index_at(at)
        high = max(path.highs[index], bar.open) if index >= 0 else bar.open
        low = min(path.lows[index], bar.open) if index >= 0 else bar.open
        percent = self.facts.rules.band_pct(instrument, day)
        lower, upper = base.lower_limit, base.upper_limit
        while not (lower < low and high < upper) and percent < 100:
            percent += _FLEX_STEP_PCT
            band = price_band(base.previous_close, percent, base.tick_size)
            lower, upper = band.lower, band.upper
        return replace(base, lower_limit=lower, upper_limit=upper)
