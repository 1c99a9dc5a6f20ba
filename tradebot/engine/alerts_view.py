"""What stands until somebody mends it: stops, the kill switch, a broker that is gone, and the alert rules that fire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tradebot.domain.alerts import AlertName, StandingAlert
from tradebot.domain.events import Level
from tradebot.domain.policy import Policy
from tradebot.engine.alerting import describe_standing, level_of
from tradebot.engine.flags_view import warnings_of
from tradebot.engine.memory import Memory

HALTED_SHOWN_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that stands until it is mended; `at` is None where nobody wrote down since when. One with a `name` is
    of the table of alert rules, and may be seen by somebody."""

    level: Level
    text: str
    at: datetime | None = None
    name: AlertName | None = None
    is_seen: bool = False


def alerts_of(memory: Memory, policy: Policy, mode: str) -> tuple[Alert, ...]:
    """What the switches warn of all the time, then what has happened."""
    alerts = [Alert(level=level, text=text) for level, text in warnings_of(policy, mode)]
    if memory.latch is not None:
        text = f"kill switch: {memory.latch.mode}; {memory.latch.reason or 'no reason given'}"
        alerts.append(Alert(level=Level.CRITICAL, text=text, at=memory.latch.at))
    if memory.unreachable_since is not None:
        text = "the broker does not answer; what is shown of it is old"
        alerts.append(Alert(level=Level.CRITICAL, text=text, at=memory.unreachable_since))
    if memory.entries_stopped:
        alerts.append(Alert(level=Level.CRITICAL, text=f"entries stopped: {memory.entries_stopped}"))
    if memory.halt.reason:
        alerts.append(Alert(level=Level.CRITICAL, text=f"entries stopped: {memory.halt.reason}"))
    if memory.is_paused:
        alerts.append(Alert(level=Level.WARNING, text="entries are paused; P resumes them"))
    for standing in memory.alerts.values():
        if standing.severity is not None:
            alerts.append(_standing(standing))
    if not memory.is_reconciled:
        alerts.append(Alert(level=Level.WARNING, text="not reconciled with the broker yet: no entries until then"))
    for symbol, jump in list(memory.halted.items())[:HALTED_SHOWN_MAX]:
        alerts.append(Alert(level=Level.ERROR, text=f"{symbol} halted: {jump}"))
    return tuple(alerts)


def _standing(alert: StandingAlert) -> Alert:
    assert alert.severity is not None
    return Alert(
        level=level_of(alert.severity),
        text=describe_standing(alert),
        at=alert.since,
        name=alert.name,
        is_seen=bool(alert.acknowledged_by),
    )
