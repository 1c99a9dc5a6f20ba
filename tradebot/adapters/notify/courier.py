"""Sends what waits over the channels, in a thread of its own: nothing that it waits for delays an order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event as Signal
from threading import Thread

from tradebot.adapters.mailbag import Mailbag
from tradebot.adapters.notify.channel import Channel, ChannelFailed
from tradebot.domain.events import Event, EventName, FieldValue, Level
from tradebot.domain.notice_limits import Message, NoticeLimits, is_given_up, next_messages
from tradebot.domain.outbox import OutboxEntry
from tradebot.ports import Clock

EVERY_S = 1.0
TOLD_AGAIN_AFTER = timedelta(hours=1)
_FIRST_WAIT = timedelta(seconds=5)
_LONGEST_WAIT = timedelta(minutes=5)
_DOUBLINGS_MAX = 10
_STOP_S = 2.0


@dataclass(slots=True)
class _Line:
    """One channel, and how it does. `sent` are the instants of its last messages."""

    channel: Channel
    sent: deque[datetime]
    failures: int = 0
    next_try: datetime | None = None
    told_at: datetime | None = None


class Courier:
    """`step` is its whole life: in a thread of its own (`start`), or step by step on a virtual clock."""

    def __init__(
        self,
        mailbag: Mailbag,
        channels: Sequence[Channel],
        limits: NoticeLimits,
        clock: Clock,
        tell: Callable[[Event], None],
    ) -> None:
        self._mailbag = mailbag
        self._limits = limits
        self._clock = clock
        self._tell = tell
        self._lines = {channel.name: _Line(channel, deque(maxlen=limits.per_hour)) for channel in channels}
        self._stopping = Signal()
        self._thread = Thread(target=self._run, name="notifications", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """What has not gone out waits in the database for the next start."""
        self._stopping.set()
        self._mailbag.woken.set()
        self._thread.join(_STOP_S)

    def step(self) -> None:
        """Send what may be sent now."""
        now = self._clock.now()
        waiting = self._mailbag.waiting(now, self._clock.monotonic())
        by_target: dict[str, list[OutboxEntry]] = {}
        for entry in waiting:
            by_target.setdefault(entry.target, []).append(entry)
        for target, entries in by_target.items():
            line = self._lines.get(target)
            if line is None:
                self._settle([entry.given_up(now, "the channel is not configured any more") for entry in entries])
            else:
                self._deliver(line, entries)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._mailbag.woken.wait(EVERY_S)
            self._mailbag.woken.clear()
            try:
                self.step()
            except Exception as fault:  # the thread outlives a fault in one step
                text = f"notifications: {type(fault).__name__}: {fault}"
                self._say(EventName.INTERNAL_FAULT, Level.ERROR, text)
                self._stopping.wait(EVERY_S)

    def _deliver(self, line: _Line, entries: Sequence[OutboxEntry]) -> None:
        now = self._clock.now()
        if line.next_try is not None and now < line.next_try:
            return
        old = [entry for entry in entries if is_given_up(entry, now)]
        self._settle([entry.given_up(now, entry.detail or "too old") for entry in old])
        fresh = [entry for entry in entries if not is_given_up(entry, now)]
        for message in next_messages(fresh, line.sent, now, self._limits):
            if self._stopping.is_set() or not self._send(line, message):
                return

    def _send(self, line: _Line, message: Message) -> bool:
        try:
            line.channel.send(message.title, message.body)
        except ChannelFailed as problem:
            now = self._clock.now()
            self._settle([entry.failed(now, str(problem)) for entry in message.entries])
            self._failed(line, str(problem), now)
            return False
        now = self._clock.now()
        how = "" if len(message.entries) == 1 else "in a digest"
        self._settle([entry.delivered(now, how) for entry in message.entries])
        line.sent.append(now)
        self._works(line)
        return True

    def _failed(self, line: _Line, problem: str, now: datetime) -> None:
        """The whole channel waits, not only this message; it is told at once, and each hour that it lasts."""
        line.next_try = now + min(_FIRST_WAIT * 2 ** min(line.failures, _DOUBLINGS_MAX), _LONGEST_WAIT)
        line.failures += 1
        if line.told_at is None or now - line.told_at >= TOLD_AGAIN_AFTER:
            line.told_at = now
            text = f"channel {line.channel.name} does not take messages; they wait: {problem}"
            self._say(EventName.NOTIFICATION_FAILED, Level.ERROR, text, line)

    def _works(self, line: _Line) -> None:
        if line.told_at is not None:
            text = f"channel {line.channel.name} takes messages again, after {line.failures} attempts"
            self._say(EventName.NOTIFICATION_RESTORED, Level.INFO, text, line)
        line.failures, line.next_try, line.told_at = 0, None, None

    def _settle(self, entries: Sequence[OutboxEntry]) -> None:
        if entries:
            self._mailbag.settle(entries, self._clock.monotonic())

    def _say(self, name: EventName, level: Level, text: str, line: _Line | None = None) -> None:
        fields: dict[str, FieldValue] = (
            {} if line is None else {"channel": line.channel.name, "failures": line.failures}
        )
        self._tell(
            Event(name=name, at=self._clock.now(), level=level, message=text, component="notifications", fields=fields)
        )
