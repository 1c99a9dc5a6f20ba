"""What the database's own errors mean to the operator: another program has it, it cannot be written, it is damaged."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.exc import DBAPIError

from tradebot.adapters.disk import DiskFailed, DiskFull, DiskRefused
from tradebot.domain.errors import SaveFailed, StateCorrupt

# The words of SQLite (https://www.sqlite.org/rescode.html) and of PostgreSQL's driver.
_IN_USE = ("database is locked", "database table is locked", "lock timeout", "lock_timeout")
_NOT_WRITABLE = ("readonly database", "read-only transaction", "unable to open database file", "permission denied")
_FULL = ("database or disk is full", "no space left")
_UNKNOWN = ("disk i/o error",)
_DAMAGED = ("malformed", "not a database", *_UNKNOWN, "invalid page")


def as_refusal(place: str, error: DBAPIError, mask: Callable[[str], str] = str) -> DiskRefused | StateCorrupt:
    """What to raise instead. `mask` takes secrets out, which a driver may repeat."""
    return refusal(place, mask(str(error.orig)))


def refusal(place: str, said: str) -> DiskRefused | StateCorrupt:
    """By the database's own words."""
    if _has(said, _IN_USE):
        return DiskRefused(place, f"is in use by another program ({said})", mend="end that one, or wait, and try again")
    if _has(said, _NOT_WRITABLE):
        mend = "see who owns the file and its folder, and whether its disk is mounted for writing"
        return DiskRefused(place, f"cannot be written ({said})", mend=mend)
    if _has(said, _FULL):
        return DiskFull(place, f"has no room left ({said})", mend="make room on its disk; a restart is not needed")
    if _has(said, _DAMAGED):
        mend = "put back the whole of state/ from a backup: an older database alone does not know what was done since"
        return StateCorrupt(place, f"is damaged ({said})", mend=mend)
    mend = "see that the file or server can be reached, and what the server's log says"
    return StateCorrupt(place, f"cannot be opened ({said})", mend=mend)


def failed_save(place: str, said: str) -> SaveFailed:
    """Why a change was not saved: what the operator can do, where the database's own words say it."""
    if _has(said, _UNKNOWN):
        return DiskFailed(place, f"a change could not be written or synced ({said})")
    found = refusal(place, said) if _has(said, (*_IN_USE, *_NOT_WRITABLE, *_FULL)) else None
    return found if isinstance(found, DiskRefused) else SaveFailed(said)


def _has(said: str, words: tuple[str, ...]) -> bool:
    return any(word in said.lower() for word in words)
