"""An edit of the configuration, from the file to the message for the engine: what counts, and what is told."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from config.loading import load_settings
from config.settings import KEYS, Settings
from tests.unit.config.homes import DELIVERED, ROOT, a_home, place_of, with_value
from tests.unit.engine.fakes import FakeClock
from tradebot.adapters.disk import Calls, RealDisk
from tradebot.app.configuration import CHANGES_MAX, ConfigSource, SettingsFile
from tradebot.app.reload import EverySecond, Reload
from tradebot.domain.events import Event, EventName
from tradebot.domain.policy import GuardMode, Policy
from tradebot.engine.bus import Bus
from tradebot.engine.commands import PolicyChanged
from tradebot.engine.inbox import Inbox
from tradebot.engine.messages import Job, JobDue

START = datetime(2026, 9, 16, 4, 0, tzinfo=UTC)


class Watched:
    """A folder with a configuration that is looked at, and an engine that does nothing but take its policy."""

    def __init__(
        self,
        folder: Path,
        *,
        environ: Mapping[str, str] | None = None,
        overrides: Mapping[str, object] | None = None,
        inbox: Inbox | None = None,
        disk: RealDisk | None = None,
    ) -> None:
        self.folder = a_home(folder)
        self.file = folder / "config" / "tradebot.toml"
        self.record = folder / "settings.json"
        self.events: list[Event] = []
        self.inbox = Inbox() if inbox is None else inbox
        source = ConfigSource(folder=folder, environ=environ or {}, overrides=overrides or {})
        self.started = source.settings()
        self.policy = self.started.policy()
        settings_file = SettingsFile(disk or RealDisk(durability="process"), self.record)
        if disk is None:
            settings_file.begin(self.started, START)
        self.reload = Reload(
            source,
            self.started,
            inbox=self.inbox,
            bus=Bus([self.events.append]),
            clock=FakeClock(START),
            record=settings_file,
        )
        self.look()

    def save(self, text: str) -> None:
        """As editors do it: another file in its place."""
        temporary = self.file.with_suffix(".new")
        temporary.write_text(text)
        temporary.replace(self.file)

    def look(self, times: int = 2) -> list[PolicyChanged]:
        for _ in range(times):
            self.reload.poll()
        changes = [message for message in self.inbox.drain(100) if isinstance(message, PolicyChanged)]
        for change in changes:
            self.policy = change.policy
        return changes

    def edit(self, text: str) -> list[PolicyChanged]:
        self.save(text)
        return self.look()

    def told(self, name: EventName) -> list[Event]:
        return [event for event in self.events if event.name is name]

    def recorded(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.record.read_bytes())
        return found


def the_file(**values: str) -> str:
    """The delivered file with some values changed, as they are written there."""
    text = DELIVERED
    for name, value in values.items():
        text = with_value(KEYS.by_name[name], value, text)
    return text


def test_an_untouched_file_changes_nothing(tmp_path: Path) -> None:
    watched = Watched(tmp_path)

    assert watched.look(5) == []
    assert watched.events == []
    assert watched.recorded()["changes"] == []


def test_an_edit_that_is_valid_counts(tmp_path: Path) -> None:
    watched = Watched(tmp_path)

    (change,) = watched.edit(the_file(MAX_POSITIONS="8", ENABLE_DEPTH_GUARD_ENTRY='"shadow"'))

    assert change.changes == (("MAX_POSITIONS", "6", "8"), ("ENABLE_DEPTH_GUARD_ENTRY", "true", '"shadow"'))
    assert watched.policy == replace(
        watched.started.policy(),
        risk=replace(watched.started.policy().risk, positions_max=8),
        quotes=replace(watched.started.policy().quotes, depth=GuardMode.SHADOW),
    )
    assert watched.look(3) == []
    assert watched.events == []


def test_an_edit_between_the_start_and_the_first_look_counts(tmp_path: Path) -> None:
    source = ConfigSource(folder=a_home(tmp_path), environ={})
    started = source.settings()
    a_home(tmp_path, the_file(MAX_POSITIONS="8"))
    inbox, record = Inbox(), SettingsFile(RealDisk(durability="process"), tmp_path / "settings.json")
    reload = Reload(source, started, inbox=inbox, bus=Bus(), clock=FakeClock(START), record=record)

    reload.poll()
    reload.poll()

    (change,) = inbox.drain(9)
    assert isinstance(change, PolicyChanged)
    assert change.policy.risk.positions_max == 8


def test_a_file_that_is_being_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    watched, text = Watched(tmp_path), the_file(MAX_POSITIONS="8")

    for length in (0, 100, len(text) // 2, len(text) - 5):
        watched.file.write_text(text[:length])
        assert watched.look(1) == []
    watched.file.write_text(text)

    assert watched.look(1) == []
    assert len(watched.look(1)) == 1
    assert watched.events == []


def test_another_file_of_the_same_size_and_time_is_seen(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    before = watched.file.stat()
    other = tmp_path / "other.toml"
    other.write_text(the_file(MAX_POSITIONS="8"))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(watched.file)

    assert watched.file.stat().st_size == before.st_size
    assert len(watched.look()) == 1


def test_an_edit_with_anything_wrong_in_it_is_refused_and_told_once(tmp_path: Path) -> None:
    watched = Watched(tmp_path)

    text = the_file(MAX_POSITIONS="800", ENABLE_ENTRY_SLIPPAGE_GUARD="3", COOLDOWN_MIN="30")
    assert watched.edit(text) == []
    watched.look(5)

    (refused,) = watched.events
    assert (refused.name, refused.level, refused.fields) == (EventName.CONFIG_REFUSED, "ERROR", {"problems": 2})
    assert f"{place_of(KEYS.by_name['MAX_POSITIONS'], text)}: MAX_POSITIONS = 800" in refused.message
    assert f"{place_of(KEYS.by_name['ENABLE_ENTRY_SLIPPAGE_GUARD'], text)}: entry_slippage_guard = 3" in refused.message
    assert watched.policy == watched.started.policy()
    assert watched.recorded()["changes"] == []


def test_each_broken_edit_is_told_and_a_sound_one_ends_it(tmp_path: Path) -> None:
    watched = Watched(tmp_path)

    watched.edit("[risk\n")
    watched.edit(the_file(MAX_POSITIONS="0"))
    watched.edit(the_file(MAX_POSITIONS="7"))

    assert [event.name for event in watched.events] == [EventName.CONFIG_REFUSED] * 2
    assert watched.policy.risk.positions_max == 7


def test_a_file_that_is_gone_for_a_moment_is_no_edit_and_one_that_stays_away_is_told(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.file.unlink()
    watched.look(1)
    watched.save(DELIVERED)
    watched.look(3)
    assert watched.events == []

    watched.file.unlink()
    watched.look(4)

    (refused,) = watched.events
    assert "cannot be read" in refused.message
    assert watched.edit(the_file(MAX_POSITIONS="8"))[0].policy.risk.positions_max == 8


def test_a_hundred_problems_are_not_a_line_of_a_hundred(tmp_path: Path) -> None:
    watched = Watched(tmp_path)

    watched.edit(DELIVERED + "\n[logs2]\n" + "".join(f"[oops{number}]\n" for number in range(120)))

    (refused,) = watched.events
    assert refused.fields == {"problems": 121}
    assert refused.message.endswith("; and 71 more")
    assert len(refused.message) < 10_000


def test_a_key_that_needs_a_restart_is_told_once_and_not_applied(tmp_path: Path) -> None:
    watched = Watched(tmp_path)

    watched.edit(the_file(seed="2", account_id='"second"', MAX_POSITIONS="8"))
    watched.edit(the_file(seed="2", account_id='"second"', MAX_POSITIONS="9"))

    told = watched.told(EventName.CONFIG_NOT_APPLIED)
    assert [(event.fields["key"], event.fields["wanted"], event.fields["cause"]) for event in told] == [
        ("account_id", '"second"', "restart"),
        ("seed", "2", "restart"),
    ]
    assert all("restart to apply" in event.message for event in told)
    assert (watched.policy.account_id, watched.policy.risk.positions_max) == ("primary", 9)
    assert watched.recorded()["settings"]["seed"]["value"] == 1


def test_a_key_that_needs_a_restart_is_told_again_for_another_value(tmp_path: Path) -> None:
    watched = Watched(tmp_path)

    for seed in ("2", "1", "2", "3"):
        watched.edit(the_file(seed=seed))

    assert [event.fields["wanted"] for event in watched.told(EventName.CONFIG_NOT_APPLIED)] == ["2", "2", "3"]


def test_a_key_that_a_higher_place_pins_says_so(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TRADEBOT_COOLDOWN_MIN=5\n")
    (tmp_path / ".env").chmod(0o600)
    watched = Watched(tmp_path, environ={"TRADEBOT_MAX_POSITIONS": "4"}, overrides={"speed": "0"})

    assert watched.edit(the_file(MAX_POSITIONS="8", speed="10", COOLDOWN_MIN="20")) == []
    watched.edit(the_file(MAX_POSITIONS="8", speed="10", COOLDOWN_MIN="20", MAX_TRADES_PER_DAY="90"))

    told = [(event.fields["key"], event.fields["cause"]) for event in watched.told(EventName.CONFIG_NOT_APPLIED)]
    assert told == [("speed", "command line"), ("MAX_POSITIONS", "environment"), ("COOLDOWN_MIN", ".env")]
    assert watched.policy.risk.positions_max == 4
    assert watched.policy.risk.trades_per_day_max == 90


def test_a_pinned_key_that_agrees_with_what_pins_it_is_not_told(tmp_path: Path) -> None:
    watched = Watched(tmp_path, environ={"TRADEBOT_MAX_POSITIONS": "4"})

    watched.edit(the_file(MAX_POSITIONS="4"))

    assert watched.events == []


def test_live_keys_that_only_fit_values_of_the_next_start_are_refused(tmp_path: Path) -> None:
    watched = Watched(tmp_path)

    assert watched.edit(the_file(opening_cash="10_000_000", CAPITAL_PER_TRADE="1_000_000")) == []

    (refused,) = watched.events
    assert refused.name is EventName.CONFIG_REFUSED
    assert "opening_cash is 1000000 until a restart" in refused.message
    assert watched.policy.capital_per_trade == 50_000


def test_a_password_in_the_file_is_refused_and_not_shown(tmp_path: Path) -> None:
    watched = Watched(tmp_path)

    watched.edit(the_file(database_url='"postgresql+psycopg://t:canary-7f3a91@host/name"'))

    (refused,) = watched.events
    assert refused.name is EventName.CONFIG_REFUSED
    assert "canary" not in str(refused)


def test_an_inbox_that_is_full_is_tried_again(tmp_path: Path) -> None:
    inbox = Inbox(bound=1)
    watched = Watched(tmp_path, inbox=inbox)
    inbox.put(JobDue(name=Job.CYCLE, at=START))

    watched.save(the_file(MAX_POSITIONS="8", seed="2"))
    watched.reload.poll()
    watched.reload.poll()
    assert watched.events == []
    inbox.drain(9)

    (change,) = watched.look(1)
    assert change.policy.risk.positions_max == 8
    assert len(watched.told(EventName.CONFIG_NOT_APPLIED)) == 1


def test_a_defect_of_the_reader_is_told_and_ends_nothing(tmp_path: Path) -> None:
    class Defective(ConfigSource):
        def settings(self) -> Settings:
            raise ZeroDivisionError("by nothing")

    started, events = load_settings(a_home(tmp_path), {}), []
    source = Defective(folder=tmp_path, environ={})
    record = SettingsFile(RealDisk(durability="process"), tmp_path / "settings.json")
    reload = Reload(source, started, inbox=Inbox(), bus=Bus([events.append]), clock=FakeClock(START), record=record)

    for _ in range(5):
        reload.poll()

    assert [event.name for event in events] == [EventName.INTERNAL_FAULT]


def test_the_session_has_what_was_in_force_at_the_start_and_each_change(tmp_path: Path) -> None:
    watched = Watched(tmp_path, environ={"TRADEBOT_COOLDOWN_MIN": "20"})
    at_start = watched.recorded()
    watched.edit(the_file(MAX_POSITIONS="8"))
    watched.edit(the_file(MAX_POSITIONS="9"))

    assert at_start["hash"] == watched.started.hash()
    assert list(at_start["settings"]) == [key.name for key in KEYS]
    assert at_start["settings"]["COOLDOWN_MIN"] == {"value": 20, "origin": "environment", "live": True}
    assert at_start["settings"]["MAX_POSITIONS"]["origin"] == place_of(KEYS.by_name["MAX_POSITIONS"])
    found = watched.recorded()
    assert found["settings"]["MAX_POSITIONS"]["value"] == 9
    assert [change["keys"]["MAX_POSITIONS"] for change in found["changes"]] == [
        {"old": "6", "new": "8"},
        {"old": "8", "new": "9"},
    ]
    assert found["hash"] == found["changes"][-1]["hash"] == watched.reload.in_force.hash() != at_start["hash"]
    assert datetime.fromisoformat(found["changes"][0]["at"]) == START


def test_the_changes_of_a_session_are_bounded(tmp_path: Path) -> None:
    settings_file = SettingsFile(RealDisk(durability="process"), tmp_path / "settings.json")
    for number in range(CHANGES_MAX + 3):
        settings_file.change(Settings.of([]), [("MAX_POSITIONS", str(number), str(number + 1))], START)

    found = json.loads((tmp_path / "settings.json").read_bytes())
    assert (len(found["changes"]), found["earlier_changes"]) == (CHANGES_MAX, 3)
    assert found["changes"][0]["keys"] == {"MAX_POSITIONS": {"old": "3", "new": "4"}}


def test_a_disk_that_refuses_the_sessions_file_stops_no_change(tmp_path: Path) -> None:
    def refuse(descriptor: int, data: memoryview) -> int:
        raise OSError(28, "No space left on device")

    watched = Watched(tmp_path, disk=RealDisk(durability="process", calls=Calls(write=refuse)))

    (change,) = watched.edit(the_file(MAX_POSITIONS="8"))

    assert change.policy.risk.positions_max == 8
    assert [event.name for event in watched.events] == [EventName.INTERNAL_FAULT]


LIVE_EDITS = st.fixed_dictionaries(
    {},
    optional={
        "MAX_POSITIONS": st.integers(1, 50).map(str),
        "COOLDOWN_MIN": st.integers(0, 120).map(str),
        "TRADE_TTL_MIN": st.integers(5, 10_080).map(str),
        "MIN_CASH_RESERVE": st.integers(0, 900_000).map(str),
        "MAX_SPREAD_BPS_ENTRY": st.sampled_from(["2", "7.5", "49.99"]),
        "ENABLE_SPREAD_GUARD_ENTRY": st.sampled_from(["true", "false", '"shadow"']),
        "UNKNOWN_POLICY": st.sampled_from(['"hold"', '"expire"']),
        "RETRY_EXPIRES_AT": st.sampled_from(['"15:20"', "15:59:00"]),
    },
)
RESTART_EDITS = st.fixed_dictionaries(
    {},
    optional={
        "seed": st.integers(0, 9).map(str),
        "account_id": st.sampled_from(['"a"', '"b"']),
        "CYCLE_MIN": st.integers(1, 5).map(str),
    },
)
BREAKS = st.sampled_from([None, None, "cut", "MAX_POSITIONS", "STOP_LOSS_PCT", "seed", "empty"])


@settings(max_examples=40, deadline=None)
@given(edits=st.lists(st.tuples(LIVE_EDITS, RESTART_EDITS, BREAKS, st.integers(1, 3)), max_size=6))
def test_after_any_edits_the_policy_is_that_of_the_last_valid_file_for_live_keys(
    edits: Sequence[tuple[dict[str, str], dict[str, str], str | None, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        watched, expected = Watched(Path(folder)), load_settings(ROOT, {}).policy()
        for live, restart, broken, looks in edits:
            text = broken_by(the_file(**live, **restart), broken)
            watched.save(text)
            watched.look(looks)
            if looks > 1 and broken is None:
                expected = policy_of(Path(folder) / "oracle", the_file(**live))
            # Not read yet: the next edit comes before the second look.
            assert watched.policy == expected
        assert watched.recorded()["hash"] == watched.reload.in_force.hash()
        assert watched.reload.in_force.policy() == watched.policy


def test_looking_around_is_done_once_a_second() -> None:
    clock, acted = FakeClock(START), []
    look = EverySecond(lambda: acted.append(clock.at), clock)

    for tenths in range(35):
        clock.at = START + timedelta(seconds=tenths / 10)
        look()

    assert [(at - START).total_seconds() for at in acted] == [1, 2, 3]


def broken_by(text: str, how: str | None) -> str:
    match how:
        case None:
            return text
        case "cut":
            return text[: len(text) // 2].rstrip("\n") + "\n["
        case "empty":
            return ""
        case name:
            return with_value(KEYS.by_name[name], '"nonsense"', text)


def policy_of(folder: Path, text: str) -> Policy:
    folder.mkdir(exist_ok=True)
    return load_settings(a_home(folder, text), {}).policy()
