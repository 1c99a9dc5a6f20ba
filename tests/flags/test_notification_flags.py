"""The switches of notifications: on, an event of its topic is put into the outbox for the channel; off, it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import Settings
from tests.builders import NOON
from tests.unit.config.homes import ROOT
from tradebot.app.configuration import ConfigSource, channel_problems
from tradebot.domain.events import Event, EventName, Level
from tradebot.domain.notices import announcing

TOPICS = [
    pytest.param("NOTIFY_PLACED", EventName.ORDER_ACCEPTED, marks=pytest.mark.flag("NOTIFY_PLACED")),
    pytest.param("NOTIFY_REJECTED", EventName.ORDER_REJECTED, marks=pytest.mark.flag("NOTIFY_REJECTED")),
    pytest.param("NOTIFY_CANCELLED", EventName.ORDER_CANCELLED, marks=pytest.mark.flag("NOTIFY_CANCELLED")),
    pytest.param("NOTIFY_EXECUTED", EventName.ORDER_FILLED, marks=pytest.mark.flag("NOTIFY_EXECUTED")),
    pytest.param("NOTIFY_PARTIAL", EventName.ORDER_PARTIAL, marks=pytest.mark.flag("NOTIFY_PARTIAL")),
    pytest.param("NOTIFY_MANUAL", EventName.MANUAL_CANCEL, marks=pytest.mark.flag("NOTIFY_MANUAL")),
    pytest.param("NOTIFY_UNCERTAIN", EventName.ORDER_UNCERTAIN, marks=pytest.mark.flag("NOTIFY_UNCERTAIN")),
    pytest.param("NOTIFY_RETRY", EventName.ORDER_RETRY, marks=pytest.mark.flag("NOTIFY_RETRY")),
    pytest.param("NOTIFY_POSITION_CLOSED", EventName.POSITION_CLOSED, marks=pytest.mark.flag("NOTIFY_POSITION_CLOSED")),
    pytest.param("NOTIFY_ALERT", EventName.ALERT_FIRING, marks=pytest.mark.flag("NOTIFY_ALERT")),
    pytest.param("NOTIFY_SUMMARY", EventName.DAY_SUMMARY, marks=pytest.mark.flag("NOTIFY_SUMMARY")),
]


@pytest.mark.parametrize(("flag", "name"), TOPICS)
def test_a_topic_is_announced_where_it_is_switched_on(flag: str, name: EventName) -> None:
    event = Event(name=name, at=NOON, message="INFY buy 10", level=Level.INFO, fields={"order_id": "1"})

    for word, entries in (("true", 1), ("false", 0)):
        wanted = Settings.of_words({flag: word}).notifications.topics
        assert len(announcing(["channel"], wanted)(event)) == entries, word


@pytest.mark.flag("ENABLE_NOTIFICATIONS")
@pytest.mark.parametrize(("word", "is_wrong"), [("true", True), ("false", False)])
def test_a_channel_that_cannot_be_used_matters_only_where_notifications_are_on(word: str, is_wrong: bool) -> None:
    environ = {
        "TRADEBOT_MODE": "paper",
        "TRADEBOT_NOTIFY_URLS": "nosuch://host/path",
        "TRADEBOT_ENABLE_NOTIFICATIONS": word,
    }
    settings = ConfigSource(folder=Path(ROOT), environ=environ).settings()

    assert bool(channel_problems(settings)) is is_wrong
