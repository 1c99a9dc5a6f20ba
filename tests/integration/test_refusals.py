"""What the process does not accept: one clear message, the documented exit code, and nothing is changed."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from tests.simulator.killing import (
    ROOT,
    SYMBOLS,
    Command,
    busy_day,
    fingerprint,
    run_main,
    write_market,
)
from tradebot.adapters.storage.schema_version import HEAD, REVISIONS
from tradebot.cli.exit_codes import ExitCode


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """A replay that was stopped in the middle of its day: the same command would go on."""
    folder = tmp_path_factory.mktemp("refusals")
    data = write_market(folder / "market.csv", date(2026, 6, 1), date(2026, 9, 14))
    command = busy_day(folder / "home", data, speed=1000)
    with command.start() as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "ORDER_FILLED" in line:
                break
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
    assert "the same command goes on" in rest
    return replace(command, variables={**command.variables, "SPEED": "0"})


@pytest.fixture
def command(stopped: Command, tmp_path: Path) -> Command:
    """The same on a copy of its home, which a test may damage."""
    home = tmp_path / "home"
    shutil.copytree(stopped.home, home)
    return stopped.in_home(home)


Damage = Callable[[Path], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A damage to a home, and words of the message: what is wrong, and what to do."""

    name: str
    damage: Damage
    words: Sequence[str]
    changes: str = ""
    """Why it is known that files change all the same."""

    def __str__(self) -> str:
        return self.name


def _cut_in_half(name: str) -> Damage:
    def damage(home: Path) -> None:
        path = home / "state" / name
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2])

    return damage


def _bend_a_line(name: str) -> Damage:
    """One digit of a line in the middle becomes another: as a bad sector or a hand would do it."""

    def damage(home: Path) -> None:
        (path,) = home.glob(f"state/{name}")
        lines = path.read_bytes().splitlines(keepends=True)
        middle = len(lines) // 2
        assert 0 < middle < len(lines) - 1, "there is no middle"
        lines[middle] = lines[middle].replace(b'{"', b"{#", 1)
        path.write_bytes(b"".join(lines))

    return damage


def _run_sql(*statements: str) -> Damage:
    def damage(home: Path) -> None:
        connection = sqlite3.connect(home / "state" / "tradebot.db")
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()

    return damage


def _replace(name: str, data: bytes) -> Damage:
    def damage(home: Path) -> None:
        (home / "state" / name).write_bytes(data)

    return damage


def _remove(name: str) -> Damage:
    return lambda home: (home / "state" / name).unlink()


def _both(first: Damage, second: Damage) -> Damage:
    def damage(home: Path) -> None:
        first(home)
        second(home)

    return damage


def _overwrite_the_database(home: Path) -> None:
    (home / "state" / "tradebot.db").write_bytes(b"this is no database " * 500)


CORRUPT = [
    Case(
        name="a half-cut registry snapshot",
        damage=_cut_in_half("coid_registry.json"),
        words=("coid_registry.json", "checksum", "docs/registry.md"),
    ),
    Case(
        name="a damaged line in the middle of the registry's journal",
        damage=_bend_a_line("coid_registry.journal"),
        words=("coid_registry.journal", "line", "docs/registry.md"),
    ),
    Case(
        name="an empty registry beside open orders",
        damage=_both(_remove("coid_registry.json"), _remove("coid_registry.journal")),
        words=("coid_registry.json", "put back"),
    ),
    Case(
        name="a database behind the code",
        damage=_run_sql(f"update alembic_version set version_num = '{REVISIONS[-2]}'"),
        words=("tradebot.db", "behind the code", REVISIONS[-2], "python main.py migrate up"),
    ),
    Case(
        name="a database ahead of the code",
        damage=_run_sql("update alembic_version set version_num = 'ffffffffffff'"),
        words=("tradebot.db", "ahead of the code", "ffffffffffff", f"python main.py migrate down {HEAD}"),
    ),
    Case(
        name="somebody else's database",
        damage=_both(_remove("tradebot.db"), _run_sql("create table recipes (id integer primary key)")),
        words=("tradebot.db", "something else", "name another database"),
    ),
    Case(name="no database at all", damage=_overwrite_the_database, words=("tradebot.db", "not a database", "backup")),
    Case(
        name="damaged books of the exchange",
        damage=_cut_in_half("exchange/snapshot.json"),
        words=("exchange/snapshot.json", "cannot be read", "restore the whole folder"),
    ),
    Case(
        name="a damaged line in the exchange's journal",
        damage=_bend_a_line("exchange/journal-*.jsonl"),
        words=("journal-", "line", "restore the whole folder"),
    ),
    Case(
        name="a state folder of trading that was no replay",
        damage=_remove("replay.json"),
        words=("no replay", "--home"),
    ),
    Case(
        name="a marker that cannot be read",
        damage=_replace("replay.json", b"{"),
        words=("replay.json", "cannot be read", "move"),
    ),
]


@pytest.mark.parametrize("case", CORRUPT, ids=str)
def test_books_that_cannot_be_trusted_stop_the_start(case: Case, command: Command) -> None:
    case.damage(command.home)
    _refuses(command, ExitCode.STATE_CORRUPT, case.words, exactly=not case.changes)


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=str(case)) for case in CORRUPT if case.changes],
)
def test_a_refused_start_leaves_every_file_as_it_was(case: Case, command: Command) -> None:
    case.damage(command.home)
    before = fingerprint(command.home)
    assert command.run().returncode == ExitCode.STATE_CORRUPT
    assert fingerprint(command.home) == before


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """A setting that cannot be used, and words of the message."""

    name: str
    variables: dict[str, str]
    words: Sequence[str]

    def __str__(self) -> str:
        return self.name


