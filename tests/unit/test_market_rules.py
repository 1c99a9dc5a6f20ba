"""Ticks, bands and limits against real prices; the market data files and what can be wrong in them."""

from __future__ import annotations

import csv
import gzip
import shutil
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.market_rules import Market, MarketDataFileError, load_market
from tradebot.domain.calendar import CalendarHorizonError
from tradebot.domain.instruments import Instrument
from tradebot.domain.market_rules import (
    Band,
    on_tick,
    price_band,
    round_to_tick,
    tick_reference_day,
    tick_size,
)

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "config" / "market"
DAILY_FILE = ROOT.parent / "shared" / "data" / "nse_daily_2024_2025.csv.gz"


@cache
def market() -> Market:
    return load_market(FOLDER)


@cache
def daily_rows() -> list[dict[str, str]]:
    if not DAILY_FILE.exists():
        pytest.skip(f"{DAILY_FILE} is not there")
    with gzip.open(DAILY_FILE, "rt") as rows:
        return list(csv.DictReader(rows))


@pytest.mark.parametrize(
    ("day", "reference", "tick"),
    [
        ("2024-06-09", "100", "0.05"),
        ("2024-06-10", "249.99", "0.01"),
        ("2024-06-10", "250", "0.05"),
        ("2025-04-14", "3000", "0.05"),
        ("2025-04-15", "249.95", "0.01"),
        ("2025-04-15", "250", "0.05"),
        ("2025-04-15", "1000", "0.05"),
        ("2025-04-15", "1000.05", "0.10"),
        ("2025-04-15", "5000", "0.10"),
        ("2025-04-15", "5000.50", "0.50"),
        ("2025-04-15", "10000.50", "1"),
        ("2025-04-15", "20000", "1"),
        ("2026-11-20", "130000", "5"),
    ],
)
def test_the_tick_depends_on_the_day_and_the_reference_price(day: str, reference: str, tick: str) -> None:
    found = tick_size(market().rules, date.fromisoformat(day), Decimal(reference), is_etf=False)
    assert found == Decimal(tick)


def test_the_tick_of_an_etf_is_one_paisa_at_any_price() -> None:
    assert tick_size(market().rules, date(2026, 11, 20), Decimal(280), is_etf=True) == Decimal("0.01")


def test_the_reference_day_is_the_last_session_of_the_month_before() -> None:
    assert tick_reference_day(market().calendar, date(2025, 4, 15)) == date(2025, 3, 28)
    assert tick_reference_day(market().calendar, date(2026, 2, 1)) == date(2026, 1, 30)
    with pytest.raises(CalendarHorizonError):
        tick_reference_day(market().calendar, date(2024, 1, 31))


def test_every_real_price_of_two_years_lies_on_its_tick() -> None:
    closes = {(row["symbol"], date.fromisoformat(row["date"])): row["close"] for row in daily_rows()}
    misfits, checked = [], 0
    for row in daily_rows():
        symbol, day = row["symbol"], date.fromisoformat(row["date"])
        reference = day if day < date(2024, 2, 1) else tick_reference_day(market().calendar, day)
        if (symbol, reference) not in closes:
            continue  # SUZLON was traded in another series at that month's end
        is_etf = market().instruments[symbol].is_etf
        tick = tick_size(market().rules, day, Decimal(closes[symbol, reference]), is_etf)
        prices = [Decimal(row[column]) for column in ("open", "high", "low", "last")]
        misfits += [(symbol, day, price, tick) for price in prices if not on_tick(price, tick)]
        checked += len(prices)
    assert misfits == []
    assert checked > 68_000


def test_no_real_price_leaves_a_fixed_or_capped_band() -> None:
    outside = []
    for row in daily_rows():
        instrument, day = market().instruments[row["symbol"]], date.fromisoformat(row["date"])
        if instrument.is_etf or market().rules.band_flexes(instrument, day):
            continue
        percent = market().rules.band_pct(instrument, day)
        band = price_band(Decimal(row["prev_close"]), percent, Decimal("0.05"))
        outside += [row for column in ("high", "low") if not band.contains(Decimal(row[column]))]
    assert outside == []


prices = st.decimals(min_value="0.05", max_value="200000", places=2)
ticks = st.sampled_from([Decimal(tick) for tick in ("0.01", "0.05", "0.10", "0.50", "1", "5")])


