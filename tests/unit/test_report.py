"""The report of a run: its figures, its charts, and the page and text that are made of them."""

from __future__ import annotations

import json
import os
import re
import shutil
import xml.etree.ElementTree as ElementTree
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.loading import load_settings
from config.settings import Settings
from tests.builders import NOON, a_fill, a_position, an_order, later
from tests.simulator.killing import ROOT
from tradebot.app.replay import open_replay
from tradebot.app.session_report import NoSession, find_session, write_report
from tradebot.cli.report import leave_summary
from tradebot.domain.orders import JobRun, OrderId, OrderStatus, PositionId, Side
from tradebot.interfaces.report.charts import BINS_MAX, bars, bins, histogram, line
from tradebot.interfaces.report.figures import ROWS_MAX, Figures, Material, figures_of, pnl_by_day, slippage_bps
from tradebot.interfaces.report.page import report_page
from tradebot.interfaces.report.tally import Tally
from tradebot.interfaces.report.text import report_text
from tradebot.interfaces.text.summary import RunFigures

AMOUNTS = st.decimals(min_value=-(10**9), max_value=10**9, places=2)


def material(**changes: object) -> Material:
    values: dict[str, object] = {"session": "20261116_063000_000000", "sources": ["a test"], "tally": Tally()}
    return Material(**(values | changes))  # type: ignore[arg-type]


def told(event: str, level: str = "INFO", **fields: object) -> dict[str, object]:
    return {"at": NOON.isoformat(), "event": event, "level": level, "message": f"{event} said", "fields": fields}


def rows_of(figures: Figures, title: str) -> list[tuple[str, ...]]:
    return next(list(table.rows) for table in figures.tables if table.title == title)


def a_sale(number: int, gain: str, **changes: object) -> dict[str, object]:
    return {"id": OrderId(str(number)), "side": Side.SELL, "metadata": {"realised_pnl": gain}, **changes}


def test_profits_belong_to_the_ist_day_of_the_last_fill_and_quiet_days_are_zero() -> None:
    late = datetime(2026, 11, 16, 18, 30, tzinfo=UTC)  # midnight in India: the next day has begun
    sales = [an_order(**a_sale(1, "10.50")), an_order(**a_sale(2, "-4.25")), an_order(**a_sale(3, "1"))]
    fills = [
        a_fill(sales[0], trade_id="1", traded_at=NOON),
        a_fill(sales[1], trade_id="2", traded_at=NOON),
        a_fill(sales[2], trade_id="3", traded_at=NOON),
        a_fill(sales[2], trade_id="4", traded_at=late),
    ]
    quiet = JobRun(name="end_of_day", planned_for=NOON + timedelta(days=2), finished_at=NOON, outcome="")

    found = pnl_by_day(material(orders=sales, fills=fills, job_runs=[quiet]))

    assert found == (
        (date(2026, 11, 16), Decimal("6.25")),
        (date(2026, 11, 17), Decimal(1)),
        (date(2026, 11, 18), Decimal(0)),
    )
    assert [total for _, total in figures_of(material(orders=sales, fills=fills)).cumulative] == [
        Decimal("6.25"),
        Decimal("7.25"),
    ]


def test_slippage_is_worse_above_the_limit_for_buys_and_below_the_decision_for_sales() -> None:
    tally = Tally()
    tally.add(told("EXIT_ATR_STOP_HIT", position_id="P1", found=1000, threshold=1001, quantity=10, symbol="INFY"))
    bought = an_order(execution_qty=10, execution_value=Decimal(9990))
    by_rule = an_order(side=Side.SELL, position_id=PositionId("P1"), execution_qty=10, execution_value=Decimal(9980))
    by_age = an_order(side=Side.SELL, position_id=PositionId("P2"), execution_qty=10, execution_value=Decimal(9000))
    at_target = an_order(side=Side.SELL, position_id=PositionId("P3"), execution_qty=10, execution_value=Decimal(10010))
    positions = [
        a_position(id=PositionId("P1"), exit_rule="atr_stop"),
        a_position(id=PositionId("P2"), exit_rule="time_stop"),
        a_position(id=PositionId("P3")),
    ]
    orders = [bought, by_rule, by_age, at_target, an_order()]

    assert list(slippage_bps(material(orders=orders, positions=positions, tally=tally))) == [-10, 20, -10]


