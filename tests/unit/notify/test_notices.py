"""Which events people are told of, in which words, and when they are the same."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import NOON, later
from tradebot.domain.events import Event, EventName, Level
from tradebot.domain.notices import Topic, announcing, notice_of


def an_event(name: EventName = EventName.ORDER_REJECTED, level: Level = Level.WARNING, **fields: Any) -> Event:
    found = {"order_id": "7", "coid": "ACOID", "symbol": "INFY", "reason": "Broker rejected: RMS"} | fields
    return Event(name=name, at=NOON, level=level, message="INFY buy 10 @1000: Broker rejected: RMS", fields=found)


@pytest.mark.parametrize(
    ("name", "level", "topic", "is_critical"),
    [
        (EventName.ORDER_ACCEPTED, Level.INFO, Topic.PLACED, False),
        (EventName.ORDER_REJECTED, Level.WARNING, Topic.REJECTED, True),
        (EventName.ORDER_CANCELLED, Level.INFO, Topic.CANCELLED, False),
        (EventName.ORDER_FILLED, Level.INFO, Topic.EXECUTED, False),
        (EventName.ORDER_LATE_FILL, Level.CRITICAL, Topic.EXECUTED, True),
        (EventName.ORDER_PARTIAL, Level.INFO, Topic.PARTIALLY_FILLED, False),
        (EventName.ORDER_UNCERTAIN, Level.WARNING, Topic.UNCERTAIN, True),
        (EventName.MANUAL_CANCEL, Level.WARNING, Topic.MANUAL_ACTIVITY, True),
        (EventName.MANUAL_MODIFICATION, Level.WARNING, Topic.MANUAL_ACTIVITY, True),
        (EventName.HOLDINGS_DIFFER, Level.WARNING, Topic.MANUAL_ACTIVITY, True),
        (EventName.ORDER_RETRY, Level.INFO, Topic.RETRY_QUEUE, False),
        (EventName.POSITION_CLOSED, Level.INFO, Topic.POSITION_CLOSED, False),
        (EventName.ALERT_FIRING, Level.WARNING, Topic.ALERT, False),
        (EventName.ALERT_FIRING, Level.CRITICAL, Topic.ALERT, True),
        (EventName.BROKER_UNREACHABLE, Level.ERROR, Topic.ALERT, False),
        (EventName.ENTRIES_STOPPED, Level.CRITICAL, Topic.ALERT, True),
        (EventName.DAY_SUMMARY, Level.INFO, Topic.DAY_SUMMARY, False),
    ],
)
def test_each_event_has_its_topic(name: EventName, level: Level, topic: Topic, is_critical: bool) -> None:
    notice = notice_of(an_event(name, level))

    assert notice is not None
    assert (notice.topic, notice.is_critical) == (topic, is_critical)


@pytest.mark.parametrize(
    ("name", "level"),
    [
        (EventName.CYCLE, Level.INFO),
        (EventName.GUARD_BLOCK, Level.INFO),
        (EventName.NOTIFICATION_FAILED, Level.ERROR),
    ],
)
def test_nobody_is_told_of_the_rest(name: EventName, level: Level) -> None:
    assert notice_of(an_event(name, level)) is None


def test_a_rejection_says_symbol_order_and_the_brokers_reason() -> None:
    notice = notice_of(an_event(broker_order_id="2511"))

    assert notice is not None
    assert notice.title == "WARNING: rejected: INFY buy 10 @1000: Broker rejected: RMS"
    assert notice.body.splitlines() == [
        "INFY buy 10 @1000: Broker rejected: RMS",
        "symbol: INFY",
        "order: 7",
        "broker order: 2511",
        "2026-11-16 12:00:00 IST, ORDER_REJECTED",
    ]


def _id(event: Event) -> str:
    (entry,) = announcing(["mail"], frozenset(Topic))(event)
    return entry.id


def test_the_same_is_told_once_and_another_again() -> None:
    rejected = an_event()

    assert _id(rejected) == _id(Event(**{**_parts(rejected), "at": later(90)}))
    assert _id(rejected) != _id(an_event(coid="BCOID"))
    assert _id(rejected) != _id(an_event(EventName.ORDER_UNCERTAIN))
    partial = an_event(EventName.ORDER_PARTIAL, filled_qty=3)
    assert _id(partial) != _id(an_event(EventName.ORDER_PARTIAL, filled_qty=4))
    modified = an_event(EventName.MANUAL_MODIFICATION, price="101.50")
    assert _id(modified) != _id(an_event(EventName.MANUAL_MODIFICATION, price="102.00"))


def test_a_trouble_that_lasts_is_told_each_half_hour() -> None:
    def trouble(minutes: float) -> Event:
        return Event(name=EventName.BROKER_UNREACHABLE, at=later(minutes), level=Level.ERROR, message="no answer")

    assert len({_id(trouble(minute)) for minute in range(30)}) == 1
    assert len({_id(trouble(minute)) for minute in range(60)}) == 2


def test_only_the_wanted_topics_go_to_each_channel() -> None:
    announce = announcing(["mail", "chat"], frozenset({Topic.REJECTED}))

    assert [entry.target for entry in announce(an_event())] == ["mail", "chat"]
    assert announce(an_event(EventName.ORDER_FILLED)) == ()


def _parts(event: Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in ("name", "at", "message", "level", "fields")}
