"""The benchmarks' own work: a row for each of the table, verdicts, what is kept, and the page made from it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.figures import Line, Row, as_text, at_least, at_most
from benchmarks.page import PAGE, rows_on, with_figures
from benchmarks.results import LAST, Measured, read, write
from benchmarks.rows import ROWS
from benchmarks.soak import Evening, evening, soak
from benchmarks.soak import goals as soak_goals

ROOT = Path(__file__).parents[2]
MEASURED_BY = {
    "Place an order": "placement",
    "Order update": "stream",
    "Monitor cycle": "cycle",
    "Lifecycle ids": "ids",
    "Batch": "batch",
    "HTTP": "http",
    "Replay": "replay",
    "Replay of ticks": "ticks",
    "Terminal": "terminal",
    "Logging": "logging",
    "Start": "start",
    "Soak": "soak",
    "Crash points": "crashes",
}
"""By the words of the specification's table."""


def test_each_row_is_described_where_the_benchmarks_are() -> None:
    readme = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")

    described = set(re.findall(r"^\| `(\w+)` \|", readme, re.MULTILINE))

    assert described == set(ROWS)


def test_each_row_has_its_place_on_the_page() -> None:
    assert set(rows_on(PAGE.read_text(encoding="utf-8"))) == set(ROWS)


def test_the_page_shows_what_was_kept() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert with_figures(page, read(LAST)) == page


def test_each_row_of_the_specification_is_measured() -> None:
    table = ROOT.parent / "shared" / "spec" / "70-performance.md"
    if not table.exists():
        pytest.skip("../shared is not here: the table of what is to be measured stands there")

    wanted = re.findall(r"^\| \*\*([^*]+)\*\*", table.read_text(encoding="utf-8"), re.MULTILINE)

    assert set(wanted) == set(MEASURED_BY)
    assert set(MEASURED_BY.values()) <= set(ROWS)


def test_a_figure_at_its_limit_meets_the_goal() -> None:
    assert at_most("p50", 2.0, 2.0).is_met
    assert not at_most("p50", 2.01, 2.0).is_met
    assert at_least("adds", 5_000, 5_000).is_met
    assert not at_least("adds", 4_999, 5_000).is_met


def test_a_goal_says_what_was_found_and_that_it_was_missed() -> None:
    text = as_text(a_row(found=7.5))

    assert "| p50 / parts <= 2 | 7.50  | missed |" in text


def test_what_is_kept_is_read_back_as_it_was(tmp_path: Path) -> None:
    results = {"placement": measured(a_row(found=1.5)), "cycle": measured(a_row(found=2.5))}

    write(tmp_path / "run.json", results)

    assert read(tmp_path / "run.json") == results


def test_a_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"placement": {"p50": 3}}', encoding="utf-8")

    with pytest.raises(ValueError, match="holds no results"):
        read(tmp_path / "other.json")


def test_the_page_takes_new_figures_and_keeps_its_prose() -> None:
    page = "before\n<!-- figures: cycle -->\nold\n<!-- end of cycle -->\nwhy\n<!-- figures: ids --><!-- end of ids -->"
    page = page.replace("ids --><!--", "ids -->\nold too\n<!--")

    once = with_figures(page, {"cycle": measured(a_row(found=1.5))})

    assert "old" not in once
    assert once.startswith("before\n") and "\nwhy\n" in once
    assert "commit abc1234" in once and "1.50" in once
    assert "`python -m benchmarks ids`" in once
    assert with_figures(once, {"cycle": measured(a_row(found=1.5))}) == once


def test_a_row_that_is_cheap_runs_from_end_to_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick", "ids", "logging", "peers"]) == 0

    told = capsys.readouterr().out
    assert "resolutions from memory" in told
    assert "| goal " in told
    assert "no peer is named" in told


def test_three_days_leave_no_thread_and_no_handle_behind(tmp_path: Path) -> None:
    row = soak(tmp_path, days=3, symbols=5, signals=40)

    missed = [goal for goal in row.goals if not goal.is_met]
    assert not missed, as_text(row)


def test_a_thread_or_a_handle_more_is_found() -> None:
    first, grown = an_evening(), an_evening(threads=6, handles=31, memory=200)

    missed = [goal.text for goal in soak_goals([first, first, first, grown]) if not goal.is_met]

    assert [words.split(" as ")[0].split(",")[0] for words in missed] == ["threads", "handles", "memory", "memory"]


def test_what_bounded_pools_keep_open_is_no_handle_left_behind(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "state").mkdir(parents=True)
    before = evening(home, home, 0)
    with (home / "state" / "tradebot.db").open("wb"), (home / "state" / "tradebot.db-wal").open("wb"):
        of_the_database = evening(home, home, 0)
    with (home / "flight.jsonl").open("wb"):
        of_the_disk = evening(home, home, 0)
    with (tmp_path / "other").open("wb"):
        other = evening(home, home, 0)

    assert of_the_database == replace(
        before, objects=of_the_database.objects, memory=of_the_database.memory, connections=1
    )
    assert (of_the_disk.handles, of_the_disk.files) == (before.handles, 1)
    assert other.handles == before.handles + 1


def test_a_row_that_is_not_known_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["moon"])

    assert "there is no row 'moon'" in capsys.readouterr().err


def an_evening(**changes: int) -> Evening:
    return replace(Evening(**dict.fromkeys(Evening.__slots__, 1)), **{"memory": 100, **changes})


def a_row(*, found: float) -> Row:
    return Row(
        name="placement",
        peer="its parts",
        headings=["p50"],
        lines=[Line(cells=["1,000"])],
        notes=["a note"],
        goals=[at_most("p50 / parts", found, 2.0)],
    )


def measured(row: Row) -> Measured:
    return Measured(on="2026-11-28", commit="abc1234", machine=["two cores"], took_s=1.5, tables=[row])