def test_events_are_counted_and_what_is_none_is_not() -> None:
    tally = Tally()
    tally.add(told("GUARD_BLOCK", block_reason="COOLDOWN", shadow=False))
    tally.add(told("GUARD_BLOCK", block_reason="COOLDOWN", shadow=True))
    tally.add(told("BROKER_UNREACHABLE", "ERROR", error="OSError"))
    for broken in ({"lost": 3}, {**told("CYCLE"), "fields": None}, {**told("CYCLE"), "at": "2026-11-16T06:30:00"}):
        with pytest.raises((KeyError, ValueError, TypeError)):
            tally.add(broken)

    figures = figures_of(material(tally=tally))

    assert tally.lines == 3
    assert rows_of(figures, "Guard blocks") == [
        ("COOLDOWN", "blocked", "1"),
        ("COOLDOWN", "shadow: it would have", "1"),
    ]
    assert rows_of(figures, "Errors and warnings") == [("ERROR", "BROKER_UNREACHABLE", "1", "BROKER_UNREACHABLE said")]


def test_tables_are_bounded_and_say_what_they_left_out() -> None:
    positions = [a_position(id=PositionId(f"P{n}"), symbol=f"S{n:03d}") for n in range(ROWS_MAX + 3)]
    figures = figures_of(material(positions=positions))

    table = next(table for table in figures.tables if table.title == "Open positions")
    assert (len(table.rows), table.left_out) == (ROWS_MAX, 3)
    assert "and 3 more" in report_text(figures)
    assert "and 3 more" in report_page(figures)


def test_the_longest_lived_orders_come_first() -> None:
    orders = [an_order(symbol=f"S{hours}", updated_at=later(minutes=60 * hours)) for hours in (1, 30, 2)]
    found = rows_of(figures_of(material(orders=orders)), "Longest-lived orders")
    assert [(row[0], row[4]) for row in found] == [("S30", "1 d 6 h"), ("S2", "2 h 0 min"), ("S1", "1 h 0 min")]


def test_text_from_outside_is_shown_and_never_run() -> None:
    tally = Tally()
    tally.add({**told("LIBRARY", "ERROR"), "message": "<script>alert(1)</script> & \"'"})

    page = report_page(figures_of(material(tally=tally, session="<b>")))

    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<b>" not in page


def test_a_run_without_anything_makes_a_page_and_a_text() -> None:
    figures = figures_of(material())
    _well_formed(report_page(figures))
    assert "nothing happened" in report_text(figures)


def test_a_page_loads_nothing_and_runs_nothing() -> None:
    page = report_page(figures_of(material()))

    assert "default-src 'none'" in page
    assert not re.search(r"https?://|src=|href=|@import|url\(|<script", page)
    assert "prefers-color-scheme: dark" in page
    assert 'name="viewport"' in page


@given(st.lists(AMOUNTS, max_size=80))
def test_charts_are_well_formed_and_stay_in_their_frame(values: list[Decimal]) -> None:
    points = [(f"<day {number}>", value) for number, value in enumerate(values)]
    for drawn in (bars(points, "a & b", "Rs"), line(points, "a", "Rs"), histogram(values, "a", "bps")):
        frame = ElementTree.fromstring(drawn)
        for shape in frame.iter("rect"):
            x, y = float(shape.attrib["x"]), float(shape.attrib["y"])
            width, height = float(shape.attrib["width"]), float(shape.attrib["height"])
            assert 0 <= x <= x + width <= 641
            assert 0 <= y <= y + height <= 241


@given(st.lists(AMOUNTS, min_size=1, max_size=80))
def test_bins_hold_every_value_once_and_zero_is_an_edge(values: list[Decimal]) -> None:
    found = bins(values)

    assert sum(each.count for each in found) == len(values)
    assert len(found) <= BINS_MAX
    assert all(each.low >= 0 or each.high <= 0 for each in found)


def test_nothing_counts_as_worse_that_cost_nothing() -> None:
    assert [(each.high, each.count) for each in bins([Decimal(0), Decimal(0)])] == [(0, 2)]


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Path, Path]:
    """Two days of the seeded market, as the command plays them: settings, home and session."""
    home = tmp_path_factory.mktemp("report")
    days = {"mode": "replay", "speed": 0, "from": "2026-09-16", "to": "2026-09-17", "ui": "off"}
    settings = load_settings(ROOT, {}, days)
    with open_replay(settings, home=home, folder=ROOT) as replay:
        replay.engine.start()
        replay.loop.run(replay.end)
        summary = replay.orders.summary()
        figures = RunFigures(
            start=replay.start,
            end=replay.end,
            trading_days=2,
            orders=summary.orders,
            order_events=replay.engine.events_written,
            fills=summary.fills,
            realised_pnl=summary.realised_pnl,
            open_positions=summary.open_positions,
            cash=replay.exchange.margins("primary").cash,
            took_s=1.23456,
            places={},
        )
        session = replay.session
    leave_summary(session, figures)
    return settings, home, session


