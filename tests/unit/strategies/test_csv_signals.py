"""The operator's file of signals: what is due, what is refused, and what an edit does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.strategies.builders import FakeHistory, a_bar, a_position, bars_of, day_after
from tradebot.domain.errors import SignalsUnusable
from tradebot.domain.orders import EntryType, Side
from tradebot.domain.signals import Signal
from tradebot.strategies.csv_signals import CsvSignals
from tradebot.strategies.signal_rows import BYTES_MAX, ROWS_MAX, RowProblem, SignalFileInvalid, read_rows

DAY = date(2026, 11, 23)
EVE = DAY - timedelta(days=3)
HEADER = "date,symbol,side,quantity,limit,target,id"
HISTORY = FakeHistory(*([a_bar(EVE, "1500.5", symbol=symbol)] for symbol in ("INFY", "M&M", "SBIN")))
SHIPPED = Path(__file__).parents[3] / "config/signals.csv"


def a_file(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "signals.csv"
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def signals_of(folder: Path, *rows: str, header: str = HEADER) -> Sequence[Signal]:
    return CsvSignals(path=a_file(folder, *rows, header=header)).signals(DAY, HISTORY, [])


def problems_of(*rows: str, header: str = HEADER) -> Sequence[RowProblem]:
    with pytest.raises(SignalFileInvalid) as caught:
        read_rows("signals.csv", "\n".join((header, *rows)).encode())
    return caught.value.problems


def test_a_row_becomes_the_signal_it_says(tmp_path: Path) -> None:
    (signal,) = signals_of(tmp_path, "2026-11-23,INFY,buy,10,1495.5,1540,first-dip")
    assert signal == Signal(
        id="first-dip",
        strategy="csv",
        symbol="INFY",
        side=Side.BUY,
        trading_day=DAY,
        quantity=10,
        limit_price=Decimal("1495.50"),
        reference_close=Decimal("1500.50"),
        metadata={
            "target": "1540.00",
            "reference_day": "2026-11-20",
            "reference_close": "1500.50",
        },
    )


def test_what_is_left_empty_is_left_to_the_daemon(tmp_path: Path) -> None:
    (signal,) = signals_of(tmp_path, "2026-11-23,M&M,buy,,,,")
    assert (signal.quantity, signal.limit_price) == (None, None)
    assert "target" not in signal.metadata
    assert signal.id == "csv:2026-11-23:M&M:buy"


def test_optional_columns_may_be_missing(tmp_path: Path) -> None:
    (signal,) = signals_of(tmp_path, "INFY,buy,2026-11-23", header="symbol,side,date")
    assert signal.symbol == "INFY"


def test_capitals_and_blanks_do_not_matter(tmp_path: Path) -> None:
    (signal,) = signals_of(tmp_path, " 2026-11-23 , infy ,BUY", header="Date, Symbol ,SIDE")
    assert (signal.symbol, signal.side) == ("INFY", Side.BUY)


def test_rows_of_other_days_are_not_due(tmp_path: Path) -> None:
    rows = ("2024-01-02,INFY,buy,1,,,", "2026-11-23,INFY,buy,2,,,", "2026-11-24,INFY,buy,3,,,")
    assert [signal.quantity for signal in signals_of(tmp_path, *rows)] == [2]


def test_comments_and_blank_lines_say_nothing(tmp_path: Path) -> None:
    rows = ("# a comment, with a comma", "", "   # another", ",,,,,,", "2026-11-23,INFY,buy,1,,,")
    assert len(signals_of(tmp_path, *rows)) == 1


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_file_from_a_spreadsheet_is_read(tmp_path: Path, end: str) -> None:
    path = tmp_path / "signals.csv"
    path.write_bytes(b"\xef\xbb\xbf" + end.join((HEADER, '2026-11-23,"INFY",buy,1,"1495.50",,')).encode())
    (signal,) = CsvSignals(path=path).signals(DAY, HISTORY, [])
    assert signal.limit_price == Decimal("1495.50")


def test_an_edit_of_a_placed_row_stays_the_same_signal(tmp_path: Path) -> None:
    (before,) = signals_of(tmp_path, "2026-11-23,INFY,buy,10,1495,,")
    (after,) = signals_of(tmp_path, "2026-11-23,INFY,buy,12,1490,1600,")
    assert before.id == after.id


def test_two_rows_that_could_be_one_signal_twice_need_ids_of_their_own(tmp_path: Path) -> None:
    twice = ("2026-11-23,INFY,buy,10,1495,,", "2026-11-23,INFY,buy,10,1490,,")
    (problem,) = problems_of(*twice)
    assert (problem.line, problem.field) == (3, "id")
    assert "line 2" in problem.text
    named = ("2026-11-23,INFY,buy,10,1495,,upper", "2026-11-23,INFY,buy,10,1490,,lower")
    assert [signal.id for signal in signals_of(tmp_path, *named)] == ["upper", "lower"]


def test_an_id_may_stand_in_one_row_only() -> None:
    (problem,) = problems_of("2026-11-23,INFY,buy,1,,,x", "2026-11-24,SBIN,buy,1,,,x")
    assert (problem.line, problem.field) == (3, "id")


def test_a_buy_of_what_is_held_is_a_re_entry_and_a_sell_is_not(tmp_path: Path) -> None:
    rows = ("2026-11-23,INFY,buy,1,,,", "2026-11-23,SBIN,buy,1,,,", "2026-11-23,M&M,sell,1,,,")
    strategy = CsvSignals(path=a_file(tmp_path, *rows))
    held = [a_position("INFY"), a_position("M&M"), a_position("SBIN", quantity=0)]
    kinds = [(signal.symbol, signal.entry_type) for signal in strategy.signals(DAY, HISTORY, held)]
    assert kinds == [
        ("INFY", EntryType.REENTRY),
        ("SBIN", EntryType.INITIAL),
        ("M&M", EntryType.INITIAL),
    ]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("23-11-2026,INFY,buy,1,,,", "date"),
        ("2026-11-31,INFY,buy,1,,,", "date"),
        ("20261123,INFY,buy,1,,,", "date"),
        (",INFY,buy,1,,,", "date"),
        ("2026-11-23,,buy,1,,,", "symbol"),
        ("2026-11-23,IN FY,buy,1,,,", "symbol"),
        ("2026-11-23,INFY,hold,1,,,", "side"),
        ("2026-11-23,INFY,,1,,,", "side"),
        ("2026-11-23,INFY,buy,0,,,", "quantity"),
        ("2026-11-23,INFY,buy,-5,,,", "quantity"),
        ("2026-11-23,INFY,buy,1.5,,,", "quantity"),
        ("2026-11-23,INFY,buy,10000001,,,", "quantity"),
        ("2026-11-23,INFY,buy,\u0661,,,", "quantity"),
        ("2026-11-23,INFY,sell,,,,", "quantity"),
        ("2026-11-23,INFY,buy,1,0,,", "limit"),
        ("2026-11-23,INFY,buy,1,NaN,,", "limit"),
        ("2026-11-23,INFY,buy,1,inf,,", "limit"),
        ("2026-11-23,INFY,buy,1,1e3,,", "limit"),
        ("2026-11-23,INFY,buy,1,1_000,,", "limit"),
        ("2026-11-23,INFY,buy,1,10.005,,", "limit"),
        ("2026-11-23,INFY,buy,1,10000000.01,,", "limit"),
        ('2026-11-23,INFY,buy,1,"1,500",,', "limit"),
        ("2026-11-23,INFY,buy,1,,-3,", "target"),
        ("2026-11-23,INFY,buy,1,100,100,", "target"),
        ("2026-11-23,INFY,sell,1,,200,", "target"),
        ("2026-11-23,INFY,buy,1,,,no blanks", "id"),
    ],
)
def test_a_wrong_field_is_named_with_its_line_and_what_is_allowed(row: str, field: str) -> None:
    (problem,) = problems_of("2026-11-24,SBIN,buy,1,,,", row)
    assert (problem.line, problem.field) == (3, field)
    assert "allowed" in problem.text or "needs" in problem.text or "empty" in problem.text


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    problems = problems_of("23.11.2026,INFY,buy,zero,,,", "# fine", "2026-11-23,INFY", "2024-01-02,SBIN,short,1,,,")
    assert [(problem.line, problem.field) for problem in problems] == [
        (2, "date"),
        (2, "quantity"),
        (4, ""),
        (5, "side"),
    ]


def test_a_bad_row_of_the_past_spoils_the_file_too(tmp_path: Path) -> None:
    with pytest.raises(SignalsUnusable):
        signals_of(tmp_path, "2026-11-23,INFY,buy,1,,,", "2024-01-02,INFY,buy,none,,,")


def test_an_unknown_column_is_named_with_the_nearest_right_one() -> None:
    (problem,) = problems_of("2026-11-23,INFY,buy,5", header="date,symbol,side,quantitiy")
    assert (problem.line, problem.field) == (1, "quantitiy")
    assert "quantity" in problem.text


def test_a_column_like_no_other_is_named_with_all_right_ones() -> None:
    (problem,) = problems_of("2026-11-23,INFY,buy,5", header="date,symbol,side,zzz")
    assert "allowed are id, date, symbol, side, quantity, limit, target" in problem.text


def test_a_column_that_is_missing_or_there_twice_is_named() -> None:
    problems = problems_of("2026-11-23,INFY,5,6", header="date,symbol,limit,limit")
    assert {problem.field for problem in problems} == {"side", "limit"}
    assert {problem.line for problem in problems} == {1}


def test_an_open_quote_spoils_its_own_line_only() -> None:
    problems = problems_of('2026-11-23,"INFY,buy,1,,,', "2026-11-23,SBIN,buy,0,,,")
    assert [(problem.line, problem.field) for problem in problems] == [(2, ""), (3, "quantity")]


def test_a_broken_header_is_one_problem() -> None:
    (problem,) = problems_of("2026-11-23,INFY,buy,1,,,", header='date,"symbol,side')
    assert problem.line == 1


@pytest.mark.parametrize("data", [b"", b"\n\n", b"# only a comment\n"])
def test_a_file_without_a_header_is_refused(data: bytes) -> None:
    with pytest.raises(SignalFileInvalid, match="no header"):
        read_rows("signals.csv", data)


def test_a_file_that_is_not_utf_8_is_refused_with_the_line() -> None:
    with pytest.raises(SignalFileInvalid) as caught:
        read_rows("signals.csv", HEADER.encode() + b"\n# caf\xe9\n")
    assert [problem.line for problem in caught.value.problems] == [2]


def test_a_file_beyond_its_bounds_is_refused() -> None:
    with pytest.raises(SignalFileInvalid, match=str(BYTES_MAX)):
        read_rows("signals.csv", b"#" * (BYTES_MAX + 1))
    row = "2024-01-02,INFY,buy,1,,,row-{}"
    full = [row.format(n) for n in range(ROWS_MAX)]
    assert len(read_rows("signals.csv", "\n".join((HEADER, *full)).encode())) == ROWS_MAX
    (problem,) = problems_of(*full, row.format("more"))
    assert str(ROWS_MAX) in problem.text


def test_a_message_shows_the_first_fifty_problems_and_counts_the_rest() -> None:
    with pytest.raises(SignalFileInvalid) as caught:
        read_rows("signals.csv", "\n".join((HEADER, *["2026-11-23,INFY,buy,0,,,"] * 60)).encode())
    assert len(caught.value.problems) == 60
    lines = str(caught.value).splitlines()
    assert len(lines) == 51
    assert lines[-1].endswith("10 more")


def test_a_missing_file_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(SignalsUnusable, match=r"nowhere\.csv"):
        CsvSignals(path=tmp_path / "nowhere.csv").signals(DAY, HISTORY, [])


def test_an_edit_counts_from_the_next_time_on_even_when_time_and_size_stay(tmp_path: Path) -> None:
    path = a_file(tmp_path, "2026-11-23,INFY,buy,1,,,")
    strategy = CsvSignals(path=path)
    assert strategy.signals(DAY, HISTORY, [])[0].quantity == 1
    a_file(tmp_path, "2026-11-23,INFY,buy,2,,,")
    assert strategy.signals(DAY, HISTORY, [])[0].quantity == 2


def test_a_broken_edit_keeps_nothing_of_the_file_before(tmp_path: Path) -> None:
    strategy = CsvSignals(path=a_file(tmp_path, "2026-11-23,INFY,buy,1,,,"))
    strategy.signals(DAY, HISTORY, [])
    a_file(tmp_path, "2026-11-23,INFY,buy,1,,,", "2026-11-23,SBIN,bye,1,,,")
    with pytest.raises(SignalFileInvalid):
        strategy.signals(DAY, HISTORY, [])


def test_a_due_symbol_without_prices_spoils_the_file_and_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SignalFileInvalid) as caught:
        signals_of(tmp_path, "2026-11-23,SBIN,buy,1,,,", "2026-11-23,INFI,buy,1,,,", "2024-01-02,GONE,buy,1,,,")
    (problem,) = caught.value.problems
    assert (problem.line, problem.field) == (3, "symbol")
    assert "INFY" in problem.text


def test_a_due_symbol_that_has_not_traded_yet_is_refused(tmp_path: Path) -> None:
    history = FakeHistory([a_bar(DAY, 100)])
    with pytest.raises(SignalFileInvalid, match="no price before 2026-11-23"):
        CsvSignals(path=a_file(tmp_path, "2026-11-23,INFY,buy,1,,,")).signals(DAY, history, [])


def test_the_target_is_that_of_the_row() -> None:
    bars = bars_of([100, 102])
    metadata = {"target": "120.00", "reference_day": bars[0].day.isoformat(), "reference_close": "100.00"}
    position = a_position(metadata=metadata)
    assert CsvSignals().target(position, day_after(bars), FakeHistory(bars)) == Decimal("120.00")


def test_the_target_follows_a_split_since_the_signal() -> None:
    bars = bars_of([50, 51])
    metadata = {"target": "120.00", "reference_day": bars[0].day.isoformat(), "reference_close": "100.00"}
    position = a_position(metadata=metadata)
    assert CsvSignals().target(position, day_after(bars), FakeHistory(bars)) == Decimal("60.00")


def test_a_target_that_cannot_be_brought_to_todays_prices_is_none() -> None:
    bars = bars_of([50, 51])
    metadata = {"target": "120.00", "reference_day": "2020-01-01", "reference_close": "100.00"}
    assert CsvSignals().target(a_position(metadata=metadata), day_after(bars), FakeHistory(bars)) is None


def test_a_target_without_the_day_it_was_set_on_stands_as_it_is() -> None:
    bars = bars_of([50])
    position = a_position(metadata={"target": "120.00"})
    assert CsvSignals().target(position, day_after(bars), FakeHistory(bars)) == Decimal("120.00")


def test_without_a_target_and_while_halted_there_is_none() -> None:
    bars = bars_of([50])
    position = a_position(metadata={"target": "120.00"})
    halted = FakeHistory(bars, halted={"INFY": "fell 50 %"})
    assert CsvSignals().target(position, day_after(bars), halted) is None
    plain = replace(position, metadata={})
    assert CsvSignals().target(plain, day_after(bars), FakeHistory(bars)) is None


def test_the_shipped_example_is_sound_and_long_past() -> None:
    rows = read_rows(str(SHIPPED), SHIPPED.read_bytes())
    assert rows
    assert max(row.day for row in rows) < date(2025, 1, 1)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        read_rows("signals.csv", HEADER.encode() + b"\n" + data)
    except SignalFileInvalid as refused:
        assert refused.problems
