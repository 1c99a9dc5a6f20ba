"""The doctor on real homes: a healthy one is well, every planted defect is found, and nothing is changed by looking."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.market_rules import load_market
from tests.simulator.killing import ROOT, Command, busy_day, fingerprint, run_main, write_market
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.registry import JOURNAL, SNAPSHOT, CoidRegistry
from tradebot.adapters.registry_format import decode_snapshot, encode_journal_head, encode_snapshot
from tradebot.cli.doctor import exit_code_of
from tradebot.cli.exit_codes import ExitCode
from tradebot.doctor import Place, books, examine, ground, rules
from tradebot.doctor.evidence import gather
from tradebot.domain.coids import IntentKey, derive
from tradebot.domain.corporate_actions import ActionKind, CorporateAction
from tradebot.domain.orders import AttemptStatus, DecisionId, Side
from tradebot.domain.registry_entries import RegistryEntry
from tradebot.interfaces.text.examination import Finding, Level

OCTOBER = datetime(2026, 10, 1, 6, 30, tzinfo=UTC)
"""Three months before the calendar's end."""

_MONTHS = (datetime(2026, 6, 1, tzinfo=UTC).date(), datetime(2026, 9, 14, tzinfo=UTC).date())


@dataclass(slots=True)
class StillClock:
    """A wall clock that stands, and a monotonic one that goes on by `step_s` with each look."""

    wall: datetime = OCTOBER
    step_s: float = 0.0
    _monotonic: float = 0.0

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        self._monotonic += self.step_s
        return self._monotonic


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """A day of about thirty orders, run to its end once; after-market orders for the next day are parked."""
    folder = tmp_path_factory.mktemp("doctor")
    command = busy_day(folder / "home", write_market(folder / "market.csv", *_MONTHS))
    ended = command.run()
    assert ended.returncode == 0, ended.stderr
    return command


@pytest.fixture
def home(day: Command, tmp_path: Path) -> Path:
    return Path(shutil.copytree(day.home, tmp_path / "home"))


def a_place(home: Path, **changes: object) -> Place:
    place = Place(home=home, folder=ROOT, environ={}, clock=StillClock(), free_bytes=lambda _: 10**12)
    return replace(place, **changes)  # type: ignore[arg-type]


def examined(home: Path, **changes: object) -> dict[str, Finding]:
    _as_old_as_the_clock(home)
    return {finding.what: finding for finding in examine(a_place(home, **changes))}


def not_well(findings: dict[str, Finding]) -> dict[str, Level]:
    return {what: finding.level for what, finding in findings.items() if finding.level is not Level.OK}


def code(findings: dict[str, Finding]) -> ExitCode:
    return exit_code_of(list(findings.values()))


def test_a_healthy_home_is_well(home: Path) -> None:
    findings = examined(home)

    assert not_well(findings) == {}
    assert len(findings) == 18
    assert code(findings) == ExitCode.OK


def test_looking_changes_nothing(home: Path) -> None:
    before = fingerprint(home)
    examined(home)
    assert fingerprint(home) == before


def test_a_home_in_which_nothing_has_run_is_well(tmp_path: Path) -> None:
    findings = examined(tmp_path / "new")

    assert not_well(findings) == {}
    assert not (tmp_path / "new").exists()


def test_the_command_shows_every_check_and_what_is_behind_a_bad_one(home: Path) -> None:
    _cut_in_half(home / "state" / SNAPSHOT)

    ended = run_main("doctor", "--home", home)

    assert ended.returncode == ExitCode.STATE_CORRUPT
    assert "books against books  warn  not looked at" in ended.stdout
    assert "bad registry: " in ended.stdout
    assert "Never start with an empty registry" in ended.stdout


def _cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _remove_an_open_entry(home: Path) -> None:
    path = home / "state" / SNAPSHOT
    snapshot = decode_snapshot(path.read_bytes(), str(path))
    gone = next(entry for entry in snapshot.entries if entry.status.is_open)
    kept = [entry for entry in snapshot.entries if entry is not gone]
    data, checksum = encode_snapshot(snapshot.generation, snapshot.created, kept)
    path.write_bytes(data)
    (home / "state" / JOURNAL).write_bytes(encode_journal_head(snapshot.generation, checksum))


def _sql(statement: str) -> Callable[[Path], None]:
    def change(home: Path) -> None:
        connection = sqlite3.connect(home / "state" / "tradebot.db")
        with connection:
            assert connection.execute(statement).rowcount == 1
        connection.close()

    return change


