"""The real files next to the repository, when they are there: read whole, played, and doctored."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tests.unit.marketdata.builders import (
    DAILY_FILE,
    MINUTE_FILE,
    TICK_FILES,
    a_tape,
    calendar_of_2021,
    market,
    shared,
)
from tradebot.adapters.marketdata.history import TapeHistory
from tradebot.adapters.marketdata.opening import open_tape
from tradebot.adapters.marketdata.read_report import Flaw, ReadReport
from tradebot.adapters.marketdata.tape import ListedTape
from tradebot.domain.corporate_actions import CorporateAction
from tradebot.domain.market_rules import on_tick, tick_reference_day, tick_size
from tradebot.domain.quotes import Bar, Print


def read(
    path: Path, actions: Sequence[CorporateAction] | None = None, *, of_2021: bool = False
) -> tuple[ListedTape, ReadReport]:
    known = market()
    calendar = calendar_of_2021() if of_2021 else known.calendar
    declared = known.actions if actions is None else actions
    tape, report = open_tape(path, 1, calendar, known.rules, declared, known.instruments)
    assert report is not None
    return tape, report


@pytest.fixture(scope="module")
def daily() -> tuple[ListedTape, ReadReport]:
    return read(shared(DAILY_FILE))


def assert_fits(bar: Bar | None, prints: Sequence[Print]) -> None:
    assert bar is not None
    prices = [one.price for one in prints]
    assert (prices[0], max(prices), min(prices), prices[-1]) == (bar.open, bar.high, bar.low, bar.close)
    assert sum(one.quantity for one in prints) <= bar.volume
    assert [one.at for one in prints] == sorted(one.at for one in prints)


def test_every_row_of_the_daily_file_is_used(daily: tuple[ListedTape, ReadReport]) -> None:
    tape, report = daily

    assert (report.rows, report.used, report.flawed) == (17_347, 17_347, 0)
    assert (tape.first_day, tape.last_day) == (date(2024, 1, 1), date(2025, 12, 31))
    assert len(tape.all_symbols()) == 35


def test_a_symbol_may_lack_sessions(daily: tuple[ListedTape, ReadReport]) -> None:
    tape, _ = daily
    days = market().calendar.trading_days_between(tape.first_day, tape.last_day)

    assert sum("SUZLON" not in tape.symbols(day.day) for day in days) == 83
    assert sum("INFY" not in tape.symbols(day.day) for day in days) == 0


def test_with_the_declared_actions_no_symbol_is_out(daily: tuple[ListedTape, ReadReport]) -> None:
    assert TapeHistory(daily[0]).halted(date(2026, 1, 1)) == {}


def test_an_undeclared_bonus_halts_its_symbol_from_that_day_on(tmp_path: Path) -> None:
    rows = gzip.decompress(shared(DAILY_FILE).read_bytes()).decode().splitlines()
    doctored = tmp_path / "two_symbols.csv"
    doctored.write_text("\n".join([rows[0], *(row for row in rows if ",RELIANCE," in row or ",WIPRO," in row)]))
    actions = [action for action in market().actions if action.symbol != "RELIANCE"]

    tape, _ = read(doctored, actions)

    assert TapeHistory(tape).halted(date(2024, 10, 28)) == {}
    halted = TapeHistory(tape).halted(date(2024, 10, 29))
    assert list(halted) == ["RELIANCE"]
    assert "2024-10-28" in halted["RELIANCE"] and "-49." in halted["RELIANCE"]
    assert tape.problems("RELIANCE", date(2024, 10, 28)) is not None
    assert tape.problems("WIPRO", date(2025, 12, 31)) is None


def test_adjusted_history_has_no_jump_at_a_split(daily: tuple[ListedTape, ReadReport]) -> None:
    history = TapeHistory(daily[0])

    for symbol in ("NESTLEIND", "RELIANCE", "WIPRO", "BAJFINANCE", "HDFCBANK"):
        for bar in history.bars(symbol, date(2026, 1, 1), 1000):
            assert abs(bar.open / bar.previous_close - 1) < 0.2


@pytest.mark.parametrize("day", [date(2024, 3, 2), date(2024, 6, 4), date(2024, 11, 1), date(2025, 6, 17)])
def test_paths_of_real_days_fit_their_bars_and_the_grid(daily: tuple[ListedTape, ReadReport], day: date) -> None:
    tape, known = daily[0], market()

    for symbol in sorted(tape.symbols(day)):
        bar, prints = tape.bar(symbol, day), tape.prints(symbol, day)
        assert_fits(bar, prints)
        reference = tape.last_bar(symbol, day.replace(day=1))
        assert bar is not None and reference is not None
        tick = tick_size(known.rules, day, reference.close, known.instruments[symbol].is_etf)
        own = {bar.open, bar.high, bar.low, bar.close}
        assert all(one.price in own or on_tick(one.price, tick) for one in prints)
        assert tick_reference_day(known.calendar, day) == reference.day or symbol == "SUZLON"


def test_minutes_of_a_real_day_are_played() -> None:
    tape, report = read(shared(MINUTE_FILE), (), of_2021=True)

    assert report.flaws.keys() <= {Flaw.OUTSIDE_SESSION, Flaw.UNKNOWN_SYMBOL}
    for symbol in tape.all_symbols():
        assert_fits(tape.bar(symbol, tape.last_day), tape.prints(symbol, tape.last_day))


def test_raw_ticks_are_cleaned_of_what_runs_backwards() -> None:
    for path in TICK_FILES:
        tape, report = read(shared(path), (), of_2021=True)
        symbol = path.name.split("_")[0]

        assert tape.all_symbols() == [symbol]
        assert_fits(tape.bar(symbol, tape.last_day), tape.prints(symbol, tape.last_day))
        assert report.flaws.keys() == {
            Flaw.DUPLICATE,
            Flaw.OUT_OF_ORDER,
            Flaw.VOLUME_BACKWARDS,
            Flaw.OUTSIDE_SESSION,
        }
        assert report.used > 8_000


def test_a_price_off_the_grid_does_not_break_a_path(daily: tuple[ListedTape, ReadReport]) -> None:
    bar = daily[0].bar("MRF", date(2025, 6, 17))
    assert bar is not None
    off = replace(bar, open=bar.open + 1, high=bar.high + 2, low=bar.low - 3)

    assert_fits(off, a_tape([off]).prints("MRF", off.day))
