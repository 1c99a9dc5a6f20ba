"""Loads everything in config/market: `load_market(folder)` gives a `Market` or names every problem."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Protocol, TypeVar

from config.market_calendar import read_calendar
from config.market_file import (
    AMOUNT,
    CLOCK,
    DATE,
    FLAG,
    RATIO,
    SYMBOLS,
    TEXT,
    WHOLE,
    Findings,
    MarketDataFileError,
    Problem,
    Provisional,
    Section,
    build_each,
    one_of,
    one_of_numbers,
    open_file,
)
from tradebot.domain.calendar import AmoWindow, AmoWindows, Calendar
from tradebot.domain.corporate_actions import ActionKind, CorporateAction
from tradebot.domain.instruments import Instrument
from tradebot.domain.market_rules import (
    MarketRules,
    OrderLimits,
    OrderTypeRule,
    ProtectionBand,
    TickBand,
    TickTable,
)

__all__ = ["Market", "MarketDataFileError", "Problem", "Provisional", "load_market"]


class _Since(Protocol):
    @property
    def since(self) -> date: ...


class _Below(Protocol):
    @property
    def below(self) -> Decimal | None: ...


Entry = TypeVar("Entry")
Dated = TypeVar("Dated", bound=_Since)
Banded = TypeVar("Banded", bound=_Below)

_ACTION_KIND = one_of(ActionKind)
_BAND_PCT = one_of_numbers(2, 5, 10, 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """The exchange as the files say. `instruments` by symbol; `provisional` entries await confirmation."""

    calendar: Calendar
    rules: MarketRules
    actions: tuple[CorporateAction, ...]
    instruments: dict[str, Instrument]
    amo_windows: AmoWindows
    provisional: tuple[Provisional, ...]


def load_market(folder: Path) -> Market:
    """Reads every file of config/market; raises MarketDataFileError with the problems of all of them."""
    findings = Findings()
    calendar = read_calendar(folder, findings)
    rules = _read_rules(folder, findings)
    actions = _read_file(folder / "corporate_actions.toml", findings, _actions)
    instruments = _read_file(folder / "instruments.toml", findings, _instruments)
    amo_windows = _read_file(folder / "amo_windows.toml", findings, _amo_windows)
    if findings.problems or not (calendar and rules and amo_windows) or actions is None or instruments is None:
        raise MarketDataFileError(findings.problems)
    return Market(
        calendar=calendar,
        rules=rules,
        actions=actions,
        instruments=instruments,
        amo_windows=amo_windows,
        provisional=tuple(findings.provisional),
    )


def _read_file(path: Path, findings: Findings, build: Callable[[Section], Entry]) -> Entry | None:
    file = open_file(path, findings)
    if file is None:
        return None
    built = build(file)
    file.finish()
    return built


def _read_rules(folder: Path, findings: Findings) -> MarketRules | None:
    ticks = _read_file(folder / "ticks.toml", findings, _tick_tables)
    bands = _read_file(folder / "bands.toml", findings, _day_caps)
    orders = _read_file(folder / "orders.toml", findings, _order_rules)
    if ticks is None or bands is None or orders is None:
        return None
    return MarketRules(
        tick_tables=ticks,
        day_caps=bands,
        order_limits=orders.limits,
        order_types=orders.types,
        protection=orders.protection,
        option_protection=orders.option_protection,
    )


def _tick_tables(file: Section) -> tuple[TickTable, ...]:
    return _dated(file, "table", _tick_table)


def _tick_table(section: Section) -> TickTable:
    since = section.required("since", DATE)
    section.origin(f"tick sizes from {since}")
    return TickTable(
        since=since,
        bands=_ascending(section, "bands", _tick_band),
        etf_tick=section.required("etf_tick", AMOUNT),
    )


def _tick_band(section: Section) -> TickBand:
    return TickBand(below=section.optional("below", AMOUNT, None), tick=section.required("tick", AMOUNT))


def _day_caps(file: Section) -> dict[date, Decimal]:
    return dict(entry for _, entry in build_each(file.sections("day_caps"), _day_cap))


def _day_cap(section: Section) -> tuple[date, Decimal]:
    day = section.required("day", DATE)
    section.origin(f"price bands of {day}")
    return day, section.required("percent", AMOUNT)


@dataclass(frozen=True, slots=True, kw_only=True)
class _OrderRules:
    limits: tuple[OrderLimits, ...]
    types: tuple[OrderTypeRule, ...]
    protection: tuple[ProtectionBand, ...]
    option_protection: tuple[ProtectionBand, ...]


def _order_rules(file: Section) -> _OrderRules:
    grid = file.section("protection")
    grid.origin("market protection")
    return _OrderRules(
        limits=_dated(file, "limits", _order_limits),
        types=_dated(file, "types", _order_type_rule),
        protection=_ascending(grid, "shares", _protection_band),
        option_protection=_ascending(grid, "options", _protection_band),
    )


def _order_limits(section: Section) -> OrderLimits:
    since = section.required("since", DATE)
    section.origin(f"order limits from {since}")
    return OrderLimits(
        since=since,
        freeze_value=section.required("freeze_value", AMOUNT),
        max_quantity=section.required("max_quantity", WHOLE),
    )


def _order_type_rule(section: Section) -> OrderTypeRule:
    since = section.required("since", DATE)
    section.origin(f"order types from {since}")
    return OrderTypeRule(
        since=since,
        market_needs_protection=section.required("market_needs_protection", FLAG),
        takes_stop_market=section.required("takes_stop_market", FLAG),
    )


def _protection_band(section: Section) -> ProtectionBand:
    band = ProtectionBand(
        below=section.optional("below", AMOUNT, None),
        percent=section.optional("percent", AMOUNT, None),
        rupees=section.optional("rupees", AMOUNT, None),
    )
    if (band.percent is None) is (band.rupees is None):
        section.problem("percent", "there must be either percent or rupees")
    return band


def _actions(file: Section) -> tuple[CorporateAction, ...]:
    found: dict[tuple[str, date, ActionKind], CorporateAction] = {}
    for section, action in build_each(file.sections("actions"), _action):
        key = (action.symbol, action.ex_date, action.kind)
        if key in found:
            section.problem("ex_date", f"the {action.kind} of {action.symbol} on {action.ex_date} is listed twice")
        found[key] = action
    return tuple(sorted(found.values(), key=lambda action: (action.ex_date, action.symbol, action.kind)))


def _action(section: Section) -> CorporateAction:
    ex_date, symbol = section.required("ex_date", DATE), section.required("symbol", TEXT)
    source = section.origin(f"{symbol} {ex_date}")
    numerator, denominator = section.required("ratio", RATIO)
    return CorporateAction(
        ex_date=ex_date,
        symbol=symbol,
        kind=section.required("kind", _ACTION_KIND),
        numerator=numerator,
        denominator=denominator,
        source=source,
    )


def _instruments(file: Section) -> dict[str, Instrument]:
    found: dict[str, Instrument] = {}
    for section, group in build_each(file.some_sections("group"), _instrument_group):
        for instrument in group:
            if instrument.symbol in found:
                section.problem("symbols", f"{instrument.symbol} is listed twice")
            found[instrument.symbol] = instrument
    return found


def _instrument_group(section: Section) -> list[Instrument]:
    section.origin("instruments")
    series, exchange = section.required("series", TEXT), section.required("exchange", TEXT)
    is_etf, has_derivatives = section.required("is_etf", FLAG), section.required("has_derivatives", FLAG)
    band_pct = section.required("band_pct", _BAND_PCT)
    return [
        Instrument(
            symbol=symbol,
            exchange=exchange,
            series=series,
            is_etf=is_etf,
            has_derivatives=has_derivatives,
            band_pct=band_pct,
        )
        for symbol in section.required("symbols", SYMBOLS)
    ]


def _amo_windows(file: Section) -> AmoWindows:
    found: dict[tuple[str, str, date], AmoWindow] = {}
    for section, window in build_each(file.some_sections("window"), _amo_window):
        key = (window.broker, window.exchange, window.since)
        if key in found:
            section.problem("since", f"{window.broker} {window.exchange} from {window.since} is listed twice")
        found[key] = window
    return AmoWindows(windows=tuple(found.values()))


def _amo_window(section: Section) -> AmoWindow:
    broker, exchange = section.required("broker", TEXT), section.required("exchange", TEXT)
    since = section.required("since", DATE)
    section.origin(f"AMO window of {broker} {exchange} from {since}")
    window = AmoWindow(
        broker=broker,
        exchange=exchange,
        since=since,
        start=section.required("start", CLOCK),
        end=section.required("end", CLOCK),
        next_bands_at=section.required("next_bands_at", CLOCK),
        takes_etfs=section.required("takes_etfs", FLAG),
    )
    if section.is_sound and window.start <= window.end:
        section.problem("start", "the window opens in the evening: start must be later than end")
    return window


def _dated(file: Section, key: str, build: Callable[[Section], Dated]) -> tuple[Dated, ...]:
    entries = build_each(file.some_sections(key), build)
    for (_, earlier), (section, later) in pairwise(entries):
        if later.since <= earlier.since:
            section.problem("since", f"{later.since} must be later than {earlier.since} of the entry before")
    return tuple(entry for _, entry in entries)


def _ascending(parent: Section, key: str, build: Callable[[Section], Banded]) -> tuple[Banded, ...]:
    sections = parent.sections(key)
    bands = build_each(sections, build)
    if not sections or "below" in sections[-1]:
        parent.problem(key, "the last band must have no `below`, so that every price has a band")
    for (_, lower), (section, band) in pairwise(bands):
        if lower.below is None:
            section.problem("below", "the band before has no `below`, so this one is never reached")
        elif band.below is not None and band.below <= lower.below:
            section.problem("below", f"{band.below} must be more than {lower.below} of the band before")
    return tuple(band for _, band in bands)