def test_a_run_leaves_its_summary_as_data_and_as_text(replayed: tuple[Settings, Path, Path]) -> None:
    _, _, session = replayed
    data = json.loads((session / "summary.json").read_bytes())

    assert (data["trading_days"], data["took_s"]) == (2, 1.235)
    assert data["orders"]["closed"] > 0
    assert f"Rs {Decimal(data['realised_pnl']):,.2f} realised" in (session / "summary.txt").read_text()


def test_the_report_of_a_seeded_run_agrees_with_its_summary(replayed: tuple[Settings, Path, Path]) -> None:
    settings, home, session = replayed
    data = json.loads((session / "summary.json").read_bytes())

    page, text = (path.read_text() for path in write_report(settings, home, session))

    _well_formed(page)
    assert page.count("<svg") == 3
    for found in (page, text):
        assert f"Rs {Decimal(data['realised_pnl']):,.2f}" in found
        assert f"{data['fills']}, Rs" in found
        assert "RISK_LIMIT_MAX_POSITIONS" in found
        assert "amo_placement" in found
    orders = dict(re.findall(r"^(pending|ongoing|closed|failed|cancelled) +\d+ +\d+ +(\d+)$", text, re.MULTILINE))
    assert {status: int(count) for status, count in orders.items()} == data["orders"]
    assert {status for status, _ in orders.items()} == {str(status) for status in OrderStatus}


def test_the_report_of_a_killed_run_is_made_from_what_it_left(
    replayed: tuple[Settings, Path, Path], tmp_path: Path
) -> None:
    settings, home, session = replayed
    killed = tmp_path / "home"
    _copied(home, killed)
    events = killed / "sessions" / session.name / "events.jsonl"
    events.write_bytes(events.read_bytes()[:-40])

    _, text = write_report(settings, killed, killed / "sessions" / session.name)

    assert "1 not readable" in text.read_text()
    assert "_stop" in text.read_text()

    events.unlink()
    _, text = write_report(settings, killed, killed / "sessions" / session.name)

    assert "a killed run loses the last ones" in text.read_text()
    assert "_stop" in text.read_text()


def test_a_run_whose_books_moved_to_the_archive_is_reported_from_there(
    replayed: tuple[Settings, Path, Path], tmp_path: Path
) -> None:
    settings, home, session = replayed
    moved = tmp_path / "home"
    _copied(home, moved)
    archive = moved / "state" / "archive" / "1"
    archive.mkdir(parents=True)
    for name in ("tradebot.db", "replay.json"):
        (moved / "state" / name).rename(archive / name)

    _, text = write_report(settings, moved, moved / "sessions" / session.name)
    assert f"made from {archive / 'tradebot.db'}" in text.read_text()

    os.utime(archive / "tradebot.db", (0, 0))
    _, text = write_report(settings, moved, moved / "sessions" / session.name)
    assert "the one of this run is not here any more" in text.read_text()


def test_runs_are_found_by_name_by_path_and_the_newest_without_either(tmp_path: Path) -> None:
    with pytest.raises(NoSession, match="no run yet"):
        find_session(tmp_path, None)
    old, new = (tmp_path / "sessions" / name for name in ("20261120_010000_000000", "20261121_010000_000000"))
    for folder in (old, new, tmp_path / "sessions" / "notes"):
        folder.mkdir(parents=True)

    assert find_session(tmp_path, None) == new
    assert find_session(tmp_path, old.name) == old
    assert find_session(tmp_path, str(old)) == old
    for wanted in ("notes", "20261122_010000_000000"):
        with pytest.raises(NoSession, match="is no run"):
            find_session(tmp_path, wanted)


def _copied(home: Path, target: Path) -> None:
    """With the instants of its files, by which a run's database is known."""
    shutil.copytree(home, target)


class _Balanced(HTMLParser):
    """Every element that is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Closed by itself."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _well_formed(page: str) -> None:
    parser = _Balanced()
    parser.feed(page)
    parser.close()
    assert parser.open == []
