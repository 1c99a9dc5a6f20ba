"""The staged rollout: gates by the bot's own records, steps that edit the file and keep its comments."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.settings import KEYS
from tests.unit.config.homes import ROOT
from tests.unit.engine.fakes import FakeClock
from tests.unit.ui.builders import a_view
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.rollout_file import RolloutFile
from tradebot.app.configuration import ConfigSource
from tradebot.app.reload import judge
from tradebot.app.rollout import NotGo, Rollout
from tradebot.app.rollout_figures import SessionLines
from tradebot.app.rollout_watch import RolloutWatch
from tradebot.domain.errors import StateCorrupt
from tradebot.domain.rollout import GROUPS, PHASES, flags_in
from tradebot.engine.figures_view import Vitals

BEGAN = datetime(2026, 11, 16, 3, 0, tzinfo=UTC)
COMMENT = "# my own remark about the spread guard\n"


class Home:
    """A folder with the delivered configuration in mode paper, and sessions whose events a test writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FakeClock(BEGAN)
        self.disk = RealDisk(durability="process")
        self.file = folder / "config" / "tradebot.toml"
        self.file.parent.mkdir()
        delivered = (ROOT / "config" / "tradebot.toml").read_text().replace('mode = "replay"', 'mode = "paper"')
        self.file.write_text(delivered.replace("MAX_SPREAD_BPS_ENTRY =", COMMENT + "MAX_SPREAD_BPS_ENTRY ="))
        self._events = folder / "sessions" / "20261116_030000_000000" / "events.jsonl"
        self._events.parent.mkdir(parents=True)

    @property
    def source(self) -> ConfigSource:
        return ConfigSource(folder=self.folder, environ={})

    @property
    def rollout(self) -> Rollout:
        return Rollout(self.source, self.folder, self.disk, self.clock)

    def later(self, hours: float) -> None:
        self.clock.at += timedelta(hours=hours)

    def tell(self, name: str, times: int = 1, level: str = "INFO", **fields: object) -> None:
        row = {"at": self.clock.at.isoformat(), "event": name, "level": level, "fields": fields}
        with self._events.open("a") as file:
            file.write((json.dumps(row) + "\n") * times)

    def value(self, name: str) -> object:
        return self.source.settings().value(name)

    def at_phase(self, number: int) -> None:
        """Through every gate up to this phase, with figures that pass."""
        self.rollout.start()
        self.later(1)
        self.rollout.next()
        self._live(fills=100, slippage=9)
        while (outlook := self.rollout.outlook()) and outlook.standing.phase < number:
            self.later(49)
            self.rollout.next()
            self._live(fills=100, slippage=8)

    def _live(self, fills: int, slippage: int) -> None:
        self.tell("ORDER_FILLED", fills, side="buy")
        self.tell("ENTRY_SLIPPAGE", fills, slippage_bps=slippage)
        self.tell("HEARTBEAT", memory_mb=100, ui_cpu_pct=1)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    found = Home(tmp_path)
    yield found
    found.disk.close()


def check(home: Home, name: str) -> tuple[str, bool]:
    outlook = home.rollout.outlook()
    assert outlook is not None
    (found,) = (check for check in outlook.checks if check.name == name)
    return found.found, found.is_go


def test_it_begins_with_the_core_alone_and_observes(home: Home) -> None:
    edit = home.rollout.start()

    assert home.value("OBSERVE_ONLY") is True
    assert home.value("ENABLE_COID_MANAGER") is True
    for name in ("ENABLE_SPREAD_GUARD_ENTRY", "ENABLE_FILL_TELEMETRY", "ENABLE_RATE_LIMITING"):
        assert str(home.value(name)).lower() == "false", name
    assert "ENABLE_FILL_TELEMETRY" in edit.restart
    assert "OBSERVE_ONLY" not in edit.restart


def test_comments_stay_and_the_file_as_it_was_is_kept(home: Home) -> None:
    before = home.file.read_text()

    edit = home.rollout.start()

    after = home.file.read_text()
    assert COMMENT in after
    assert edit.backup.read_text() == before
    changed = [line for line in after.splitlines() if line not in before.splitlines()]
    assert sorted(line.split(" = ")[0] for line in changed) == sorted(name for name, _, _ in edit.changes)


