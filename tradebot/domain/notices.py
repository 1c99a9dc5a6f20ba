"""What people are told of: which events, about what, how urgent, and in which words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from tradebot.domain.calendar import IST, ist_date
from tradebot.domain.events import Event, EventName, Level
from tradebot.domain.outbox import OutboxEntry, OutboxKind, outbox_entry

REPEATED_AFTER = timedelta(minutes=30)
"""The same trouble without an order (a broker that does not answer) is told again after so long."""


class Topic(StrEnum):
    """What a notice is about; each can be switched."""

    PLACED = "placed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXECUTED = "executed"
    PARTIALLY_FILLED = "partially filled"
    MANUAL_ACTIVITY = "manual activity"
    UNCERTAIN = "uncertain"
    RETRY_QUEUE = "retry queue"
    POSITION_CLOSED = "position closed"
    ALERT = "alert"
    DAY_SUMMARY = "day summary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message. `key` is the same for the same thing; a critical one is never dropped."""

    topic: Topic
    key: str
    is_critical: bool
    title: str
    body: str

    def payload(self) -> str:
        return json.dumps({"title": self.title, "body": self.body}, ensure_ascii=False)

    @staticmethod
    def words(payload: str) -> tuple[str, str]:
        """Title and body of a payload."""
        found = json.loads(payload)
        return str(found["title"]), str(found["body"])


_TOPICS: Mapping[EventName, Topic] = {
    EventName.ORDER_ACCEPTED: Topic.PLACED,
    EventName.ORDER_REJECTED: Topic.REJECTED,
    EventName.ORDER_CANCELLED: Topic.CANCELLED,
    EventName.ORDER_EXPIRED: Topic.CANCELLED,
    EventName.ORDER_FILLED: Topic.EXECUTED,
    EventName.ORDER_LATE_FILL: Topic.EXECUTED,
    EventName.ORDER_PARTIAL: Topic.PARTIALLY_FILLED,
    EventName.ORDER_UNCERTAIN: Topic.UNCERTAIN,
    EventName.ORDER_REOPENED: Topic.UNCERTAIN,
    EventName.HOLDINGS_DIFFER: Topic.MANUAL_ACTIVITY,
    EventName.EXIT_MANUAL: Topic.MANUAL_ACTIVITY,
    EventName.POSITION_CLOSED: Topic.POSITION_CLOSED,
    EventName.ALERT_FIRING: Topic.ALERT,
    EventName.ALERT_RESOLVED: Topic.ALERT,
    EventName.DAY_SUMMARY: Topic.DAY_SUMMARY,
}
# Events of one kind have one beginning.
_FAMILIES: Mapping[str, Topic] = {
    "MANUAL_": Topic.MANUAL_ACTIVITY,
    "RETRY_": Topic.RETRY_QUEUE,
    "ORDER_RETR": Topic.RETRY_QUEUE,
}
_ALWAYS_CRITICAL = frozenset({Topic.REJECTED, Topic.MANUAL_ACTIVITY, Topic.UNCERTAIN})
# What makes two events of one order, position or alert different.
_FACTS = (
    "order_id",
    "coid",
    "broker_order_id",
    "position_id",
    "alert",
    "symbol",
    "status",
    "quantity",
    "price",
    "filled_qty",
    "reason",
)
_OWN = "NOTIFICATION"


def notice_of(event: Event) -> Notice | None:
    """The message of an event; None for one that nobody is told of.

    What a channel's own failure says is not among them: it would only wait for that channel.
    """
    if event.name.startswith(_OWN):
        return None
    topic = _TOPICS.get(event.name) or _of_family(event.name) or _of_level(event.level)
    if topic is None:
        return None
    return Notice(
        topic=topic,
        key=_key(event),
        is_critical=topic in _ALWAYS_CRITICAL or event.level is Level.CRITICAL,
        title=f"{'' if event.level is Level.INFO else f'{event.level}: '}{topic}: {_first_line(event)}",
        body=_body(event),
    )


def announcing(targets: Sequence[str], wanted: frozenset[Topic]) -> Callable[[Event], Sequence[OutboxEntry]]:
    """An announcer for channels: an entry for each, of the topics that are wanted."""

    def announce(event: Event) -> Sequence[OutboxEntry]:
        notice = notice_of(event)
        if notice is None or notice.topic not in wanted:
            return ()
        return [
            outbox_entry(
                OutboxKind.NOTIFICATION,
                target=target,
                topic=notice.topic,
                key=notice.key,
                payload=notice.payload(),
                at=event.at,
                is_critical=notice.is_critical,
            )
            for target in targets
        ]

    return announce


def _of_family(name: EventName) -> Topic | None:
    return next((topic for beginning, topic in _FAMILIES.items() if name.startswith(beginning)), None)


def _of_level(level: Level) -> Topic | None:
    return Topic.ALERT if level in (Level.ERROR, Level.CRITICAL) else None


def _key(event: Event) -> str:
    """An order's event is the same when all its facts are; a trouble is, as long as it is told in one half hour."""
    facts = [f"{name}={event.fields[name]}" for name in _FACTS if event.fields.get(name) is not None]
    if event.name is EventName.DAY_SUMMARY:
        return f"{event.name} {ist_date(event.at)}"
    if event.fields.get("order_id") or event.fields.get("broker_order_id"):
        return f"{event.name} {event.level} {' '.join(facts)}"
    if event.fields.get("position_id"):
        return f"{event.name} {' '.join(facts)}"
    window = int(event.at.timestamp() // REPEATED_AFTER.total_seconds())
    said = hashlib.sha256(event.message.encode()).hexdigest()
    return f"{event.name} {event.level} {' '.join(facts)} {said} {window}"


def _first_line(event: Event) -> str:
    return event.message.splitlines()[0][:200] if event.message else event.name


def _body(event: Event) -> str:
    lines = [event.message[:2_000]]
    lines += [
        f"{said}: {event.fields[name]}"
        for name, said in (("symbol", "symbol"), ("order_id", "order"), ("broker_order_id", "broker order"))
        if event.fields.get(name) is not None
    ]
    reason = event.fields.get("reason")
    if reason is not None and str(reason) not in event.message:
        lines.append(f"reason: {reason}")
    lines.append(f"{event.at.astimezone(IST):%Y-%m-%d %H:%M:%S} IST, {event.name}")
    return "\n".join(lines)
