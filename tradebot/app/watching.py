"""What watches a run: the alert rules, the heartbeat, and the watchdog beside the engine's thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from config.settings import Settings
from tradebot.adapters.calls.limited import Turnstiles
from tradebot.adapters.metrics import Metrics
from tradebot.adapters.process_figures import ProcessFigures
from tradebot.adapters.storage.statement_times import StatementTimes
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.app.books import Books
from tradebot.app.calls import Calls
from tradebot.domain.alerts import AlertAction, AlertLimits, AlertName
from tradebot.domain.events import Event, EventName
from tradebot.domain.orders import OrderStatus
from tradebot.engine.alert_watch import AlertWatch, Source
from tradebot.engine.engine import Engine
from tradebot.engine.fill_telemetry import FillTelemetry
from tradebot.engine.inbox import Inbox
from tradebot.engine.memory import Memory
from tradebot.engine.room import Room
from tradebot.ports import Clock
from tradebot.runtime.watchdog import Pulse, Watchdog

UI_THREAD = "dashboard"
_VIRTUAL_EVERY = timedelta(minutes=1)

Actions = Mapping[AlertAction, Callable[[bool], None]]


def alert_watch(
    settings: Settings, inbox: Inbox, clock: Clock, doors: Calls, *, sources: list[Source], actions: Actions
) -> AlertWatch:
    """The watch of one run; it is to be subscribed to the bus. `actions` come beside the cache's own."""
    found = [*sources]
    if doors.turnstiles is not None:
        found.append(_calls_source(doors.turnstiles))
    own: Actions = {AlertAction.FETCH_LESS: doors.cache.be_frugal} if doors.cache is not None else {}
    every = {"every": _VIRTUAL_EVERY} if settings.run.mode == "replay" else {}
    return AlertWatch(
        clock=clock,
        put=inbox.put_answer,
        limits=limits_of(settings),
        sources=found,
        actions={**own, **actions},
        **every,
    )


def limits_of(settings: Settings) -> AlertLimits:
    return AlertLimits(
        window=timedelta(minutes=settings.alerts.alert_window_min),
        events_min=settings.alerts.alert_events_min,
        memory_window=timedelta(hours=settings.alerts.alert_memory_window_h),
    )