def test_the_first_hour_only_observes(home: Home) -> None:
    home.rollout.start()
    home.later(0.9)
    with pytest.raises(NotGo, match="observed"):
        home.rollout.next()

    home.later(0.1)
    home.rollout.next()
    assert home.value("OBSERVE_ONLY") is False
    outlook = home.rollout.outlook()
    assert outlook is not None
    assert (outlook.standing.phase, outlook.is_observing) == (1, False)


def test_a_duplicate_or_a_silence_keeps_the_core_from_going_on(home: Home) -> None:
    home.rollout.start()
    home.later(1)
    home.rollout.next()
    home.later(25)
    assert home.rollout.outlook().is_go  # type: ignore[union-attr]

    home.tell("COID_DUPLICATE", level="WARNING")
    assert check(home, "duplicates") == ("1", False)
    home.tell("ALERT_FIRING", level="WARNING", alert="silent_engine")
    assert check(home, "silences of the engine") == ("1", False)


def test_twenty_four_hours_without_a_critical_error_are_needed(home: Home) -> None:
    home.rollout.start()
    home.later(1)
    home.rollout.next()
    home.later(10)
    home.tell("INTERNAL_FAULT", level="CRITICAL")
    home.later(23.9)
    assert not check(home, "last critical error")[1]

    home.later(0.1)
    assert check(home, "last critical error")[1]


@pytest.mark.parametrize(("filled", "is_go"), [(91, True), (90, False)])
def test_guards_may_cost_less_than_a_tenth_of_the_fill_rate(filled: int, is_go: bool, home: Home) -> None:
    home.rollout.start()
    home.later(1)
    home.rollout.next()
    home.tell("ORDER_FILLED", 100, side="buy")
    home.tell("ENTRY_SLIPPAGE", slippage_bps=9)
    home.later(25)
    home.rollout.next()
    home.tell("ORDER_FILLED", filled, side="buy")
    home.tell("ORDER_CANCELLED", 100 - filled, side="buy")
    home.tell("ORDER_CANCELLED", 50, side="sell")

    assert check(home, "fill rate") == (f"{filled}.00 %", is_go)


@pytest.mark.parametrize(("slippage", "is_go"), [(8.99, True), (9, False)])
def test_the_average_slippage_has_to_fall(slippage: float, is_go: bool, home: Home) -> None:
    home.at_phase(1)
    home.later(25)
    home.rollout.next()
    home.tell("ENTRY_SLIPPAGE", 3, slippage_bps=slippage)

    assert check(home, "average slippage")[1] == is_go


@pytest.mark.parametrize(("memory_mb", "is_go"), [(109.99, True), (110, False)])
def test_telemetry_may_cost_less_than_ten_megabytes(memory_mb: float, is_go: bool, home: Home) -> None:
    home.at_phase(2)
    home.later(49)
    home.rollout.next()
    home.tell("HEARTBEAT", memory_mb=memory_mb, ui_cpu_pct=0)

    assert check(home, "memory")[1] == is_go


@pytest.mark.parametrize(("busy", "is_go"), [(5.99, True), (6, False)])
def test_the_terminal_may_cost_less_than_five_per_cent_of_a_processor(busy: float, is_go: bool, home: Home) -> None:
    home.at_phase(3)
    home.later(49)
    home.rollout.next()
    home.tell("HEARTBEAT", memory_mb=100, ui_cpu_pct=busy)

    assert check(home, "processor of the terminal")[1] == is_go


def test_without_figures_there_is_no_go(home: Home) -> None:
    home.rollout.start()
    home.later(1)
    home.rollout.next()
    home.later(25)
    home.rollout.next()
    home.later(49)

    assert check(home, "fill rate") == ("nothing recorded", False)
    with pytest.raises(NotGo, match="fill rate, average slippage"):
        home.rollout.next()


def test_a_step_can_be_forced_with_a_reason_that_is_kept(home: Home) -> None:
    home.rollout.start()
    home.rollout.next("agreed with the desk")

    outlook = home.rollout.outlook()
    assert outlook is not None
    assert outlook.standing.steps[-1].forced == "agreed with the desk"
    assert home.value("OBSERVE_ONLY") is False


