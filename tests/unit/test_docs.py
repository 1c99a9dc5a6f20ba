"""What is written about tradebot agrees with the code: paths, links, exit codes, events and their fields."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import date, time
from pathlib import Path

import pytest

from tests.simulator.days import busy_day
from tests.simulator.world import Scenario, World
from tradebot.cli.exit_codes import MEANINGS
from tradebot.domain.calendar import ist
from tradebot.domain.event_fields import EVENT_FIELDS, SUBJECTS
from tradebot.domain.events import Event, EventName
from tradebot.domain.policy import Policy
from tradebot.strategies.generator import Generator

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
NOT_IN_GIT = {".venv", ".venv/bin/alembic", ".venv/bin/python", "config/market/local.toml"}
"""Named in the pages, and made by `make`, or by the operator."""

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_SOURCE = re.compile(r"[\w.-]+(/[\w.-]+)+\.(py|md|toml|ini|csv|sh)")
_TOP = {path.name for path in ROOT.iterdir()} - {"state", "sessions", "logs"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_a_page_names_is_there(page: Path) -> None:
    missing = [path for path in _paths(page.read_text(encoding="utf-8")) if not (ROOT / path).exists()]

    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    links = _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]

    assert missing == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page.is_dir():
            page = page / "README.md"
        if page.suffix != ".md" or page in reached:
            continue
        reached.add(page)
        links = _LINK.findall(page.read_text(encoding="utf-8"))
        waiting += [(page.parent / link).resolve() for link in links if "://" not in link]

    assert reached == set(PAGES)


def test_the_exit_codes_of_the_page_are_those_of_the_code() -> None:
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", page, re.MULTILINE)

    assert rows == [(str(code.value), meaning) for code, meaning in MEANINGS.items()]


def test_the_make_targets_that_pages_name_are_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        target
        for page in PAGES
        for target in re.findall(r"(?:`|^)make ([a-z]+)", page.read_text("utf-8"), re.MULTILINE)
    }

    assert {"run", "test", "check"} <= named <= targets


def test_the_documented_events_are_those_that_the_code_tells() -> None:
    told = {name for file in _tellers() for name in _event_names(file)}

    assert told == set(EVENT_FIELDS)


def test_each_event_is_documented_under_one_subject() -> None:
    assert sum(len(subject) for subject in SUBJECTS) == len(EVENT_FIELDS)


@pytest.fixture(scope="module")
def told_events() -> list[Event]:
    """Two trading days with full portfolios: entries, refusals, fills, exits, ends."""
    crowded = Scenario(
        start=ist(date(2026, 9, 15), time(16, 0)),
        end=ist(date(2026, 9, 16), time(23, 30)),
        policy=Policy(),
        strategies=lambda: [Generator(seed=1, signals_per_day=12)],
    )
    events: list[Event] = []
    for scenario in (busy_day(), crowded):
        world = World(scenario)
        world.run()
        events += world.events
    return events


def test_the_days_tell_enough_to_prove_something(told_events: list[Event]) -> None:
    names = {event.name for event in told_events}

    assert len(names) >= 15
    assert {EventName.ORDER_FILLED, EventName.GUARD_BLOCK, EventName.POSITION_CLOSED, EventName.DAY_SUMMARY} <= names


def test_events_have_the_fields_and_levels_that_are_documented(told_events: list[Event]) -> None:
    for event in told_events:
        documented = EVENT_FIELDS[event.name]
        fields = set(event.fields)
        assert set(documented.always) <= fields <= {*documented.always, *documented.sometimes}, event
        assert event.level in documented.levels, event


def test_no_field_takes_a_name_that_every_line_has() -> None:
    common = {"ts", "at", "level", "event", "message", "session_id", "correlation_id", "component", "fields"}
    for name, documented in EVENT_FIELDS.items():
        fields = [*documented.always, *documented.sometimes]
        assert len(fields) == len(set(fields)), name
        assert not common & set(fields), name


def _paths(text: str) -> Iterator[str]:
    """What stands in backticks, outside of fenced blocks, and begins with something in this folder or is a source."""
    for word in _CODE.findall(_FENCE.sub("", text)):
        path = word.split(" ")[0].partition("::")[0].rstrip("/")
        is_ours = path.split("/")[0] in _TOP or _SOURCE.fullmatch(path)
        if is_ours and "*" not in path and path not in NOT_IN_GIT:
            yield path


def _tellers() -> Iterator[Path]:
    """The files that make events: not the screens, which only hear them, nor the tables themselves."""
    heard = {ROOT / "tradebot" / "domain" / "events.py", ROOT / "tradebot" / "engine" / "view_feed.py"}
    for file in sorted((ROOT / "tradebot").rglob("*.py")):
        if file not in heard and not {"interfaces", "event_fields"} & set(file.parts):
            yield file


def _event_names(file: Path) -> Iterator[EventName]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "EventName":
            yield EventName[node.attr]