@dataclass(slots=True, kw_only=True)
class Heartbeat:
    """Says every so often that the engine's thread is alive, with figures of the process. For that thread."""

    memory: Memory
    inbox: Inbox
    figures: ProcessFigures
    pulse: Pulse
    clock: Clock
    real: Clock
    publish: Callable[[list[Event]], None]
    every_s: float
    began_s: float = field(init=False)
    told_s: float = field(init=False)
    ui_cpu_pct: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        self.began_s = self.real.monotonic()
        self.told_s = self.began_s - self.every_s

    def poll(self) -> None:
        now_s = self.real.monotonic()
        if now_s - self.told_s < self.every_s:
            return
        self.told_s = now_s
        self.pulse.beat()
        self.publish([self._event(now_s)])

    def _event(self, now_s: float) -> Event:
        memory = self.memory
        pending = sum(order.status is OrderStatus.PENDING for order in memory.orders.values())
        held = sum(position.is_open for position in memory.positions.values())
        standing = sum(alert.severity is not None for alert in memory.alerts.values())
        memory_mb = self.figures.memory_mb()
        return Event(
            name=EventName.HEARTBEAT,
            at=self.clock.now(),
            message=f"alive: {pending} orders pending, {held} positions, {memory_mb} MB",
            fields={
                "uptime_s": round(now_s - self.began_s),
                "inbox": len(self.inbox),
                "pending": pending,
                "positions": held,
                "alerts": standing,
                "memory_mb": memory_mb,
                "cpu_pct": self.figures.cpu_pct(),
                "ui_cpu_pct": self.ui_cpu_pct,
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Vigil:
    """Everything that watches a daemon on real time: `turn` and `beat` belong into its loop, `watchdog` is a thread."""

    pulse: Pulse
    heartbeat: Heartbeat
    watch: AlertWatch
    watchdog: Watchdog
    room: Room

    def turn(self) -> None:
        self.pulse.turn()

    def beat(self) -> None:
        self.room.look()
        self.heartbeat.poll()
        self.watch.poll()


def _calls_source(turnstiles: Turnstiles) -> Source:
    """Calls since the last round, those that had to wait as the bad ones."""
    told = [0, 0]

    def ask(watch: AlertWatch, now: datetime) -> None:
        calls, delayed = turnstiles.calls - told[0], turnstiles.delayed - told[1]
        told[:] = [turnstiles.calls, turnstiles.delayed]
        if delayed:
            watch.note(AlertName.THROTTLED_CALLS, now, Decimal(1), delayed)
        if calls > delayed:
            watch.note(AlertName.THROTTLED_CALLS, now, Decimal(0), calls - delayed)

    return ask


def api_source(metrics: Metrics) -> Source:
    """Requests over HTTP since the last round, those that ended in an error of ours as the bad ones."""
    told = [0, 0]

    def ask(watch: AlertWatch, now: datetime) -> None:
        answered, failed = metrics.answered - told[0], metrics.failed - told[1]
        told[:] = [metrics.answered, metrics.failed]
        if failed:
            watch.note(AlertName.API_ERRORS, now, Decimal(1), failed)
        if answered > failed:
            watch.note(AlertName.API_ERRORS, now, Decimal(0), answered - failed)

    return ask


def _process_source(figures: ProcessFigures, heartbeat: Heartbeat) -> Source:
    def ask(watch: AlertWatch, now: datetime) -> None:
        watch.note(AlertName.MEMORY_GROWTH, now, figures.memory_mb())
        busy = figures.thread_pct(UI_THREAD)
        if busy is not None:
            heartbeat.ui_cpu_pct = busy
            watch.note(AlertName.UI_CPU, now, busy)

    return ask


def _statements_source(statements: StatementTimes) -> Source:
    def ask(watch: AlertWatch, now: datetime) -> None:
        slowest = statements.take_slowest_s()
        if slowest:
            watch.note(AlertName.SLOW_QUERY, now, Decimal(str(round(slowest, 3))))

    return ask


def begin_vigil(
    stack: ExitStack,
    settings: Settings,
    books: Books,
    engine: Engine,
    doors: Calls,
    clock: Clock,
    telemetry: FillTelemetry | None,
) -> Vigil:
    """What watches a run on real time, begun; the watchdog ends with the stack. `clock` is the engine's: a thread's
    silence is measured by the machine's."""
    real = RealClock()
    pulse, figures, every_s = Pulse(real), ProcessFigures(real), settings.alerts.heartbeat_interval_s
    heartbeat = Heartbeat(
        memory=engine.memory,
        inbox=engine.inbox,
        figures=figures,
        pulse=pulse,
        clock=clock,
        real=real,
        publish=books.bus.publish,
        every_s=every_s,
    )
    sources = [_process_source(figures, heartbeat), _statements_source(StatementTimes(books.database, real))]
    actions = {AlertAction.TELEMETRY_OFF: _off_when(telemetry.switch)} if telemetry is not None else {}
    watch = alert_watch(settings, engine.inbox, clock, doors, sources=sources, actions=actions)
    books.bus.subscribe(watch)
    watchdog = Watchdog(
        pulse=pulse,
        clock=real,
        halt=engine.memory.halt,
        inbox=engine.inbox,
        tell=books.log,
        heartbeat_every=timedelta(seconds=every_s),
    )
    engine.room.look()
    watchdog.start()
    stack.callback(watchdog.stop)
    return Vigil(pulse=pulse, heartbeat=heartbeat, watch=watch, watchdog=watchdog, room=engine.room)


def _off_when(switch: Callable[[bool], None]) -> Callable[[bool], None]:
    """On while the alert does not stand."""
    return lambda is_firing: switch(not is_firing)
