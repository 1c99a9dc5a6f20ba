"""The ways back of docs/ways-back.md, walked: each fault is made below the live daemon, the page's commands are run as
they stand there, it is started again, and the auditor finds nothing."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from tests.faults.running import Daemon, daemon, findings, in_session, price_below, said, start
from tests.faults.small_disk import beside, fault_at, fill, small_disk
from tests.simulator.killing import environment
from tests.venue import ROOT, Venue
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.start_record import StartRecord
from tradebot.adapters.storage.schema_version import REVISIONS
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.cli.exit_codes import ExitCode
from tradebot.domain.starts import MANY

PAGE = ROOT / "docs" / "ways-back.md"
PATIENCE_S = 120.0
_BLOCK = re.compile(r"^```sh\n(.+?)\n```$", re.MULTILINE | re.DOTALL)
_PARTS, _FOLDERS = ("main.py", "alembic.ini"), ("config", "migrations", "tradebot")


@dataclass(frozen=True, slots=True)
class Place:
    """A copy of tradebot whose `state/` has an order that stands at the exchange, and a backup of it."""

    folder: Path
    venue: Venue

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @contextmanager
    def running(self, *prefix: str) -> Iterator[Daemon]:
        with daemon(self.folder, self.venue, *prefix, root=self.folder) as it:
            yield it

    def refuses(self, code: ExitCode, *words: str) -> None:
        """A start ends with the code and one line that has the words, and no order went out."""
        before = len(self.venue.books())
        it = start(self.folder, self.venue, root=self.folder)
        printed = len(said(self.folder))
        assert it.process.wait(PATIENCE_S) == code, said(self.folder)
        line = said(self.folder)[max(0, printed - 2_000) :].strip().splitlines()[-1]
        assert line.startswith("tradebot: ")
        assert [word for word in words if word not in line] == [], line
        assert len(self.venue.books()) == before

    def follow(self, title: str) -> None:
        """The commands of a section, as they stand there."""
        for command in commands_of(title):
            self.type(command)

    def back_up(self) -> None:
        self.type(commands_of("Ways back")[0])

    def type(self, command: str) -> None:
        settings = {"DATA": str(self.folder / "market.csv")}
        variables = environment(settings) | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=variables,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"

    def is_whole_again(self) -> None:
        """It starts, what stood is known, a new order goes out, and all books agree."""
        before = len(self.venue.books())
        with self.running() as it:
            symbols = {order["symbol"] for order in it.api.get("/orders").json()["orders"]}
            assert "INFY" in symbols
            it.takes("TCS", price_below(self.venue, "TCS"))
            it.until(lambda: len(self.venue.books()) == before + 1)
            assert it.stop() == 0
            assert findings(it) == []
        self.back_up()


def commands_of(title: str) -> Sequence[str]:
    """The blocks of commands between this heading and the next one."""
    text = PAGE.read_text(encoding="utf-8")
    section = re.split(r"^#+ ", text, flags=re.MULTILINE)
    (found,) = [part for part in section if part.startswith(title + "\n")]
    return _BLOCK.findall(found)


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    with in_session(tmp_path_factory.mktemp("way")) as running:
        yield running


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One exchange for all faults: each test leaves whole books, and a backup of them."""
    folder = tmp_path_factory.mktemp("ways") / "tradebot"
    with in_session(folder) as venue:
        for name in _PARTS:
            shutil.copy(ROOT / name, folder)
        for name in _FOLDERS:
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "local.toml"))
        made = Place(folder, venue)
        with made.running() as it:
            it.takes("INFY", price_below(venue, "INFY"))
            it.until(lambda: len(venue.books()) == 1)
            assert it.stop() == 0
        made.back_up()
        yield made


def _cut_snapshot(state: Path) -> None:
    path = state / "coid_registry.json"
    path.write_bytes(path.read_bytes()[:-20])


def _lose_registry(state: Path) -> None:
    (state / "coid_registry.json").unlink()
    (state / "coid_registry.journal").unlink()


def _overwrite_database(state: Path) -> None:
    (state / "tradebot.db").write_bytes(b"no database" * 1_000)


REGISTRY, DATABASE = "The registry is damaged or gone", "The database is damaged, gone, or older than the registry"


@pytest.mark.parametrize(
    ("title", "damage", "word"),
    [
        (REGISTRY, _cut_snapshot, "coid_registry.json"),
        (REGISTRY, _lose_registry, "is gone"),
        (DATABASE, _overwrite_database, "is damaged"),
    ],
)
def test_damaged_books_are_refused_and_put_back(
    place: Place, title: str, damage: Callable[[Path], None], word: str
) -> None:
    damage(place.state)

    place.refuses(ExitCode.STATE_CORRUPT, word)
    place.follow(title)

    place.is_whole_again()


@contextmanager
def on_a_disk_of_its_own(place: Place) -> Iterator[Path]:
    """The state folder on a small file system, and afterwards where it was, with what was done there."""
    elsewhere = place.folder / "elsewhere"
    shutil.move(place.state, elsewhere)
    with small_disk(place.state, 48) as state:
        shutil.copytree(elsewhere, state, dirs_exist_ok=True)
        yield state
        shutil.rmtree(elsewhere)
        shutil.copytree(state, elsewhere)
    place.state.rmdir()
    shutil.move(elsewhere, place.state)


