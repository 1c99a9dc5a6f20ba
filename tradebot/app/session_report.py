"""The report of one run, from its session folder and the database that it wrote, also after it was killed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from config.settings import Settings
from tradebot.adapters.disk import RealDisk, write_file
from tradebot.adapters.replay_home import MARKER
from tradebot.adapters.storage.book_reader import BookReader, NoDatabase, open_books_to_read
from tradebot.domain.errors import StateCorrupt, TradebotError
from tradebot.interfaces.report.figures import Material, figures_of
from tradebot.interfaces.report.page import report_page
from tradebot.interfaces.report.tally import Tally
from tradebot.interfaces.report.text import report_text

_NAME = "%Y%m%d_%H%M%S_%f"
_SQLITE = "sqlite:///"
_CLOCK_GRAIN = timedelta(seconds=2)


class NoSession(TradebotError):
    """There is no run to report on."""


def find_session(home: Path, wanted: str | None) -> Path:
    """The folder of a run: the one that was named, by its name or path, else the newest. Raises NoSession."""
    sessions = home / "sessions"
    if wanted is None:
        found = [folder for folder in sessions.glob("*") if _started(folder) is not None]
        if not found:
            raise NoSession(f"{sessions} has no run yet: start one with `main.py replay`, or name the home with --home")
        return max(found, key=lambda folder: folder.name)
    for folder in (sessions / wanted, Path(wanted)):
        if folder.is_dir() and _started(folder) is not None:
            return folder.absolute()
    raise NoSession(f"{wanted} is no run of {sessions}; `ls {sessions}` shows them")


def write_report(settings: Settings, home: Path, session: Path) -> Sequence[Path]:
    """`report.html` and `report.txt` in the session's folder, each replaced whole; answers their paths."""
    figures = figures_of(_material(settings, home, session))
    disk = RealDisk()
    written = []
    for name, text in (("report.html", report_page(figures)), ("report.txt", report_text(figures))):
        write_file(disk, session / name, text.encode())
        written.append(session / name)
    disk.close()
    return written


def _material(settings: Settings, home: Path, session: Path) -> Material:
    tally = _tally(session / "events.jsonl")
    torn = f", {tally.unreadable} not readable" if tally.unreadable else ""
    events = f"events.jsonl, {tally.lines:,} events{torn}"
    if not tally.lines:
        events += " (a killed run loses the last ones: blocks, errors and warnings are missing below)"
    material = Material(session=session.name, sources=[events], tally=tally)
    for url, told, is_replay in _databases(settings, home, session):
        try:
            with open_books_to_read(url) as reader:
                found = _with_books(material, reader, session, told, is_replay=is_replay)
        except NoDatabase:
            continue
        except StateCorrupt as error:
            return replace(material, sources=[events, f"no database: {error.place} {error.problem}"])
        if found is not None:
            return found
    return replace(material, sources=[events, "no database: the one of this run is not here any more"])


def _with_books(
    material: Material, reader: BookReader, session: Path, told: str, *, is_replay: bool
) -> Material | None:
    """None when it is the database of another run. A replay's database is of that replay alone; another is of many
    runs, so that this one's part of it lasts until the next one's start."""
    if not reader.knows(material.tally.intents):
        return None
    books = reader.run() if is_replay else reader.run(_started(session), _next_start(session))
    return replace(
        material,
        sources=[*material.sources, told],
        orders=books.orders,
        fills=books.fills,
        positions=books.positions,
        decisions=books.decisions,
        job_runs=books.job_runs,
        refusals=books.refusals,
    )


def _databases(settings: Settings, home: Path, session: Path) -> Iterator[tuple[str, str, bool]]:
    """Those that the run may have written, the likeliest first, with words for each and whether it is a replay's.

    Books of earlier replays are in the archive. One that was last written before this run began is not its own; of the
    others the one that was written first is: the later ones were begun afterwards.
    """
    url = settings.run.database_url_in(home)
    if not url.startswith(_SQLITE):
        yield url, f"the database {settings.effective()['database_url'].value}", (home / "state" / MARKER).exists()
        return
    current, started = Path(url.removeprefix(_SQLITE)), _started(session)
    archived = sorted((home / "state" / "archive").glob(f"*/{current.name}"))
    files = [path for path in (current, *archived) if path.exists()]
    own = [path for path in files if started is None or _written_at(path) >= started - _CLOCK_GRAIN]
    for path in sorted(own, key=_written_at):
        folder = path.parent if path in archived else home / "state"
        yield f"{_SQLITE}{path}", str(path), (folder / MARKER).exists()


def _written_at(database: Path) -> datetime:
    files = (database, database.with_name(database.name + "-wal"))
    return max(datetime.fromtimestamp(file.stat().st_mtime, tz=UTC) for file in files if file.exists())


def _started(session: Path) -> datetime | None:
    """The instant that the folder is named by; None for a folder that no run has made."""
    try:
        return datetime.strptime(session.name, _NAME).replace(tzinfo=UTC)
    except ValueError:
        return None


def _next_start(session: Path) -> datetime | None:
    started = _started(session)
    later = [at for folder in session.parent.glob("*") if (at := _started(folder)) and started and at > started]
    return min(later, default=None)


def _tally(path: Path) -> Tally:
    """Line by line; one that was torn by a kill, or says that lines are missing, is counted as not readable."""
    tally = Tally()
    if not path.exists():
        return tally
    with path.open("rb") as file:
        for line in file:
            try:
                tally.add(json.loads(line))
            except (ValueError, KeyError, TypeError, ArithmeticError):
                tally.unreadable += 1
    return tally