WRONG = [
    Wrong(
        name="a data file that is not there",
        variables={"DATA": "/no/such/market.csv"},
        words=("/no/such/market.csv", "is not there", "a path that is there, or empty"),
    ),
    Wrong(
        name="a year outside the calendar",
        variables={"FROM": "2027-01-01", "TO": "2027-01-05"},
        words=("2027-01-01", "2026-12-31"),
    ),
    Wrong(
        name="an unknown strategy",
        variables={"STRATEGIES": '[{ name = "generatr" }]'},
        words=("generatr", "did you mean generator?"),
    ),
    Wrong(
        name="an unknown parameter of a strategy",
        variables={"STRATEGIES": '[{ name = "generator", signals = 3 }]'},
        words=("generator", "signals is no parameter", "signals_per_day"),
    ),
    Wrong(name="an unknown variable", variables={"MAX_POSITION": "4"}, words=("TRADEBOT_MAX_POSITIONS", "mean")),
    Wrong(name="a value that is not allowed", variables={"MAX_POSITIONS": "0"}, words=("MAX_POSITIONS", "1 to 50")),
    Wrong(name="an end before the beginning", variables={"TO": "2026-09-09"}, words=("from", "to")),
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_settings_that_cannot_be_used_stop_the_start(wrong: Wrong, command: Command) -> None:
    bad = replace(command, variables={**command.variables, **wrong.variables})
    _refuses(bad, ExitCode.CONFIGURATION, wrong.words)


def test_a_data_file_without_a_usable_row_stops_the_start(command: Command, tmp_path: Path) -> None:
    data = tmp_path / "empty.csv"
    header = "date,symbol,series,prev_close,open,high,low,last,close,volume"
    data.write_text(f"{header}\n2026-09-10,{SYMBOLS[0]},EQ,1,2,x,2,2,2,5\n2026-09-12,{SYMBOLS[0]},EQ,1,1,1,1,1,1,5\n")
    bad = replace(command, variables={**command.variables, "DATA": str(data)})
    _refuses(bad, ExitCode.CONFIGURATION, (str(data), "no usable row", "1 x", "columns"))


def test_a_typo_in_the_file_is_named_with_its_line_and_the_nearest_key(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    shutil.copytree(ROOT / "config", folder / "config", ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "config" / "tradebot.toml"
    lines = file.read_text().splitlines()
    at = lines.index("MAX_POSITIONS = 6")
    lines[at] = "MAX_POSITONS = 6"
    file.write_text("\n".join(lines) + "\n")
    bad = replace(command, options=("--config", str(folder / "config")))
    _refuses(bad, ExitCode.CONFIGURATION, (f"tradebot.toml:{at + 1}", "MAX_POSITONS", "did you mean MAX_POSITIONS?"))


def test_a_second_daemon_is_told_who_holds_the_folder(command: Command) -> None:
    slow = replace(command, variables={**command.variables, "SPEED": "1000"})
    with _running(slow, after="RECONCILE_RESULT") as first:
        sessions = sorted(command.home.glob("sessions/*"))
        logs = sorted(command.home.glob("logs/**/*"))
        refused = command.run()
        node = subprocess.run(["uname", "-n"], capture_output=True, text=True, check=True).stdout.strip()
        assert refused.returncode == ExitCode.FOLDER
        assert (refused.stdout, len(refused.stderr.splitlines())) == ("", 1)
        assert f"process {first.pid} on {node}" in refused.stderr
        assert sorted(command.home.glob("sessions/*")) == sessions
        assert sorted(command.home.glob("logs/**/*")) == logs
        assert first.poll() is None


@pytest.mark.parametrize(
    "name",
    [
        "state",
        "sessions",
        "logs",
    ],
)
def test_a_file_where_a_folder_should_be_stops_the_start(name: str, stopped: Command, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / name).write_text("in the way\n")
    _refuses(stopped.in_home(home), ExitCode.FOLDER, (str(home / name),), exactly=name == "state")


def test_a_home_that_cannot_be_made_stops_the_start(stopped: Command, tmp_path: Path) -> None:
    """/proc takes no folder of anybody, not even of root."""
    _refuses(stopped.in_home(Path("/proc/tradebot")), ExitCode.FOLDER, ("/proc/tradebot",), exactly=False)


@pytest.mark.parametrize("words", [("orders", "list"), ("orders", "show", "X"), ("orders", "why", "X")], ids=" ".join)
def test_looking_into_an_empty_home_makes_nothing(words: Sequence[str], tmp_path: Path) -> None:
    refused = run_main(*words, "--home", tmp_path / "nothing")
    assert refused.returncode == ExitCode.STATE_CORRUPT
    assert "is not there" in refused.stderr
    assert "python main.py" in refused.stderr
    assert not (tmp_path / "nothing").exists()


def _refuses(command: Command, code: ExitCode, words: Sequence[str], *, exactly: bool = True) -> None:
    """`exactly`: every file and folder of the home is as it was."""
    before = fingerprint(command.home)
    refused = command.run()
    assert refused.returncode == code, refused.stderr
    assert "Traceback" not in refused.stderr
    assert [
        line for line in refused.stderr.splitlines() if line.startswith("tradebot: ")
    ] == refused.stderr.splitlines()
    assert len(refused.stderr.splitlines()) == 1
    missing = [word for word in words if word not in refused.stderr]
    assert not missing, refused.stderr
    assert refused.stdout == ""
    if exactly:
        assert fingerprint(command.home) == before


@contextmanager
def _running(command: Command, after: str) -> Iterator[subprocess.Popen[str]]:
    """The command in the background until the block ends; begun once a line with the word has appeared."""
    process = command.start()
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if after in line:
                break
        yield process
    finally:
        process.kill()
        process.communicate()
