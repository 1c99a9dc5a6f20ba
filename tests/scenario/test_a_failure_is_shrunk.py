"""A failing case names itself, is made again by that name, and is shrunk to a smaller one that fails alike."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.simulator.campaign import Death, all_kinds, die_at, live_through
from tests.simulator.case import Case, Point
from tests.simulator.killing import ROOT
from tests.simulator.shrink import shrink
from tests.simulator.work import failed

BROKEN = Case(day="meddled", faults="duplicate_tag_refused", seed=3, sabotage="NO_REGISTRY_SYNC")
"""Commands and faults that have nothing to do with what goes wrong."""
WHILE_IT_PLACES = range(20, 30)


def test_a_failure_names_the_command_that_makes_it_again_and_is_shrunk(say: Callable[[str], None]) -> None:
    unbroken, _ = live_through(BROKEN.unbroken, lambda _: False)
    _, moments = live_through(BROKEN.scenario, lambda index: index in WHILE_IT_PLACES)
    found = die_at(BROKEN.scenario, moments, unbroken, all_kinds).found
    again = failed(BROKEN, found[0]).again
    point = Point.named(again.split("--again ")[1].strip("'"))

    smaller = shrink(point, points_max=400)

    say(f"'{point}' is shrunk to '{smaller}'")
    assert smaller.case.faults == "none"
    assert smaller.case.signals <= 2
    assert smaller.case.acts == ()
    ended = subprocess.run(
        [sys.executable, "-m", "tests.simulator.prove", "--again", str(smaller)],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ended.returncode == 1, ended.stderr
    assert "StateCorrupt" in ended.stdout


def test_a_point_is_read_as_it_was_written() -> None:
    case = Case(
        day="baskets", faults="stale_book", seed=4, signals=2, dials=("stale_book",), acts=("well",), minutes=70
    )
    for again in ((), (3, 16)):
        point = Point(case=case, death=Death(effect=12, kind="torn", again=again))
        assert Point.named(str(point)) == point


@pytest.mark.parametrize(
    "name", ["", "busy:none", "busy:none:x", "night:none:1", "busy:rain:1", "busy:none:1 kind=torn"]
)
def test_what_names_no_point_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"day:faults:seed|effect=NUMBER"):
        Point.named(name)
