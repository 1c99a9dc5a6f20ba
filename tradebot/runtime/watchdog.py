"""A watchdog beside the engine's thread: says when that thread is silent, and keeps it from entering then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from threading import Event as Flag
from threading import Thread

from tradebot.domain.alerts import ALERT_RULES, AlertName, Severity
from tradebot.domain.events import Event, EventName
from tradebot.engine.alerting import describe, fields_of, level_of
from tradebot.engine.halt import Brake, Halt
from tradebot.engine.inbox import Inbox
from tradebot.engine.messages import AlertChanged
from tradebot.ports import Clock

LOOK_EVERY_S = 1.0


class Pulse:
    """What the engine's thread leaves behind at every turn and every heartbeat, in seconds of the steady clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.turned_s = self.beat_s = clock.monotonic()

    def turn(self) -> None:
        self.turned_s = self._clock.monotonic()

    def beat(self) -> None:
        self.beat_s = self._clock.monotonic()


class Watchdog:
    """Looks about every second. What it finds is told at once through `tell`, which must take calls of any thread, and
    put into the inbox, so that the engine writes it down as soon as it is awake again."""

    def __init__(
        self,
        *,
        pulse: Pulse,
        clock: Clock,
        halt: Halt,
        inbox: Inbox,
        tell: Callable[[Event], None],
        heartbeat_every: timedelta,
    ) -> None:
        self._pulse = pulse
        self._clock = clock
        self._halt = halt
        self._inbox = inbox
        self._tell = tell
        self._heartbeat_every = heartbeat_every
        self._firing: set[AlertName] = set()
        self._stopping = Flag()
        self._thread = Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(LOOK_EVERY_S)

    def look(self) -> None:
        now_s = self._clock.monotonic()
        self._judge(AlertName.SILENT_ENGINE, Decimal(str(round(now_s - self._pulse.turned_s, 1))))
        missed = int((now_s - self._pulse.beat_s) / self._heartbeat_every.total_seconds())
        self._judge(AlertName.MISSED_HEARTBEATS, Decimal(missed))

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_EVERY_S):
            self.look()

    def _judge(self, name: AlertName, figure: Decimal) -> None:
        severity = ALERT_RULES[name].severity_of(figure)
        if (severity is not None) == (name in self._firing):
            return
        if severity is None:
            self._firing.discard(name)
        else:
            self._firing.add(name)
            self._alarm(name, severity, figure)
        message = AlertChanged(name=name, severity=severity, figure=figure, events=1, is_told=severity is not None)
        self._inbox.put_answer(message)

    def _alarm(self, name: AlertName, severity: Severity, figure: Decimal) -> None:
        rule = ALERT_RULES[name]
        text = describe(rule, severity, figure)
        self._halt.pull(Brake.WATCHDOG, text)
        message = AlertChanged(name=name, severity=severity, figure=figure, events=1)
        self._tell(
            Event(
                name=EventName.ALERT_FIRING,
                at=self._clock.now(),
                level=level_of(severity),
                message=text,
                fields=fields_of(rule, message, severity),
            )
        )
