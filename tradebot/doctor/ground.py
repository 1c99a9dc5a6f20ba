"""Checks of what the books stand on: folders and their modes, the disk, the clock, and who else is here."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from tradebot.adapters.disk import DiskFailed, DiskRefused, RealDisk
from tradebot.adapters.holder import Owner, owner_of
from tradebot.doctor.evidence import Evidence, Unreadable
from tradebot.doctor.findings import bad, not_looked_at, nothing_yet, ok, warn, when
from tradebot.doctor.place import Place
from tradebot.domain.calendar import IST, ist_date
from tradebot.interfaces.text.examination import Area, Finding

FREE_BYTES_MIN = 5_000_000_000
SYNC_MS_MAX = 20.0
SYNCS = 20
FUTURE_S_MAX = 60.0

_AREA = Area.FOLDERS
_FOLDERS = ("state", "sessions", "logs")
_FILES_LOOKED_AT_MAX = 10_000
_OTHERS_READ = stat.S_IRGRP | stat.S_IROTH | stat.S_IXGRP | stat.S_IXOTH
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_IST_OFFSET = timedelta(hours=5, minutes=30)
_BLOCK = b"\0" * 4_096


def folders(evidence: Evidence) -> Finding:
    """Each is there and can be written, or can be made."""
    what = "folders"
    problems = tuple(problem for name in _FOLDERS for problem in _problems_of(evidence.place.home / name))
    if problems:
        return bad(_AREA, what, f"{len(problems)} cannot be used", "give them to the user who runs tradebot", problems)
    missing = [name for name in _FOLDERS if not (evidence.place.home / name).exists()]
    detail = f"{', '.join(missing)} will be made at the first start" if missing else "there, and can be written"
    return ok(_AREA, what, f"{evidence.place.home}: {detail}")


def modes(evidence: Evidence) -> Finding:
    """The state is for its owner alone. `.env` belongs to the check of the configuration, which refuses a wider one."""
    what = "modes"
    state = evidence.place.state
    if not state.is_dir():
        return nothing_yet(_AREA, what)
    mode = stat.S_IMODE(state.stat().st_mode)
    writable = tuple(_writable_by_others([state, *_files(state)]))
    if writable:
        todo = f"chmod -R go-w {state}; then see that nothing in it was changed"
        return bad(_AREA, what, f"others can write {len(writable)} of the state's files and folders", todo, writable)
    if mode & _OTHERS_READ:
        return warn(_AREA, what, f"others can read {state} (mode {mode:04o})", f"chmod 700 {state}")
    return ok(_AREA, what, f"state is {mode:04o}")


def disk_space(evidence: Evidence) -> Finding:
    what = "disk space"
    free = evidence.place.free_bytes(_existing(evidence.place.home))
    detail = f"{free / 1e9:.1f} GB free"
    if free >= FREE_BYTES_MIN:
        return ok(_AREA, what, detail)
    todo = "free some space: logs/archive, ended runs in sessions/ and state/archive may be removed"
    return warn(_AREA, what, f"{detail}, less than {FREE_BYTES_MIN / 1e9:.0f} GB", todo)


def sync_cost(evidence: Evidence) -> Finding:
    """What a sync of 4 KB costs in the state folder, on a file of its own that is removed again."""
    what = "cost of a sync"
    if not evidence.place.state.is_dir():
        return nothing_yet(_AREA, what)
    try:
        costs = _sync_ms(evidence.place)
    except (DiskRefused, DiskFailed) as error:
        return bad(_AREA, what, f"{error.place}: {error.problem}", error.mend)
    cost = median(costs)
    detail = f"{cost:.1f} ms, the median of {SYNCS}"
    if cost <= SYNC_MS_MAX:
        return ok(_AREA, what, detail)
    todo = "an order waits for two of them: put the state on a faster disk, or take other load from this one"
    return warn(_AREA, what, f"{detail}, more than {SYNC_MS_MAX:.0f} ms", todo)


def clock(evidence: Evidence) -> Finding:
    """IST is where it should be, the year is one that the calendar knows, and no file comes from the future."""
    what = "clock"
    now = evidence.now
    if now.astimezone(IST).utcoffset() != _IST_OFFSET:
        return bad(_AREA, what, "the time zone data put India elsewhere than 5:30 h from UTC", "reinstall tzdata")
    market = evidence.market
    if not isinstance(market, Unreadable) and not market.calendar.first <= ist_date(now) <= market.calendar.last:
        detail = f"{when(now)} IST lies outside the calendar, {market.calendar.first} to {market.calendar.last}"
        return bad(Area.CONFIGURATION, what, detail, "set the clock, or add the year to config/market/calendar.toml")
    newest = max((_changed_at(path) for path in _all_files(evidence.place)), default=now)
    ahead_s = (newest - now).total_seconds()
    if ahead_s > FUTURE_S_MAX:
        detail = f"{when(now)} IST, and a file was written {ahead_s:,.0f} s later than that"
        return warn(_AREA, what, detail, "see that the clock is set by the network (timedatectl)")
    return ok(_AREA, what, f"{when(now)} IST")


def daemon(evidence: Evidence) -> Finding:
    """Who owns the home, by what the owner wrote down: the lock itself is not touched."""
    what = "daemon"
    path = evidence.place.state / "lock.holder"
    try:
        owner, words = owner_of(evidence.place.state)
    except OSError as error:
        return not_looked_at(_AREA, what, f"{path}: {error.strerror}")
    match owner:
        case Owner.NONE:
            return ok(_AREA, what, "none is running here")
        case Owner.ELSEWHERE:
            return warn(_AREA, what, f"perhaps running elsewhere: {words}", "look there before you start another")
        case Owner.RUNNING:
            return ok(_AREA, what, f"running: {words}")
        case Owner.KILLED:
            return ok(_AREA, what, f"none is running; the last one was killed ({words})")


def _problems_of(folder: Path) -> Iterator[str]:
    if not folder.exists():
        parent = _existing(folder)
        if not os.access(parent, os.W_OK | os.X_OK):
            yield f"{folder} is not there, and cannot be made in {parent}"
    elif not folder.is_dir():
        yield f"{folder} is no folder"
    elif not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield f"{folder} cannot be written by this user"
    elif folder.stat().st_uid != os.geteuid():
        yield f"{folder} belongs to user {folder.stat().st_uid}, and this is user {os.geteuid()}"


def _existing(path: Path) -> Path:
    return next(each for each in (path, *path.parents) if each.exists())


def _writable_by_others(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        mode = stat.S_IMODE(path.lstat().st_mode)
        if mode & _OTHERS_WRITE and not path.is_symlink():
            yield f"{path} (mode {mode:04o})"


def _files(folder: Path) -> list[Path]:
    """What lies in the folder and in the exchange's; archives are looked at by nobody."""
    found = [path for each in (folder, folder / "exchange") if each.is_dir() for path in sorted(each.iterdir())]
    return found[:_FILES_LOOKED_AT_MAX]


def _all_files(place: Place) -> list[Path]:
    found = _files(place.state)
    for name in ("sessions", "logs"):
        folder = place.home / name
        found += sorted(folder.iterdir())[-_FILES_LOOKED_AT_MAX:] if folder.is_dir() else []
    return found


def _changed_at(path: Path) -> datetime:
    """A file that went away meanwhile is as old as can be."""
    try:
        return datetime.fromtimestamp(path.lstat().st_mtime, tz=UTC)
    except FileNotFoundError:
        return datetime.min.replace(tzinfo=UTC)


def _sync_ms(place: Place) -> list[float]:
    disk, path = RealDisk(), place.state / f".doctor.{os.getpid()}.tmp"
    costs = []
    try:
        for _ in range(SYNCS):
            disk.append(path, _BLOCK)
            start = place.clock.monotonic()
            disk.sync(path)
            costs.append((place.clock.monotonic() - start) * 1_000)
    finally:
        disk.remove(path)
        disk.close()
    return costs