@given(prices, ticks)
def test_rounding_lands_on_the_tick_next_to_the_price(price: Decimal, tick: Decimal) -> None:
    down, up = round_to_tick(price, tick, "down"), round_to_tick(price, tick, "up")
    nearest = round_to_tick(price, tick, "nearest")
    assert all(on_tick(rounded, tick) for rounded in (down, up, nearest))
    assert all(rounded.as_tuple().exponent == -2 for rounded in (down, up, nearest))
    assert down <= price <= up
    assert up - down == (0 if on_tick(price, tick) else tick)
    assert abs(nearest - price) == min(price - down, up - price)


def test_rounding_is_exact_where_binary_floats_are_not() -> None:
    assert round_to_tick(Decimal("1234.35"), Decimal("0.05"), "down") == Decimal("1234.35")
    assert round_to_tick(Decimal("0.125"), Decimal("0.05"), "nearest") == Decimal("0.15")
    assert str(round_to_tick(Decimal("27116.4"), Decimal(5), "down")) == "27115.00"


def test_the_band_is_the_one_a_broker_quoted() -> None:
    band = price_band(Decimal("494.05"), Decimal(20), Decimal("0.05"))
    assert band == Band(lower=Decimal("395.25"), upper=Decimal("592.85"))


@given(prices, st.sampled_from([Decimal(2), Decimal(5), Decimal(10), Decimal(20)]), ticks)
def test_the_edges_of_a_band_are_its_last_ticks(close: Decimal, percent: Decimal, tick: Decimal) -> None:
    close = round_to_tick(close, tick, "up")
    band = price_band(close, percent, tick)
    reach = close * percent / 100
    assert on_tick(band.lower, tick)
    assert on_tick(band.upper, tick)
    assert close - reach <= band.lower <= close <= band.upper <= close + reach
    assert band.upper + tick > close + reach
    assert band.lower - tick < close - reach


def test_a_close_of_a_few_paise_still_has_a_band_of_one_price() -> None:
    assert price_band(Decimal("0.07"), Decimal(5), Decimal("0.05")) == Band(
        lower=Decimal("0.10"), upper=Decimal("0.10")
    )


def test_both_edges_belong_to_the_band() -> None:
    band = Band(lower=Decimal("95"), upper=Decimal("105"))
    assert [band.contains(Decimal(p)) for p in ("94.95", "95", "105", "105.05")] == [False, True, True, False]


def test_a_drill_session_narrows_every_band_and_none_flexes() -> None:
    rules, reliance, mrf = market().rules, market().instruments["RELIANCE"], market().instruments["MRF"]
    drill, usual = date(2024, 3, 2), date(2024, 3, 4)
    assert [rules.band_pct(found, drill) for found in (reliance, mrf)] == [5, 5]
    assert [rules.band_pct(found, usual) for found in (reliance, mrf)] == [10, 20]
    assert rules.band_pct(Instrument(symbol="SMALL", band_pct=Decimal(2)), drill) == 2
    assert (rules.band_flexes(reliance, drill), rules.band_flexes(reliance, usual)) == (False, True)
    assert not rules.band_flexes(mrf, usual)


@pytest.mark.parametrize(
    ("price", "quantity"), [("500", 100_000), ("1000", 100_000), ("2355", 42_462), ("140000", 714)]
)
def test_the_freeze_quantity_is_the_lesser_of_shares_and_value(price: str, quantity: int) -> None:
    assert market().rules.freeze_quantity(Decimal(price)) == quantity
    assert market().rules.freeze_quantity(Decimal(price), date(2024, 1, 1)) == quantity


def test_one_share_is_never_too_many() -> None:
    assert market().rules.freeze_quantity(Decimal("2E8")) == 1


@pytest.mark.parametrize(
    ("price", "percent"), [("99.95", "2"), ("100", "1"), ("500", "1"), ("500.05", "0.5"), ("130000", "0.5")]
)
def test_market_protection_is_narrower_for_dearer_shares(price: str, percent: str) -> None:
    assert market().rules.protection_distance(Decimal(price)) == Decimal(price) * Decimal(percent) / 100


def test_market_protection_in_rupees() -> None:
    rules = market().rules
    assert rules.protection_distance(Decimal(200)) == Decimal(2)
    assert rules.protection_distance(Decimal("0.50"), is_option=True) == Decimal("0.10")
    assert rules.protection_distance(Decimal(200), is_option=True) == Decimal(4)


def test_unprotected_market_and_sl_m_orders_are_refused_since_april_2026() -> None:
    before = market().rules.order_type_rule(date(2026, 3, 31))
    after = market().rules.order_type_rule(date(2026, 4, 1))
    assert (before.market_needs_protection, before.takes_stop_market) == (False, True)
    assert (after.market_needs_protection, after.takes_stop_market) == (True, False)


