"""Watches what happens against the alert rules: notes events, makes the figures, and says when one changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from tradebot.domain.alerts import ALERT_RULES, AlertAction, AlertLimits, AlertName, Finding, Severity, judge
from tradebot.domain.events import Event, EventName, Level
from tradebot.domain.orders import Side
from tradebot.domain.windows import RollingWindow
from tradebot.engine.messages import AlertChanged
from tradebot.ports import Clock

EVERY = timedelta(seconds=10)
"""How often figures are made; in a replay of virtual time, once a minute at most."""

ORDERS_REMEMBERED_MAX = 10_000
_BY_WATCHDOG = (AlertName.MISSED_HEARTBEATS, AlertName.SILENT_ENGINE)
_BAD, _GOOD = Decimal(1), Decimal(0)
_OWN = (EventName.ALERT_FIRING, EventName.ALERT_RESOLVED)

Source = Callable[["AlertWatch", datetime], None]
"""Asked before each round for what no event tells: counters of calls, memory, processor."""


class AlertWatch:
    """A listener of the bus, on the engine's thread. `put` hands a change to the inbox; `actions` are what a critical
    alert switches beside entries, called with True when it fires and with False when it is over."""

    def __init__(
        self,
        *,
        clock: Clock,
        put: Callable[[AlertChanged], None],
        limits: AlertLimits | None = None,
        sources: Sequence[Source] = (),
        actions: Mapping[AlertAction, Callable[[bool], None]] | None = None,
        every: timedelta = EVERY,
    ) -> None:
        self._clock = clock
        self._put = put
        self._limits = limits or AlertLimits()
        self._sources = list(sources)
        self._actions = actions or {}
        self._every = every
        self._next_at: datetime | None = None
        self._standing: dict[AlertName, Severity] = {}
        self._windows = {name: RollingWindow(self._limits.window_of(rule)) for name, rule in ALERT_RULES.items()}
        self._accepted: OrderedDict[str, bool] = OrderedDict()
        self._stream_down_at: datetime | None = None

    def __call__(self, event: Event) -> None:
        if event.level in (Level.ERROR, Level.CRITICAL) and event.name not in _OWN:
            self.note(AlertName.APPLICATION_FAULTS, event.at, _BAD)
        note = _NOTES.get(event.name)
        if note is not None:
            note(self, event)

    def ask_too(self, source: Source) -> None:
        """One more source, of a part that is opened after the watch."""
        self._sources.append(source)

    def note(self, name: AlertName, at: datetime, value: Decimal, weight: int = 1) -> None:
        self._windows[name].note(at, value, weight)

    def found(self, name: AlertName, at: datetime, value: Decimal, *, is_told: bool = False) -> None:
        """A figure that is judged at once. `is_told`: people know already, from a process before this one."""
        self.note(name, at, value)
        self._compare(self._finding(name, at), is_told=is_told)

    def poll(self) -> None:
        """To be called often; makes the figures every so many seconds."""
        now = self._clock.now()
        if self._next_at is not None and now < self._next_at:
            return
        self._next_at = now + self._every
        for ask in self._sources:
            ask(self, now)
        if self._stream_down_at is not None:
            down_s = Decimal((now - self._stream_down_at).total_seconds())
            self.note(AlertName.STREAM_DOWN, now, down_s)
        for finding in self.findings(now):
            self._compare(finding)

    def findings(self, now: datetime) -> list[Finding]:
        """Every rule's figure of now, those of the watchdog excepted."""
        return [self._finding(name, now) for name in ALERT_RULES if name not in _BY_WATCHDOG]

    def _finding(self, name: AlertName, now: datetime) -> Finding:
        rule, window = ALERT_RULES[name], self._windows[name]
        return judge(rule, window.figure(rule.measure, now), window.events(now), self._limits)

    def _compare(self, finding: Finding, *, is_told: bool = False) -> None:
        if self._standing.get(finding.name) is finding.severity:
            return
        if finding.severity is None:
            del self._standing[finding.name]
        else:
            self._standing[finding.name] = finding.severity
        self._put(
            AlertChanged(
                name=finding.name,
                severity=finding.severity,
                figure=finding.figure,
                events=finding.events,
                is_told=is_told,
            )
        )
        act = self._actions.get(ALERT_RULES[finding.name].action)
        if act is not None:
            act(finding.severity is Severity.CRITICAL)

    def _sent(self, event: Event) -> None:
        self._accepted.setdefault(str(event.fields["order_id"]), False)
        while len(self._accepted) > ORDERS_REMEMBERED_MAX:
            self._accepted.popitem(last=False)

    def _stands(self, event: Event) -> None:
        order_id = str(event.fields["order_id"])
        if self._accepted.get(order_id) is False:
            self._accepted[order_id] = True
            self.note(AlertName.PLACEMENT_FAILURES, event.at, _GOOD)

    def _filled(self, event: Event) -> None:
        self._stands(event)
        self.note(AlertName.EXECUTION_FAILURES, event.at, _GOOD)
        self._finished(event, _GOOD)

    def _refused(self, event: Event) -> None:
        stood = self._accepted.get(str(event.fields["order_id"]))
        if stood is None:
            return  # refused by a guard of ours: it was never sent
        self.note(AlertName.EXECUTION_FAILURES if stood else AlertName.PLACEMENT_FAILURES, event.at, _BAD)
        self._finished(event, _BAD)

    def _ended(self, event: Event) -> None:
        if str(event.fields["order_id"]) in self._accepted:
            self._finished(event, _BAD)

    def _finished(self, event: Event, kind: Decimal) -> None:
        self._accepted.pop(str(event.fields["order_id"]), None)
        if event.fields.get("side") == Side.BUY:
            self.note(AlertName.FILL_RATE, event.at, kind)

    def _duplicate(self, event: Event) -> None:
        self.note(AlertName.DUPLICATE_ORDERS, event.at, _BAD)

    def _slipped(self, event: Event) -> None:
        self.note(AlertName.ENTRY_SLIPPAGE, event.at, Decimal(str(event.fields["slippage_bps"])))

    def _stream_lost(self, event: Event) -> None:
        self._stream_down_at = self._stream_down_at or event.at

    def _stream_back(self, event: Event) -> None:
        self._stream_down_at = None
        self.note(AlertName.STREAM_DOWN, event.at, Decimal(0))

    def _batch_ended(self, event: Event) -> None:
        self.note(AlertName.BATCH_SUCCESS, event.at, _GOOD if event.fields["batch_status"] == "success" else _BAD)


_NOTES: Mapping[EventName, Callable[[AlertWatch, Event], None]] = {
    EventName.COID_DUPLICATE: AlertWatch._duplicate,
    EventName.ENTRY_SLIPPAGE: AlertWatch._slipped,
    EventName.ORDER_SENT: AlertWatch._sent,
    EventName.ORDER_ACCEPTED: AlertWatch._stands,
    EventName.ORDER_PARTIAL: AlertWatch._stands,
    EventName.ORDER_FILLED: AlertWatch._filled,
    EventName.ORDER_REJECTED: AlertWatch._refused,
    EventName.ORDER_CANCELLED: AlertWatch._ended,
    EventName.ORDER_EXPIRED: AlertWatch._ended,
    EventName.STREAM_DISCONNECTED: AlertWatch._stream_lost,
    EventName.STREAM_CONNECTED: AlertWatch._stream_back,
    EventName.BATCH_COMPLETED: AlertWatch._batch_ended,
}
