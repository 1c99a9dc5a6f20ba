"""How many messages go out and when: limits with a digest over them, quiet hours, and what is given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from tradebot.domain.calendar import IST
from tradebot.domain.notices import Notice
from tradebot.domain.outbox import OutboxEntry

DIGEST_LENGTH_MAX = 3_000
"""Telegram takes 4,096 characters of a message."""
GIVEN_UP_AFTER = timedelta(days=1)
CRITICAL_GIVEN_UP_AFTER = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeLimits:
    """`quiet_from` to `quiet_until` in IST, over midnight where it is later; equal: never quiet. A fifth of both
    numbers is kept for what is critical."""

    per_minute: int = 10
    per_hour: int = 100
    quiet_from: time = time(0, 0)
    quiet_until: time = time(0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent as one, and the entries that it tells of."""

    title: str
    body: str
    entries: tuple[OutboxEntry, ...]


def next_messages(
    waiting: Sequence[OutboxEntry], sent: Sequence[datetime], now: datetime, limits: NoticeLimits
) -> list[Message]:
    """What may be sent now over one channel, `sent` being when the last messages went over it.

    Critical ones come first, and are held back by no quiet hours. What is over the limit goes into one digest, as
    far as it has place; the rest waits for the next.
    """
    critical = [entry for entry in waiting if entry.is_critical]
    others = [] if is_quiet(now, limits) else [entry for entry in waiting if not entry.is_critical]
    room = _room(sent, now, limits, share=1)
    messages = _within(critical, room)
    kept_free = _room(sent, now, limits, share=5)
    return messages + _within(others, min(room, kept_free) - len(messages))


def is_quiet(now: datetime, limits: NoticeLimits) -> bool:
    begin, end, at = limits.quiet_from, limits.quiet_until, now.astimezone(IST).time()
    if begin <= end:
        return begin <= at < end
    return at >= begin or at < end


def is_given_up(entry: OutboxEntry, now: datetime) -> bool:
    """Too old to be of use: a day, and a week for what is critical."""
    return now - entry.created_at >= (CRITICAL_GIVEN_UP_AFTER if entry.is_critical else GIVEN_UP_AFTER)


def _room(sent: Sequence[datetime], now: datetime, limits: NoticeLimits, share: int) -> int:
    """How many messages may go; with a `share` of 5, a fifth of both limits is left free."""
    last_minute = sum(now - at < timedelta(minutes=1) for at in sent)
    last_hour = sum(now - at < timedelta(hours=1) for at in sent)
    free = [limits.per_minute - last_minute, limits.per_hour - last_hour]
    if share > 1:
        free = [free[0] - limits.per_minute // share, free[1] - limits.per_hour // share]
    return max(0, min(free))


def _within(entries: Sequence[OutboxEntry], room: int) -> list[Message]:
    if len(entries) <= room:
        return [_single(entry) for entry in entries]
    if room <= 0:
        return []
    return [*[_single(entry) for entry in entries[: room - 1]], _digest(entries[room - 1 :])]


def _single(entry: OutboxEntry) -> Message:
    title, body = Notice.words(entry.payload)
    return Message(title=title, body=body, entries=(entry,))


def _digest(entries: Sequence[OutboxEntry]) -> Message:
    """As many as have place in one message, at least one."""
    lines: list[str] = []
    told: list[OutboxEntry] = []
    length = 0
    for entry in entries:
        title, body = Notice.words(entry.payload)
        line = f"{title}\n{body}" if entry.is_critical else f"- {title}"
        length += len(line) + 1
        if told and length > DIGEST_LENGTH_MAX:
            break
        lines.append(line)
        told.append(entry)
    title = f"{len(told)} messages in one" if len(told) == len(entries) else f"{len(told)} of {len(entries)} messages"
    return Message(title=title, body="\n".join(lines), entries=tuple(told))