def test_the_instruments_cover_the_data_set() -> None:
    assert {row["symbol"] for row in daily_rows()} <= market().instruments.keys()


def test_three_of_the_known_instruments_have_no_derivatives() -> None:
    instruments = market().instruments.values()
    assert {i.symbol for i in instruments if not i.has_derivatives} == {"ITBEES", "MRF", "NIFTYBEES"}
    assert {i.symbol for i in instruments if i.is_etf} == {"ITBEES", "NIFTYBEES"}
    assert all(i.band_pct == (10 if i.has_derivatives else 20) for i in instruments)


def a_folder(tmp_path: Path, **changes: tuple[str, str]) -> Path:
    """A copy of config/market; each change replaces a text of a file (name without .toml) by another."""
    folder = tmp_path / "market"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("local.toml"))
    for name, (old, new) in changes.items():
        path = folder / f"{name}.toml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
    return folder


def problems_of(folder: Path) -> list[str]:
    with pytest.raises(MarketDataFileError) as caught:
        load_market(folder)
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return [str(problem) for problem in caught.value.problems]


def line_of(folder: Path, name: str, text: str) -> int:
    lines = (folder / f"{name}.toml").read_text().splitlines()
    return 1 + next(n for n, line in enumerate(lines) if text in line)


def test_all_problems_of_all_files_come_at_once_with_their_lines(tmp_path: Path) -> None:
    folder = a_folder(
        tmp_path,
        calendar=('day = 2026-12-25, name = "Christmas", source', 'day = "2026-12-32", name = "", sorce'),
        sessions=('continuous = [["09:15", "15:30"]]', 'continuous = [["09:15", "25:30"]]'),
        ticks=("below = 5000.01", "below = 500"),
        corporate_actions=('ratio = "4:1"', 'ratio = "4 for 1"'),
        instruments=("band_pct = 10", "band_pct = 11"),
        amo_windows=('start = "16:05"', 'start = "08:05"'),
        orders=("percent = 0.5", "percent = 0.5, rupees = 1"),
    )
    places = {
        "christmas": f"calendar.toml:{line_of(folder, 'calendar', '2026-12-32')}: holidays",
        "session": f"sessions.toml:{line_of(folder, 'sessions', '25:30')}: regime.derivatives",
        "tick": f"ticks.toml:{line_of(folder, 'ticks', 'below = 500,')}: table.bands",
        "bonus": f"corporate_actions.toml:{line_of(folder, 'corporate_actions', '4 for 1')}: actions",
        "group": f"instruments.toml:{line_of(folder, 'instruments', '= 11')}: group",
        "amo": f"amo_windows.toml:{line_of(folder, 'amo_windows', '08:05')}: window",
        "grid": f"orders.toml:{line_of(folder, 'orders', 'rupees = 1 ')}: protection.shares",
    }
    expected = """
        {christmas}.day: "2026-12-32" is not allowed; it must be a date such as 2026-11-24
        {christmas}.name: "" is not allowed; it must be a text that is not empty
        {christmas}.source: is missing; it must be a text that is not empty
        {christmas}.sorce: unknown key; did you mean source?
        {session}.continuous: [['09:15', '25:30']] is not allowed; it must be a list of windows such as \
[["09:15", "15:30"]]
        {tick}.below: 500 must be more than 1000.01 of the band before
        {bonus}.ratio: "4 for 1" is not allowed; it must be a ratio such as "1:10"
        {group}.band_pct: 11 is not allowed; it must be one of 2, 5, 10, 20
        {amo}.start: the window opens in the evening: start must be later than end
        {grid}.percent: there must be either percent or rupees
    """
    wanted = [line.strip().format(**places) for line in expected.strip().splitlines()]
    assert sorted(problems_of(folder)) == sorted(wanted)


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        ("calendar", "day = 2025-02-01", "day = 2025-02-26", "2025-02-26 is a holiday in the same file"),
        ("calendar", "{ day = 2024-03-08,", "{ day = 2024-01-26,", "2024-01-26 is listed twice"),
        ("calendar", "{ day = 2026-12-25,", "{ day = 2027-12-25,", "2027-12-25 is outside `years`"),
        (
            "calendar",
            "years = [2024, 2025, 2026]",
            "years = [2024, 2025, 2026, 2027]",
            "2027 has no holidays",
        ),
        ("calendar", "years = [2024, 2025, 2026]", "years = [2024, 2026]", "years without a gap"),
        ("calendar", "years = [2024, 2025, 2026]", "", "years: is missing"),
        ("calendar", 'kind = "muhurat"', 'kind = "muhurrat"', "it must be one of regular, special, muhurat"),
        ("calendar", 'continuous = [["18:00", "19:00"]]', "", "sessions.continuous: is missing"),
        ("calendar", '["11:30", "12:30"]]', '["09:45", "12:30"]]', "09:45 is before 10:00 of continuous"),
        ("calendar", 'auction_at = "09:08"', 'auction_at = "09:04"', "09:04 is before 09:08 of pre_open"),
        ("calendar", 'auction_at = "09:08"\n', "", "auction_at: is missing"),
        ("calendar", 'pre_open = ["13:30", "13:38"]', "", "pre_open: is missing"),
        ("calendar", "day = 2026-01-26", "day = 2026-02-30", "is no TOML: Invalid date"),
        ("sessions", "since = 2026-08-03", "since = 2023-08-03", "2023-08-03 must be later than 2024-01-01"),
        ("sessions", "since = 2024-01-01", "since = 2024-01-02", "must not be later than 2024-01-01"),
        ("sessions", 'entry = ["15:20", "15:30"]', 'entry = ["15:18", "15:30"]', "15:18 is before 15:20"),
        ("sessions", "[regime.cash_only]", "[regime.cash_olny]", "unknown key; did you mean cash_only?"),
        ("sessions", "band_pct = 3", "band_pct = -3", "-3 is not allowed; it must be a number above 0"),
        ("sessions", "band_pct = 3", "band_pct = nan", "NaN is not allowed; it must be a number above 0"),
        ("ticks", "  { tick = 0.05 },\n]", "]", "the last band must have no `below`"),
        ("ticks", "{ below = 250, tick = 0.01 }", "{ tick = 0.01 }", "the band before has no `below`"),
        ("ticks", "since = 2024-06-10", "since = 2023-06-10", "2023-06-10 must be later than 2024-01-01"),
        ("orders", "max_quantity = 100000", "max_quantity = true", "a whole number above 0"),
        ("orders", "limits = [", "limts = [", "limits: is missing; there must be one entry at least"),
        ("orders", "market_needs_protection = false", 'market_needs_protection = "no"', "true or false"),
        ("instruments", '"ADANIENT"', '"RELIANCE"', "RELIANCE is listed twice"),
        ("instruments", '"ADANIENT"', '"adanient"', "a list of symbols"),
        (
            "amo_windows",
            "since = 2026-08-03",
            "since = 2024-01-01",
            "kite NSE from 2024-01-01 is listed twice",
        ),
        ("instruments", "[[group]]", "[[grp]]", "unknown key; did you mean group?"),
        ("bands", "day_caps = [", "day_caps = 5\nx = [", "bands.toml:4: day_caps: must be a list of tables"),
    ],
)
def test_a_mistake_in_a_file_is_named(tmp_path: Path, name: str, old: str, new: str, problem: str) -> None:
    found = problems_of(a_folder(tmp_path, **{name: (old, new)}))
    assert any(problem in line for line in found), found
    assert all(line.startswith(f"{name}.toml:") for line in found)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("sessions", 'pre_open = ["09:00", "09:08"]', 'pre_open = ["09:08", "09:00"]'),
        ("sessions", 'limit_only_from = "15:25"', "limit_only_from = 1525"),
        ("ticks", "since = 2024-01-01", "since = 2024-01-01T00:00:00"),
        ("orders", "{ percent = 0.5 }", "{ percent = 0 }"),
    ],
)
def test_a_wrong_value_draws_no_second_problem_after_it(tmp_path: Path, name: str, old: str, new: str) -> None:
    found = problems_of(a_folder(tmp_path, **{name: (old, new)}))
    assert len(found) == 1
    assert "is not allowed; it must be" in found[0]


