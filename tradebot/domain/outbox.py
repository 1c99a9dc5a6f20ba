"""What is to leave the daemon for somebody outside, kept in the database until it has arrived there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

NAME_LENGTH_MAX = 64
DETAIL_LENGTH_MAX = 500
_FIRST_WAIT = timedelta(seconds=5)
_LONGEST_WAIT = timedelta(minutes=5)
_DOUBLINGS_MAX = 10


class OutboxKind(StrEnum):
    """Who delivers it."""

    NOTIFICATION = "notification"
    WEBHOOK = "webhook"


class OutboxState(StrEnum):
    """`dead`: given up, and kept with the reason."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEntry:
    """One thing for one receiver. The same thing has the same id, so that it is told once.

    `target` names the receiver (a channel, a subscription) without any secret of it, `topic` what it is about;
    `payload` is what its kind makes of it. `detail` is the last problem, or how it arrived.
    """

    id: str
    kind: OutboxKind
    target: str
    topic: str
    is_critical: bool
    payload: str
    created_at: datetime
    next_attempt_at: datetime
    attempts: int = 0
    state: OutboxState = OutboxState.WAITING
    detail: str = ""
    settled_at: datetime | None = None

    def delivered(self, at: datetime, detail: str = "") -> OutboxEntry:
        return self._settled(OutboxState.DELIVERED, at, detail)

    def given_up(self, at: datetime, detail: str) -> OutboxEntry:
        return self._settled(OutboxState.DEAD, at, detail)

    def failed(self, at: datetime, detail: str) -> OutboxEntry:
        """Tried in vain; the next attempt waits twice as long as the last one did, five minutes at most."""
        wait = min(_FIRST_WAIT * 2 ** min(self.attempts, _DOUBLINGS_MAX), _LONGEST_WAIT)
        return replace(self, attempts=self.attempts + 1, next_attempt_at=at + wait, detail=detail[:DETAIL_LENGTH_MAX])

    def _settled(self, state: OutboxState, at: datetime, detail: str) -> OutboxEntry:
        return replace(self, attempts=self.attempts + 1, state=state, detail=detail[:DETAIL_LENGTH_MAX], settled_at=at)


def outbox_entry(
    kind: OutboxKind,
    *,
    target: str,
    topic: str,
    key: str,
    payload: str,
    at: datetime,
    is_critical: bool = False,
) -> OutboxEntry:
    """A new entry. `key` says what it is about, for this receiver: the same key is the same thing."""
    digest = hashlib.sha256("\x1f".join((kind, target, key)).encode()).hexdigest()
    return OutboxEntry(
        id=digest[:32],
        kind=kind,
        target=target[:NAME_LENGTH_MAX],
        topic=topic[:NAME_LENGTH_MAX],
        is_critical=is_critical,
        # PostgreSQL keeps no NUL in a text, and a refused row would refuse the orders beside it.
        payload=payload.replace("\x00", ""),
        created_at=at,
        next_attempt_at=at,
    )
