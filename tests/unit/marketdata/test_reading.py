"""Reading files: layouts by their header, flawed rows counted and named, useless files refused."""

from __future__ import annotations

import gzip
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.marketdata.builders import (
    DAILY_HEADER,
    MONDAY,
    calendar_of_2021,
    daily_line,
    market,
    write,
    write_gzipped,
)
from tradebot.adapters.marketdata.layouts import open_table
from tradebot.adapters.marketdata.opening import open_tape
from tradebot.adapters.marketdata.read_report import EXAMPLES_PER_FLAW_MAX, DataFileError, Flaw, ReadReport
from tradebot.adapters.marketdata.tape import ListedTape
from tradebot.domain.calendar import Calendar

MINUTE_HEADER = "minute,symbol,open,high,low,close,volume"
TICK_HEADER = "timestamp,ltp,volume"


def read(path: Path, calendar: Calendar | None = None) -> tuple[ListedTape, ReadReport]:
    known = market()
    tape, report = open_tape(path, 1, calendar or known.calendar, known.rules, (), known.instruments)
    assert report is not None
    return tape, report


def test_a_daily_row_becomes_a_bar(tmp_path: Path) -> None:
    tape, report = read(write(tmp_path / "day.csv", DAILY_HEADER, daily_line(volume="1234")))

    bar = tape.bar("INFY", MONDAY)
    assert bar is not None
    assert (bar.open, bar.high, bar.low, bar.close) == (Decimal(100), Decimal(102), Decimal(99), Decimal(101))
    assert (bar.previous_close, bar.volume) == (Decimal(100), 1234)
    assert (report.layout, report.rows, report.used, report.flawed) == ("daily", 1, 1, 0)


def test_the_layout_is_told_by_the_header_and_gzip_by_the_content_whatever_the_name(tmp_path: Path) -> None:
    zipped = write_gzipped(tmp_path / "prices.txt", DAILY_HEADER, daily_line())
    minutes = write(tmp_path / "daily.csv", MINUTE_HEADER, "2025-03-03 09:15:00,INFY,100,102,99,101,10")

    assert read(zipped)[1].layout == "daily"
    assert read(minutes)[1].layout == "minute"


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (
            "SYMBOL, SERIES, DATE1, PREV_CLOSE, OPEN_PRICE, HIGH_PRICE, LOW_PRICE, LAST_PRICE, CLOSE_PRICE,"
            " AVG_PRICE, TTL_TRD_QNTY, TURNOVER_LACS, NO_OF_TRADES, DELIV_QTY, DELIV_PER",
            "INFY, EQ, 03-Mar-2025, 100, 100, 102, 99, 101, 101, 100.5, 1000, 1, 5, -, -",
        ),
        (
            "TradDt,TckrSymb,SctySrs,OpnPric,HghPric,LwPric,ClsPric,PrvsClsgPric,TtlTradgVol",
            "2025-03-03,INFY,EQ,100,102,99,101,100,1000",
        ),
    ],
)
def test_the_exchange_s_own_file_layouts_are_read_as_they_are(tmp_path: Path, header: str, row: str) -> None:
    tape, _ = read(write(tmp_path / "bhav.csv", header, row))

    bar = tape.bar("INFY", MONDAY)
    assert bar is not None
    assert (bar.close, bar.volume) == (Decimal(101), 1000)