def test_a_corporate_action_may_not_stand_twice(tmp_path: Path) -> None:
    second = '  { ex_date = 2024-01-05, symbol = "NESTLEIND", kind = "split", ratio = "1:2", source = "x" },'
    folder = a_folder(tmp_path, corporate_actions=("actions = [", f"actions = [\n{second}"))
    line = line_of(folder, "corporate_actions", "27116 > 2754")
    assert problems_of(folder) == [
        f"corporate_actions.toml:{line}: actions.ex_date: the split of NESTLEIND on 2024-01-05 is listed twice"
    ]


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    (folder / "ticks.toml").unlink()
    (folder / "bands.toml").write_bytes(b"\xff\xfe")
    found = problems_of(folder)
    assert [line.split(":")[0] for line in found] == ["ticks.toml", "bands.toml"]
    assert all("cannot be read" in line for line in found)


def test_a_file_without_entries_is_named_unless_it_may_be_empty(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    for name in ("instruments", "amo_windows", "sessions", "ticks", "corporate_actions", "bands"):
        (folder / f"{name}.toml").write_text("")
    assert [line.split(":")[0] for line in problems_of(folder)] == [
        "sessions.toml",
        "ticks.toml",
        "instruments.toml",
        "amo_windows.toml",
    ]


def test_provisional_entries_are_listed_with_their_place_and_source() -> None:
    entry = next(p for p in market().provisional if p.what == "2026-11-08 Muhurat")
    assert entry.file == "calendar.toml"
    assert entry.line == line_of(FOLDER, "calendar", "day = 2026-11-08") - 1
    assert "custom of earlier years" in entry.source
    assert "session times from 2026-12-07" in [p.what for p in market().provisional]


def with_local(tmp_path: Path, text: str) -> Path:
    folder = a_folder(tmp_path)
    (folder / "local.toml").write_text(text)
    return folder


def test_the_operator_can_add_a_holiday_that_was_announced_late(tmp_path: Path) -> None:
    days = load_market(
        with_local(tmp_path, 'holidays = [{ day = 2026-11-26, name = "Elections", source = "NSE" }]')
    ).calendar
    assert not days.is_trading_day(date(2026, 11, 26))
    assert days.next_trading_day(date(2026, 11, 25)).day == date(2026, 11, 27)


def test_the_operator_can_turn_a_holiday_into_a_session_and_move_muhurat(tmp_path: Path) -> None:
    text = """
        [[sessions]]
        day = 2026-12-25
        name = "Session on Christmas"
        kind = "regular"
        settlement = true
        source = "NSE"
        [[sessions]]
        day = 2026-11-08
        name = "Muhurat"
        kind = "muhurat"
        settlement = false
        continuous = [["14:00", "15:00"]]
        source = "NSE"
    """
    days = load_market(with_local(tmp_path, text)).calendar
    christmas, muhurat = days.trading_day(date(2026, 12, 25)), days.trading_day(date(2026, 11, 8))
    assert christmas is not None
    assert christmas.is_full
    assert muhurat is not None
    assert muhurat.release_at == muhurat.opens_at
    assert muhurat.opens_at.hour == 8  # 14:00 IST


def test_the_operator_can_cancel_a_special_session(tmp_path: Path) -> None:
    text = 'holidays = [{ day = 2026-11-08, name = "No Muhurat", source = "NSE" }]'
    assert not load_market(with_local(tmp_path, text)).calendar.is_trading_day(date(2026, 11, 8))


def test_the_operator_can_add_a_year(tmp_path: Path) -> None:
    text = 'years = [2027]\nholidays = [{ day = 2027-01-26, name = "Republic Day", source = "NSE" }]'
    days = load_market(with_local(tmp_path, text)).calendar
    assert days.last == date(2027, 12, 31)
    assert not days.is_trading_day(date(2027, 1, 26))


def test_a_gap_before_the_year_that_the_operator_adds_is_an_error(tmp_path: Path) -> None:
    text = 'years = [2028]\nholidays = [{ day = 2028-01-26, name = "Republic Day", source = "NSE" }]'
    found = problems_of(with_local(tmp_path, text))
    assert len(found) == 1
    assert ": years: 2027 has no holidays" in found[0]


def test_a_mistake_in_the_operators_file_is_named(tmp_path: Path) -> None:
    found = problems_of(with_local(tmp_path, "holiday = []\nyears = 2027"))
    assert found == [
        "local.toml:2: years: 2027 is not allowed; it must be a list of years without a gap such as [2025, 2026]",
        "local.toml:1: holiday: unknown key; did you mean holidays?",
    ]


def test_the_example_for_the_operator_can_be_used_as_it_is(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    example = (folder / "local.example.toml").read_text()
    (folder / "local.toml").write_text(example)
    assert load_market(folder).calendar == market().calendar
    examples = [line.removeprefix("# ") for line in example.splitlines() if line.startswith(("# [[", "# "))]
    start = examples.index("[[sessions]]")
    (folder / "local.toml").write_text("\n".join(examples[start:]))
    assert load_market(folder).calendar.is_trading_day(date(2026, 12, 25))