def _forget_an_order_at_the_exchange(home: Path) -> None:
    path = home / "state" / "exchange" / "snapshot.json"
    snapshot = json.loads(path.read_bytes())
    orders = snapshot["state"]["orders"]
    assert orders
    orders.pop()
    path.write_text(json.dumps(snapshot))


def _sell_dearer_at_the_exchange(home: Path) -> None:
    path = home / "state" / "exchange" / "history.jsonl"
    snapshot = path.with_name("snapshot.json")
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    rows = [*lines, *({"trades": [trade]} for trade in json.loads(snapshot.read_bytes())["state"]["trades"])]
    traded = next(row for row in rows if row["trades"])
    text = traded["trades"][0]["price"]
    changed = text[:-1] + ("1" if text[-1] != "1" else "2")
    for file in (path, snapshot):
        file.write_text(file.read_text().replace(f'"price":"{text}","traded_at"', f'"price":"{changed}","traded_at"'))


def _foreign_database(home: Path) -> None:
    path = home / "state" / "tradebot.db"
    path.unlink()
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()


def _noise_for_a_database(home: Path) -> None:
    (home / "state" / "tradebot.db").write_bytes(b"this is no database" * 500)


def _no_database(home: Path) -> None:
    (home / "state" / "tradebot.db").unlink()


_ONE_FILLED = "WHERE coid = (SELECT coid FROM attempts WHERE status = 'filled' LIMIT 1)"
_ONE_OPEN = "WHERE coid = (SELECT coid FROM attempts WHERE status = 'pending' LIMIT 1)"
_ONE_CLOSED = "WHERE id = (SELECT id FROM orders WHERE status = 'closed' LIMIT 1)"


@pytest.mark.parametrize(
    ("plant", "what", "says"),
    [
        (lambda home: _cut_in_half(home / "state" / SNAPSHOT), "registry", "does not"),
        (_remove_an_open_entry, "books against books", "missing"),
        (
            _sql(f"UPDATE attempts SET filled_quantity = filled_quantity + 1 {_ONE_FILLED}"),
            "books against books",
            "fil",
        ),
        (_sql(f"UPDATE attempts SET status = 'cancelled' {_ONE_OPEN}"), "books against books", "cancelled"),
        (_sql(f"UPDATE attempts SET symbol = 'ELSE' {_ONE_OPEN}"), "books against books", "ELSE"),
        (_sql(f"UPDATE orders SET status = 'ongoing' {_ONE_CLOSED}"), "books against books", "story ends with closed"),
        (_sql(f"UPDATE orders SET execution_qty = 1000 {_ONE_CLOSED}"), "books against books", "1000"),
        (_forget_an_order_at_the_exchange, "books against books", "missing"),
        (_sell_dearer_at_the_exchange, "books against books", "fills"),
        (_foreign_database, "database", "something else"),
        (_noise_for_a_database, "database", "not a database"),
        (_no_database, "database", "is not there"),
        (_sql("UPDATE alembic_version SET version_num = '3473a345c7fb'"), "database", "behind"),
        (_sql("UPDATE alembic_version SET version_num = 'fffffffffff1'"), "database", "ahead"),
        (lambda home: _cut_in_half(home / "state" / "exchange" / "snapshot.json"), "exchange's books", "read"),
    ],
)
def test_books_that_contradict_or_cannot_be_read_are_bad(
    plant: Callable[[Path], None], what: str, says: str, home: Path
) -> None:
    plant(home)

    findings = examined(home)

    assert [name for name, finding in findings.items() if finding.level is Level.BAD] == [what]
    assert says in "\n".join([findings[what].detail, *findings[what].lines])
    assert findings[what].todo
    assert code(findings) == ExitCode.STATE_CORRUPT


def test_a_check_that_cannot_run_says_why(home: Path) -> None:
    _noise_for_a_database(home)

    findings = examined(home)

    for what in ("books against books", "requests", "orders in doubt", "failed orders", "scheduler"):
        assert findings[what].level is Level.WARN
        assert findings[what].detail.startswith("not looked at: the database")