@pytest.mark.parametrize(
    ("line", "flaw"),
    [
        ("2025-03-04,INFY,EQ,100,100", Flaw.MISSING_FIELD),
        (daily_line("2025-03-04", prices="100,,99,101,101"), Flaw.MISSING_FIELD),
        (daily_line("2025-03-04", prices="100,abc,99,101,101"), Flaw.NOT_A_NUMBER),
        (daily_line("2025-03-04", prices="100,NaN,99,101,101"), Flaw.NOT_A_NUMBER),
        (daily_line("2025-03-04", prices="100,Infinity,99,101,101"), Flaw.NOT_A_NUMBER),
        (daily_line("2025-03-04", volume="12.5"), Flaw.NOT_A_NUMBER),
        (daily_line("2025-03-04", prices="0,102,0,101,101"), Flaw.NOT_POSITIVE),
        (daily_line("2025-03-04", volume="-1"), Flaw.NOT_POSITIVE),
        (daily_line("2025-03-04", prices="100,99,102,101,101"), Flaw.OUTSIDE_RANGE),
        (daily_line("2025-03-04", prices="103,102,99,101,101"), Flaw.OUTSIDE_RANGE),
        (daily_line("04/03/2025"), Flaw.UNKNOWN_DATE),
        (daily_line("4-Mrz-2025"), Flaw.UNKNOWN_DATE),
        (daily_line(), Flaw.DUPLICATE),
        (daily_line("2025-03-04", series="BE"), Flaw.OTHER_SERIES),
        (daily_line("2025-03-04", symbol="NOSUCH"), Flaw.UNKNOWN_SYMBOL),
        (daily_line("2025-03-08"), Flaw.NO_SESSION),
        (daily_line("2019-03-04"), Flaw.NO_SESSION),
    ],
)
def test_a_flawed_daily_row_is_named_and_left_out(tmp_path: Path, line: str, flaw: Flaw) -> None:
    tape, report = read(write(tmp_path / "day.csv", DAILY_HEADER, daily_line(), line))

    assert (report.rows, report.used, report.flaws) == (2, 1, {flaw: 1})
    assert (report.examples[0].file, report.examples[0].line, report.examples[0].flaw) == ("day.csv", 3, flaw)
    assert tape.first_day == tape.last_day == MONDAY


def test_daily_rows_out_of_order_are_counted_and_used_all_the_same(tmp_path: Path) -> None:
    lines = [daily_line("2025-03-05"), daily_line("2025-03-04"), daily_line("2025-03-03")]

    tape, report = read(write(tmp_path / "day.csv", DAILY_HEADER, *lines))

    assert (report.used, report.flaws) == (3, {Flaw.OUT_OF_ORDER: 2})
    last = tape.last_bar("INFY", date(2025, 3, 5))
    assert last is not None and last.day == date(2025, 3, 4)


def test_of_two_rows_of_one_day_the_first_one_counts(tmp_path: Path) -> None:
    second = daily_line(prices="100,102,99,99.5,99.5")

    tape, _ = read(write(tmp_path / "day.csv", DAILY_HEADER, daily_line(), second))

    bar = tape.bar("INFY", MONDAY)
    assert bar is not None and bar.close == Decimal(101)


def test_all_flaws_are_counted_but_only_the_first_few_of_a_kind_remembered(tmp_path: Path) -> None:
    bad = [daily_line("2025-03-04", volume="x" * 500)] * 100

    _, report = read(write(tmp_path / "day.csv", DAILY_HEADER, daily_line(), *bad))

    assert report.flaws == {Flaw.NOT_A_NUMBER: 100}
    assert len(report.examples) == EXAMPLES_PER_FLAW_MAX
    assert all(len(example.detail) < 100 for example in report.examples)


def test_a_missing_file_is_refused_with_the_allowed_layouts(tmp_path: Path) -> None:
    with pytest.raises(DataFileError) as refused:
        read(tmp_path / "nothing.csv")

    for expected in ("nothing.csv", "no such file", "date, symbol, open", "minute, symbol", "timestamp, ltp, volume"):
        assert expected in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"a,b,c\n1,2,3\n", b"\x1f\x8bbroken", b"date\xff,symbol\n", b"\n"])
def test_a_file_that_is_none_of_the_layouts_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.csv"
    path.write_bytes(content)

    with pytest.raises(DataFileError, match=r"odd\.csv"):
        read(path)


def test_a_torn_gzip_file_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress("\n".join([DAILY_HEADER, *[daily_line()] * 50]).encode())
    path = tmp_path / "torn.csv.gz"
    path.write_bytes(whole[:-10])

    with pytest.raises(DataFileError, match="cannot be read"):
        read(path)


def test_a_file_without_a_usable_row_is_refused_and_says_what_was_wrong(tmp_path: Path) -> None:
    path = write(tmp_path / "day.csv", DAILY_HEADER, daily_line(series="BE"), daily_line(volume="x"))

    with pytest.raises(DataFileError, match=r"no usable row: 1 x another series.*1 x not a number"):
        read(path)