def test_a_full_disk_is_made_room_on_while_it_runs(place: Place) -> None:
    with on_a_disk_of_its_own(place) as state, small_disk(place.folder / "logs", 4) as logs:
        with place.running() as it:
            (logs / "archive").mkdir(exist_ok=True)
            fill(logs).rename(logs / "archive" / "old.jsonl")
            ballast = fill(state)
            assert "the disk is full" in it.place("TCS", price_below(place.venue, "TCS")).text
            place.follow("The disk is full")
            assert list((logs / "archive").iterdir()) == []
            ballast.unlink()
            it.until(lambda: it.events("SPACE_BACK"))
            it.takes("BEL", price_below(place.venue, "BEL"))
            assert it.stop() == 0
        place.is_whole_again()


def test_after_a_failed_sync_nothing_is_answered_and_a_restart_goes_on(place: Place) -> None:
    before, journal, trace = len(place.venue.books()), place.state / "coid_registry.journal", place.folder / "trace.txt"
    with place.running(*beside(fault_at(journal, "fdatasync", "EIO", "2", trace))) as it:
        refused = it.place("ITC", price_below(place.venue, "ITC"), key="lost")
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "unsaved")
        assert "restart" in refused.text
        again = it.place("BEL", price_below(place.venue, "BEL"))
        assert again.status_code in (422, 503)
        assert it.api.get("/orders").status_code == 200
        assert len(place.venue.books()) == before
        assert [event["level"] for event in it.events("ENTRIES_STOPPED")] == ["CRITICAL"]
        it.stop()
    place.follow("A sync failed")
    place.is_whole_again()


def test_a_database_in_use_stops_a_start_and_a_running_daemon_waits_for_it(place: Place) -> None:
    with closing(sqlite3.connect(place.state / "tradebot.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        place.refuses(ExitCode.FOLDER, "is in use by another program")
        other.execute("ROLLBACK")
        with place.running() as it:
            other.execute("BEGIN IMMEDIATE")
            before = len(place.venue.books())
            refused = it.place("LT", price_below(place.venue, "LT"))
            assert refused.status_code == 503
            assert "in use by another program" in refused.text
            other.execute("ROLLBACK")
            assert len(place.venue.books()) == before
            it.stop()
    place.is_whole_again()


def test_a_read_only_state_folder_stops_a_start(place: Place) -> None:
    with on_a_disk_of_its_own(place) as state:
        subprocess.run(["mount", "-o", "remount,ro", str(state)], check=True)
        place.refuses(ExitCode.FOLDER, "Read-only file system")
        subprocess.run(["mount", "-o", "remount,rw", str(state)], check=True)
    place.is_whole_again()


def test_a_database_behind_the_code_is_migrated(place: Place) -> None:
    place.type(f"python3 main.py migrate down {REVISIONS[-2]}")

    place.refuses(ExitCode.STATE_CORRUPT, "is behind the code")
    place.follow("The database is behind the code, or ahead of it")

    place.is_whole_again()


def test_the_log_of_the_database_removed_after_a_kill_costs_no_order(place: Place) -> None:
    before = len(place.venue.books())
    with place.running() as it:
        it.takes("CIPLA", price_below(place.venue, "CIPLA"))
        it.until(lambda: len(place.venue.books()) == before + 1)
        it.kill()
    for name in ("tradebot.db-wal", "tradebot.db-shm"):
        (place.state / name).unlink()

    place.is_whole_again()


def test_a_second_tradebot_is_told_who_has_the_folder(place: Place) -> None:
    with place.running() as it:
        place.refuses(ExitCode.FOLDER, f"process {it.process.pid}")
        assert it.api.get("/orders").status_code == 200
        assert it.stop() == 0
    place.is_whole_again()


def test_after_deaths_in_a_row_entries_wait_for_a_person(place: Place) -> None:
    disk, now = RealDisk(), RealClock().now()
    for number in range(MANY):
        StartRecord(disk, place.state).begin(now - timedelta(minutes=MANY - number))
    disk.close()
    with place.running() as it:
        assert [event["deaths"] for event in it.events("START_WAITS")] == [MANY]
        refused = it.place("GAIL", price_below(place.venue, "GAIL"))
        assert (refused.status_code, "PAUSED" in refused.text) == (422, True), refused.text
        place.follow("It dies again and again")
        it.takes("GAIL", price_below(place.venue, "GAIL"))
        assert it.stop() == 0
    place.is_whole_again()


def test_a_database_that_was_put_back_alone_is_refused_and_an_older_copy_of_all_places_nothing_twice(
    place: Place,
) -> None:
    before = len(place.venue.books())
    with place.running() as it:
        placed = it.place("SBIN", price_below(place.venue, "SBIN", "1.06"), key="later")
        assert placed.status_code == 201, placed.text
        it.until(lambda: it.events("ORDER_FILLED"))
        assert it.stop() == 0
    for path in place.state.glob("tradebot.db*"):
        path.unlink()
    shutil.copy(place.folder / "state.backup" / "tradebot.db", place.state)

    place.refuses(ExitCode.STATE_CORRUPT, "is older than the registry", "SBIN")
    place.follow(DATABASE)

    with place.running() as it:
        again = it.place("SBIN", price_below(place.venue, "SBIN", "1.06"), key="later")
        assert again.status_code in (409, 422)
        assert it.events("SYMBOL_HALTED")
        assert len(place.venue.books()) == before + 1
        assert it.stop() == 0


def test_every_section_says_what_it_says_and_what_to_do() -> None:
    """A fault without an exit code, an event or a message cannot be recognised."""
    text = PAGE.read_text(encoding="utf-8")
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        assert re.search(r"[Ee]xit code \d+|`[A-Z_]{6,}`", part), part.splitlines()[0]
        assert re.search(r"[Ss]tart it again|without a restart|Nothing has to be done|Stop that one|put back", part)
