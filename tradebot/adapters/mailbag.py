"""What waits in the outbox, as the one who delivers it sees it while its marks are on their way into the database."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Event as Signal
from threading import Lock

from sqlalchemy.exc import SQLAlchemyError

from tradebot.domain.events import Event
from tradebot.domain.outbox import OutboxEntry, OutboxKind, OutboxState
from tradebot.ports import Outbox

WAITING_MAX = 500
"""Entries that are looked at together; the rest follows when some of them are settled."""
HEARD_MAX = 2_000
"""Events that were told and not looked at yet; beyond it the oldest goes (its row, if it has one, stays)."""
_TELL_AGAIN_AFTER_S = 30.0


class Mailbag:
    """Reads the database, hears the bus, and tells `mark` what became of an entry. `hear` may be called from any
    thread, everything else from the thread that delivers.

    `mark` takes entries for the one writer, and answers False when it cannot take them now. An event without a row
    (it was told outside a transaction, or the database refuses everything) is kept here and marked as waiting.
    """

    def __init__(
        self,
        outbox: Outbox,
        kind: OutboxKind,
        announce: Callable[[Event], Sequence[OutboxEntry]],
        mark: Callable[[tuple[OutboxEntry, ...]], bool],
    ) -> None:
        self._outbox = outbox
        self._kind = kind
        self._announce = announce
        self._mark = mark
        self._lock = Lock()
        self._heard: deque[OutboxEntry] = deque(maxlen=HEARD_MAX)
        self._loose: dict[str, OutboxEntry] = {}
        self._marked: dict[str, tuple[OutboxEntry, float]] = {}
        self.woken = Signal()

    def hear(self, event: Event) -> None:
        """A listener of the bus: quick, and bounded."""
        entries = self._announce(event)
        if entries:
            with self._lock:
                self._heard.extend(entries)
            self.woken.set()

    def waiting(self, now: datetime, elapsed_s: float) -> list[OutboxEntry]:
        """What is to be delivered now, the critical first. `elapsed_s` is a clock that never goes back.

        A database that cannot be read leaves what was heard.
        """
        with self._lock:
            heard = list(self._heard)
            self._heard.clear()
        try:
            rows = self._outbox.waiting(self._kind, WAITING_MAX)
            known = self._outbox.known([entry.id for entry in heard])
        except SQLAlchemyError:
            rows, known = (), frozenset()
        else:
            self._forget_saved(rows)
        self._keep_loose([entry for entry in heard if entry.id not in known])
        self._mark_again(elapsed_s)
        found = {entry.id: entry for entry in (*self._loose.values(), *rows)}
        found |= {id_: entry for id_, (entry, _) in self._marked.items() if id_ in found}
        due = [e for e in found.values() if e.state is OutboxState.WAITING and e.next_attempt_at <= now]
        return sorted(due, key=lambda entry: (not entry.is_critical, entry.created_at, entry.id))

    def settle(self, entries: Sequence[OutboxEntry], elapsed_s: float) -> None:
        """What became of them; it counts at once, also while it is not saved."""
        for entry in entries:
            self._marked[entry.id] = (entry, elapsed_s)
            if entry.state is not OutboxState.WAITING:
                self._loose.pop(entry.id, None)
            elif entry.id in self._loose:
                self._loose[entry.id] = entry
        self._mark(tuple(entries))

    def _keep_loose(self, entries: Sequence[OutboxEntry]) -> None:
        new = [entry for entry in entries if entry.id not in self._loose and entry.id not in self._marked]
        self._loose |= {entry.id: entry for entry in new}
        if new:
            self._mark(tuple(new))
        for id_ in list(self._loose)[:-HEARD_MAX]:
            del self._loose[id_]

    def _forget_saved(self, rows: Sequence[OutboxEntry]) -> None:
        """Marks that the database shows, and loose entries that have got their row."""
        stored = {row.id: row for row in rows}
        self._loose = {id_: entry for id_, entry in self._loose.items() if id_ not in stored}
        if len(rows) >= WAITING_MAX:
            return  # a row that is not among these may wait all the same
        for id_, (entry, _) in list(self._marked.items()):
            wanted = entry if entry.state is OutboxState.WAITING else None
            if stored.get(id_) == wanted:
                del self._marked[id_]

    def _mark_again(self, elapsed_s: float) -> None:
        """The inbox was full, or the save was refused."""
        late = [entry for entry, at in self._marked.values() if elapsed_s - at >= _TELL_AGAIN_AFTER_S]
        for entry in late:
            self._marked[entry.id] = (entry, elapsed_s)
        if late:
            self._mark(tuple(late))