def test_others_who_can_write_the_state_are_bad_and_those_who_can_read_it_a_warning(home: Path) -> None:
    (home / "state").chmod(0o755)
    assert (not_well(readable := examined(home)), code(readable)) == ({"modes": Level.WARN}, ExitCode.OK)

    (home / "state").chmod(0o770)
    assert (not_well(writable := examined(home)), code(writable)) == ({"modes": Level.BAD}, ExitCode.FOLDER)

    (home / "state").chmod(0o700)
    (home / "state" / SNAPSHOT).chmod(0o622)
    assert SNAPSHOT in "".join(examined(home)["modes"].lines)


def test_a_file_where_a_folder_belongs_is_bad(home: Path) -> None:
    shutil.rmtree(home / "logs")
    (home / "logs").touch()

    findings = examined(home)

    assert (not_well(findings), code(findings)) == ({"folders": Level.BAD}, ExitCode.FOLDER)


def test_the_calendars_end_is_near_at_44_days_and_passed_after_it(home: Path) -> None:
    end = datetime(2026, 12, 31, 6, 30, tzinfo=UTC)

    assert not_well(examined(home, clock=StillClock(end - timedelta(days=45)))) == {}
    near = examined(home, clock=StillClock(end - timedelta(days=44)))
    assert (not_well(near), code(near)) == ({"calendar": Level.WARN}, ExitCode.OK)
    passed = examined(home, clock=StillClock(end + timedelta(days=1)))
    assert not_well(passed) == {"calendar": Level.WARN, "clock": Level.BAD}
    assert code(passed) == ExitCode.CONFIGURATION


def test_a_clock_behind_the_files_is_a_warning(home: Path) -> None:
    _as_old_as_the_clock(home)
    findings = examine(a_place(home, clock=StillClock(OCTOBER - timedelta(hours=1))))

    (clock,) = [finding for finding in findings if finding.what == "clock"]
    assert (clock.level, "3,600 s later" in clock.detail) == (Level.WARN, True)