def test_the_whole_way_ends_with_every_flag_on(home: Home) -> None:
    home.at_phase(5)

    for name in flags_in(5):
        assert name not in KEYS.by_name or str(home.value(name)).lower() == "true", name
    with pytest.raises(NotGo, match="last phase"):
        home.rollout.next("again")


@pytest.mark.parametrize(("group", "phase"), [("guards", 1), ("telemetry", 2), ("ui", 3)])
def test_one_group_can_be_switched_off_by_its_word(group: str, phase: int, home: Home) -> None:
    home.at_phase(5)
    edit = home.rollout.back(group)

    assert edit.standing.phase == phase
    assert {name for name, _, _ in edit.changes} == {name for name in GROUPS[group] if name in KEYS.by_name}
    assert home.value("ENABLE_COID_MANAGER") is True
    assert home.value("ENABLE_RATE_LIMITING") is True


def test_without_a_word_it_goes_back_one_phase(home: Home) -> None:
    home.at_phase(2)
    home.rollout.back()

    assert str(home.value("ENABLE_SPREAD_GUARD_ENTRY")).lower() == "false"
    with pytest.raises(NotGo, match="first phase"):
        home.rollout.back()


def test_guards_can_be_switched_off_where_no_rollout_was_begun(home: Home) -> None:
    assert home.rollout.outlook() is None
    home.rollout.back("guards")

    assert str(home.value("ENABLE_DEPTH_GUARD_ENTRY")).lower() == "false"


def test_a_running_daemon_takes_the_edit_up_as_any_other(home: Home) -> None:
    before = home.source.settings()
    layer = home.source.file_layer()
    home.rollout.back("guards")

    edit = judge(before, home.source.settings(), layer, home.source.file_layer())

    assert {name for name, _, _ in edit.changes} == set(GROUPS["guards"])
    assert edit.settings.policy().quotes.spread == "false"


def test_a_damaged_record_of_the_rollout_is_named(home: Home) -> None:
    home.rollout.start()
    (home.folder / "state" / "rollout.json").write_text("{}")
    with pytest.raises(StateCorrupt, match=r"rollout\.json"):
        home.rollout.outlook()


def test_every_flag_of_the_rollout_is_in_one_phase_only() -> None:
    flags = [flag for phase in PHASES for flag in phase.flags]
    assert len(flags) == len(set(flags))
    for group in GROUPS.values():
        assert set(group) <= set(flags)


def test_the_gates_on_the_screen_are_those_of_the_command_and_go_on_with_what_is_written(home: Home) -> None:
    home.at_phase(2)
    watch = RolloutWatch(home.folder, home.disk, FakeClock(BEGAN), lambda: home.clock.at)
    standing = RolloutFile(home.disk, home.folder / "state").read()
    assert standing is not None
    watch.count(standing)
    first = a_view(vitals=Vitals(rollout=watch.look())).gates
    wanted = home.rollout.outlook()
    home.later(49)
    home.tell("COID_DUPLICATE", level="CRITICAL")
    home.tell("ORDER_CANCELLED", 300, side="buy")
    watch.count(standing)
    then = a_view(vitals=Vitals(rollout=watch.look())).gates
    wanted_then = home.rollout.outlook()

    assert wanted is not None
    assert wanted_then is not None
    assert list(first) == list(wanted.checks)
    assert list(then) == list(wanted_then.checks)
    assert [check.is_go for check in first] != [check.is_go for check in then]


def test_where_no_rollout_was_begun_nothing_is_counted(home: Home) -> None:
    watch = RolloutWatch(home.folder, home.disk, FakeClock(BEGAN), lambda: home.clock.at)

    assert watch.look() is None
    assert a_view(vitals=Vitals(rollout=watch.look())).gates == ()


def test_half_a_line_is_counted_when_it_is_whole(home: Home) -> None:
    lines, path = SessionLines(home.folder), home.folder / "sessions" / "20261116_030000_000000" / "events.jsonl"
    home.tell("ORDER_SENT")
    whole = path.read_bytes()
    path.write_bytes(whole + b"torn by a kill\n" + whole[:20])
    before = [line.name for line in lines.new()]
    path.write_bytes(whole + b"torn by a kill\n" + whole)

    assert before == ["ORDER_SENT"]
    assert [line.name for line in lines.new()] == ["ORDER_SENT"]
    assert list(lines.new()) == []
