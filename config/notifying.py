"""The keys of the messages to people: over which channels, of what, how many, and when not."""

from __future__ import annotations

import re
from datetime import time

from config.declaring import IST_CLOCK, Section, key
from config.kinds import ClockTime
from tradebot.domain.notices import Topic

_SEPARATOR = re.compile(r"[\s,]+(?=[A-Za-z][A-Za-z0-9]*://)")


class Notifications(Section):
    """Messages to people, in modes paper and live. Rejections, manual activity, uncertain placements and critical
    alerts are never dropped: over the limits they come in a digest, and quiet hours do not hold them back.
    """

    enable_notifications: bool = key("ENABLE_NOTIFICATIONS", False, "whether anybody is told of anything")
    notify_urls: str = key(
        "NOTIFY_URLS",
        "",
        "where messages go: addresses in apprise's form, separated by blanks; they hold secrets and belong into .env",
        allowed="addresses such as tgram://TOKEN/CHAT, mailtos://USER:PASSWORD@HOST or json://HOST/PATH, or empty",
        pattern=r"^\s*([A-Za-z][A-Za-z0-9]*://\S+\s*)*$",
        is_credential=True,
    )
    notify_placed: bool = key("NOTIFY_PLACED", True, "the broker has an order")
    notify_rejected: bool = key("NOTIFY_REJECTED", True, "an order has failed, at once or later")
    notify_cancelled: bool = key("NOTIFY_CANCELLED", True, "an order was cancelled, or has expired")
    notify_executed: bool = key("NOTIFY_EXECUTED", True, "an order was filled")
    notify_partial: bool = key("NOTIFY_PARTIAL", True, "a part of an order was filled")
    notify_manual: bool = key("NOTIFY_MANUAL", True, "somebody changed, cancelled, placed or sold by hand")
    notify_uncertain: bool = key("NOTIFY_UNCERTAIN", True, "it is not known whether an order stands")
    notify_retry: bool = key("NOTIFY_RETRY", True, "the queue of failed orders has changed")
    notify_position_closed: bool = key("NOTIFY_POSITION_CLOSED", True, "a position was sold")
    notify_alert: bool = key("NOTIFY_ALERT", True, "an alert fires or is over, or something is broken")
    notify_summary: bool = key("NOTIFY_SUMMARY", True, "the day is closed")
    notify_per_minute_max: int = key(
        "NOTIFY_PER_MINUTE_MAX", 10, "messages in a minute over one channel", unit="messages", low=2, high=60
    )
    notify_per_hour_max: int = key(
        "NOTIFY_PER_HOUR_MAX", 100, "messages in an hour over one channel", unit="messages", low=20, high=600
    )
    notify_quiet_from: ClockTime = key(
        "NOTIFY_QUIET_FROM",
        time(0, 0),
        "from then on only what is critical is sent; the rest waits",
        unit=IST_CLOCK,
        low=time(0, 0),
        high=time(23, 59),
    )
    notify_quiet_until: ClockTime = key(
        "NOTIFY_QUIET_UNTIL",
        time(0, 0),
        "until then; the same as NOTIFY_QUIET_FROM: never quiet",
        unit=IST_CLOCK,
        low=time(0, 0),
        high=time(23, 59),
    )

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(word for word in _SEPARATOR.split(self.notify_urls.strip()) if word)

    @property
    def topics(self) -> frozenset[Topic]:
        """What is to be told of."""
        switches = {
            Topic.PLACED: self.notify_placed,
            Topic.REJECTED: self.notify_rejected,
            Topic.CANCELLED: self.notify_cancelled,
            Topic.EXECUTED: self.notify_executed,
            Topic.PARTIALLY_FILLED: self.notify_partial,
            Topic.MANUAL_ACTIVITY: self.notify_manual,
            Topic.UNCERTAIN: self.notify_uncertain,
            Topic.RETRY_QUEUE: self.notify_retry,
            Topic.POSITION_CLOSED: self.notify_position_closed,
            Topic.ALERT: self.notify_alert,
            Topic.DAY_SUMMARY: self.notify_summary,
        }
        return frozenset(topic for topic, is_wanted in switches.items() if is_wanted)