def test_wrong_settings_and_a_readable_env_file_are_bad_and_all_named(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    shutil.copytree(ROOT / "config", folder / "config", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (folder / ".env").write_text("TRADEBOT_MAX_POSITIONS=4\n")
    (folder / ".env").chmod(0o644)

    findings = examined(home, folder=folder, environ={"TRADEBOT_CYCLE_MIN": "99"})

    assert (not_well(findings), code(findings)) == ({"configuration": Level.BAD}, ExitCode.CONFIGURATION)
    assert any("chmod 600" in line for line in findings["configuration"].lines)
    assert any("CYCLE_MIN" in line for line in findings["configuration"].lines)


def test_a_market_file_that_cannot_be_read_is_bad(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    shutil.copytree(ROOT / "config", folder / "config", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (folder / "config" / "market" / "ticks.toml").write_text("nonsense = 1\n")

    findings = examined(home, folder=folder)

    assert findings["market files"].level is Level.BAD
    assert code(findings) == ExitCode.CONFIGURATION


def test_entries_that_nobody_has_confirmed_are_listed(home: Path) -> None:
    listed = examined(home)["market files"].lines
    assert len(listed) == len(load_market(ROOT / "config" / "market").provisional) > 0


def test_the_worst_of_several_defects_is_the_exit_code(home: Path) -> None:
    environ = {"TRADEBOT_CYCLE_MIN": "99"}
    assert code(examined(home, environ=environ)) == ExitCode.CONFIGURATION
    (home / "state").chmod(0o770)
    assert code(examined(home, environ=environ)) == ExitCode.FOLDER
    _no_database(home)
    assert code(examined(home, environ=environ)) == ExitCode.STATE_CORRUPT


def test_little_disk_and_slow_syncs_are_warnings(home: Path) -> None:
    findings = examined(home, free_bytes=lambda _: 4_999_999_999, clock=StillClock(step_s=0.021))

    assert not_well(findings) == {"disk space": Level.WARN, "cost of a sync": Level.WARN}
    assert not list((home / "state").glob(".doctor*"))


def test_an_order_in_doubt_and_a_request_without_answer_are_told(home: Path) -> None:
    _sql(f"UPDATE attempts SET status = 'unknown' {_ONE_OPEN}")(home)
    _sql("UPDATE broker_requests SET state = 'prepared' WHERE id = (SELECT id FROM broker_requests LIMIT 1)")(home)

    findings = examined(home)

    symbol = findings["orders in doubt"].lines[0].split()[0]
    assert f"no entry in {symbol} until" in findings["orders in doubt"].detail
    assert findings["orders in doubt"].level is Level.WARN
    assert (findings["requests"].level, len(findings["requests"].lines)) == (Level.WARN, 1)


def test_an_id_that_was_reserved_and_not_sent_is_explained(home: Path) -> None:
    disk = RealDisk()
    registry = CoidRegistry.open(disk, home / "state", OCTOBER)
    registry.reserve([_reserved()])
    registry.close()
    disk.close()

    findings = examined(home)

    assert (not_well(findings), code(findings)) == ({"books against books": Level.WARN}, ExitCode.OK)
    assert "reserved and never sent" in findings["books against books"].lines[1]


def _reserved() -> RegistryEntry:
    key = IntentKey("primary", DecisionId("test"), 0, Side.BUY)
    return RegistryEntry(
        coid=derive(key, 1),
        account_id="primary",
        decision_id=key.decision_id,
        leg=0,
        side=Side.BUY,
        symbol="INFY",
        status=AttemptStatus.PENDING,
        attempt_count=1,
        created=OCTOBER,
        updated=OCTOBER,
    )


def test_a_job_without_its_run_and_a_failed_order_past_its_end_are_told(home: Path) -> None:
    _sql("DELETE FROM job_runs WHERE name = 'market_close'")(home)
    failed = "WHERE id = (SELECT id FROM orders WHERE status = 'cancelled' AND first_failed_at IS NULL LIMIT 1)"
    _sql(f"UPDATE orders SET status = 'failed', first_failed_at = '2026-09-01T06:30:00.000000Z' {failed}")(home)

    findings = examined(home)

    assert (findings["scheduler"].level, findings["scheduler"].lines) == (
        Level.WARN,
        ("market_close of 2026-09-10 15:35:30 IST",),
    )
    assert findings["failed orders"].level is Level.WARN


def test_a_split_in_what_is_on_order_is_told_before_it_happens(home: Path) -> None:
    evidence = gather(a_place(home))
    symbol = next(iter(_open_symbols(home)))
    split = CorporateAction(
        ex_date=evidence.at.date() + timedelta(days=10),
        symbol=symbol,
        kind=ActionKind.SPLIT,
        numerator=1,
        denominator=5,
        source="test",
    )
    later = replace(split, ex_date=split.ex_date + timedelta(days=1))

    def found(action: CorporateAction) -> Level:
        market = load_market(ROOT / "config" / "market")
        return rules.corporate_actions(replace(evidence, market=replace(market, actions=(action,)))).level

    assert (found(split), found(later), found(replace(split, symbol="ELSE"))) == (Level.WARN, Level.OK, Level.OK)


def _open_symbols(home: Path) -> Sequence[str]:
    connection = sqlite3.connect(home / "state" / "tradebot.db")
    rows = connection.execute("SELECT DISTINCT symbol FROM attempts WHERE status = 'pending'").fetchall()
    connection.close()
    return [row[0] for row in rows]


def test_a_running_owner_is_named_and_its_lock_left_alone(home: Path) -> None:
    disk = RealDisk()
    with disk.lock(home / "state" / "lock"):
        assert ground.daemon(gather(a_place(home))).detail.startswith("running: process ")
    assert ground.daemon(gather(a_place(home))).detail == "none is running here"


def test_an_owner_that_was_killed_is_told_from_one_that_runs(home: Path) -> None:
    disk = RealDisk()
    with disk.lock(home / "state" / "lock"):
        words = (home / "state" / "lock.holder").read_text()
    (home / "state" / "lock.holder").write_text(words.replace("started 20", "started 19"))

    assert "the last one was killed" in ground.daemon(gather(a_place(home))).detail


@pytest.mark.parametrize("effect", [60, 137, 260, 420])
def test_what_a_kill_leaves_behind_is_explained_and_never_bad(day: Command, effect: int, tmp_path: Path) -> None:
    killed = day.in_home(tmp_path / "killed")
    assert killed.run_watched(kill_at=effect).returncode == -9

    evidence = gather(a_place(killed.home))

    for check in (books.database, books.registry, books.exchange, books.books_agree):
        assert check(evidence).level is not Level.BAD, check(evidence)


def _as_old_as_the_clock(home: Path) -> None:
    """The files of the run were written by the machine's clock, the doctor is told another one."""
    for path in [home, *home.rglob("*")] if home.exists() else []:
        os.utime(path, (OCTOBER.timestamp(), OCTOBER.timestamp()))