def test_a_folder_is_read_as_one_table(tmp_path: Path) -> None:
    write(tmp_path / "b.csv", DAILY_HEADER, daily_line("2025-03-04"))
    write_gzipped(tmp_path / "a.csv.gz", DAILY_HEADER, daily_line("2025-03-03"))
    write(tmp_path / "readme.txt", "not data")

    tape, report = read(tmp_path)

    assert (tape.first_day, tape.last_day) == (date(2025, 3, 3), date(2025, 3, 4))
    assert report.files == ("a.csv.gz", "b.csv")


def test_a_folder_without_data_or_with_two_layouts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match=r"no \.csv"):
        read(tmp_path)
    write(tmp_path / "a.csv", DAILY_HEADER, daily_line())
    write(tmp_path / "b.csv", TICK_HEADER, "2025-03-03 09:15:00,100,1")

    with pytest.raises(DataFileError, match=r"more than one layout \(daily: a.csv, tick: b.csv\)"):
        read(tmp_path)


def test_more_rows_than_allowed_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "day.csv", DAILY_HEADER, *[daily_line()] * 3)

    with open_table(path, rows_max=3) as table:
        assert len(list(table.rows)) == 3
    with pytest.raises(DataFileError, match="more than 2 rows"), open_table(path, rows_max=2) as table:
        list(table.rows)


def test_minutes_outside_the_sessions_are_left_out(tmp_path: Path) -> None:
    rows = [f"2025-03-03 {clock}:00,INFY,100,102,99,101,10" for clock in ("09:07", "09:15", "15:29", "15:30")]

    tape, report = read(write(tmp_path / "minutes.csv", MINUTE_HEADER, *rows))

    assert (report.used, report.flaws) == (2, {Flaw.OUTSIDE_SESSION: 2})
    bar = tape.bar("INFY", MONDAY)
    assert bar is not None and bar.volume == 20


def test_a_minute_that_comes_twice_or_late_is_named(tmp_path: Path) -> None:
    rows = [f"2025-03-03 {clock}:00,INFY,100,102,99,101,10" for clock in ("09:16", "09:15", "09:16")]

    _, report = read(write(tmp_path / "minutes.csv", MINUTE_HEADER, *rows))

    assert (report.used, report.flaws) == (2, {Flaw.OUT_OF_ORDER: 1, Flaw.DUPLICATE: 1})


def test_ticks_that_go_back_in_time_or_volume_or_repeat_are_left_out(tmp_path: Path) -> None:
    rows = [
        "2025-03-03 09:15:02,100,500",
        "2025-03-03 09:15:03,101,600",
        "2025-03-03 09:15:01,99,700",
        "2025-03-03 09:15:04,98,550",
        "2025-03-03 09:15:03,101,600",
        "2025-03-03 09:15:05,102,600",
        "2025-03-03 09:15:06,100.5,650",
    ]

    tape, report = read(write(tmp_path / "INFY_2025-03-03_raw_ticks.csv", TICK_HEADER, *rows))

    assert report.flaws == {Flaw.OUT_OF_ORDER: 1, Flaw.VOLUME_BACKWARDS: 1, Flaw.DUPLICATE: 1}
    prints = tape.prints("INFY", MONDAY)
    assert [(str(one.price), one.quantity) for one in prints] == [("100", 1), ("101", 100), ("100.5", 50)]


def test_ticks_may_name_their_symbol_in_a_column(tmp_path: Path) -> None:
    rows = ["2025-03-03T09:15:00+05:30,INFY,100,5", "2025-03-03T03:45:00+00:00,M&M,3000,7"]

    tape, _ = read(write(tmp_path / "ticks.csv", "timestamp,symbol,ltp,volume", *rows))

    assert tape.all_symbols() == ["INFY", "M&M"]
    assert tape.prints("INFY", MONDAY)[0].at == tape.prints("M&M", MONDAY)[0].at


def test_days_that_the_calendar_does_not_know_are_named_with_its_horizon(tmp_path: Path) -> None:
    path = write(tmp_path / "minutes.csv", MINUTE_HEADER, "2021-06-08 09:15:00,INFY,100,102,99,101,10")

    with pytest.raises(DataFileError, match="the calendar has no session on that day"):
        read(path)
    assert read(path, calendar_of_2021())[1].used == 1
