"""What stands in the way of a run: files in the place of folders, and books that are not of one moment."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from sqlalchemy import make_url

from tradebot.adapters.disk import DiskRefused
from tradebot.adapters.registry import JOURNAL, SNAPSHOT, CoidRegistry
from tradebot.adapters.storage.order_store import SqlOrderStore
from tradebot.domain.coids import stands_in_no_registry
from tradebot.domain.errors import StateCorrupt
from tradebot.ports import Disk

_ENDED_LOOKED_AT = 500
"""Of the ended orders in the registry: what an older database lacks is the newest."""


def refuse_files(home: Path) -> None:
    """A file where a folder belongs would only be noticed when nothing more can be written there."""
    for folder in (home / "logs", home / "sessions", home / "state" / "exchange"):
        if folder.exists() and not folder.is_dir():
            raise DiskRefused(str(folder), "is no folder", mend="move it away")


def refuse_lost_registry(disk: Disk, folder: Path, store: SqlOrderStore) -> None:
    """A registry that is gone is never replaced by an empty one while the database knows of open orders."""
    if disk.read(folder / SNAPSHOT) is not None or disk.read(folder / JOURNAL) is not None:
        return
    open_ids = [
        attempt.coid
        for attempt in store.load(date.max).attempts
        if attempt.status.is_open and not stands_in_no_registry(attempt.coid)
    ]
    if open_ids:
        raise StateCorrupt(
            str(folder / SNAPSHOT),
            f"is gone, and the database knows {len(open_ids)} open orders",
            mend="put back both files of the registry from the same moment as the database; see docs/ways-back.md",
        )


def refuse_older_database(registry: CoidRegistry, store: SqlOrderStore, place: str) -> None:
    """A database that is gone, or was put back alone, has forgotten orders that have ended, with what they bought: the
    registry hears of an end only after the database has it. An id that never had a number at the broker was reserved
    and not sent, and has no row."""
    ended = [entry for entry in registry.entries() if not entry.status.is_open and entry.broker_order_id is not None]
    newest = sorted(ended, key=lambda entry: entry.updated)[-_ENDED_LOOKED_AT:]
    known = {attempt.coid for attempt in store.attempts([entry.coid for entry in newest])}
    unknown = [entry for entry in newest if entry.coid not in known]
    if unknown:
        last = unknown[-1]
        raise StateCorrupt(
            make_url(place).render_as_string(),
            f"is older than the registry beside it: {len(unknown)} ended orders are unknown here, the last one"
            f" {last.coid} ({last.symbol} {last.side}, {last.filled_qty} filled)",
            mend="put back the whole of state/ from one moment; see docs/ways-back.md",
        )
