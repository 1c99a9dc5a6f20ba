"""Each alert rule fires when its cause is there, does what it says, and is over when the cause is gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import cast

import pytest
from sqlalchemy import create_engine, text

from tests.builders import NOON, a_signal
from tests.unit.calls.builders import CountingMarket, SteppedClock
from tests.unit.engine.house import House
from tradebot.adapters.calls.limited import LimitedQuotes, Turnstiles
from tradebot.adapters.calls.quote_cache import CachedQuotes
from tradebot.adapters.calls.turnstile import CountingTurnstile
from tradebot.adapters.lanes import InlineLanes
from tradebot.adapters.metrics import Metrics
from tradebot.adapters.storage.database import write_transaction
from tradebot.adapters.storage.sqlite_memory import SqliteMemory
from tradebot.adapters.storage.statement_times import StatementTimes
from tradebot.app.watching import _calls_source, _statements_source, api_source
from tradebot.domain.alerts import ALERT_RULES, AlertAction, AlertLimits, AlertName, Measure, Severity
from tradebot.domain.call_limits import CallLimit
from tradebot.domain.events import Event, EventName, FieldValue, Level
from tradebot.engine.alert_watch import AlertWatch, Source
from tradebot.engine.answers import Outcome
from tradebot.engine.commands import AcknowledgeAlert, PauseEntries
from tradebot.runtime.watchdog import Pulse, Watchdog


class Watched:
    """An engine on real books whose events a watch hears; `switched` notes what the actions were told."""

    def __init__(self, *sources: Source) -> None:
        self.house = House()
        self.switched: list[tuple[str, bool]] = []
        self.watch = AlertWatch(
            clock=self.house.clock,
            put=lambda message: self.house.inbox.put(message),
            sources=sources,
            actions={action: self._switch(action) for action in AlertAction},
        )
        self.house.bus.subscribe(self.watch)

    def tell(self, name: str, times: int = 1, **fields: FieldValue) -> None:
        for number in range(times):
            facts: dict[str, FieldValue] = {"order_id": f"{name}{number}{self.house.clock.at}", **fields}
            event = Event(name=cast(EventName, name), at=self.house.clock.at, message="", fields=facts)
            self.house.bus.publish([event])

    def orders(self, times: int, *names: str) -> None:
        """So many buys that each have these events, one after the other."""
        for number in range(times):
            for name in names:
                self.tell(name, order_id=f"{names}{number}{self.house.clock.at}", side="buy")

    def look(self, minutes: float = 1) -> None:
        """A while later the figures are made, and the engine takes up what has changed."""
        self.house.clock.at += timedelta(minutes=minutes)
        self.watch.poll()
        self.house.settle()

    def severity(self, name: AlertName) -> Severity | None:
        standing = self.house.memory.alerts.get(name)
        return standing.severity if standing is not None else None

    def told(self, name: EventName) -> list[Event]:
        return self.house.told(name)

    def _switch(self, action: AlertAction) -> Callable[[bool], None]:
        return lambda is_on: self.switched.append((str(action), is_on))


def test_a_duplicate_warns_and_the_fourth_in_an_hour_stops_entries() -> None:
    watched = Watched()
    watched.house.signals(a_signal())
    watched.house.signals(a_signal())
    watched.look()
    assert watched.severity(AlertName.DUPLICATE_ORDERS) is Severity.WARNING
    assert not watched.house.memory.is_paused

    for _ in range(3):
        watched.house.signals(a_signal())
    watched.look()

    assert watched.severity(AlertName.DUPLICATE_ORDERS) is Severity.CRITICAL
    assert watched.house.memory.is_paused
    (paused,) = watched.told(EventName.ENTRIES_PAUSED)
    assert paused.correlation_id == "alert:duplicate_orders"
    watched.look(minutes=61)
    assert watched.severity(AlertName.DUPLICATE_ORDERS) is None
    assert watched.house.memory.is_paused, "entries are resumed by people"


@pytest.mark.parametrize(
    ("slippage_bps", "severity"),
    [("20", None), ("20.1", Severity.WARNING), ("50", Severity.WARNING), ("50.1", Severity.CRITICAL)],
)
def test_slippage_of_entries_is_judged_by_its_mean(slippage_bps: str, severity: Severity | None) -> None:
    watched = Watched()
    watched.tell("ENTRY_SLIPPAGE", 10, slippage_bps=Decimal(slippage_bps) - 5)
    watched.tell("ENTRY_SLIPPAGE", 10, slippage_bps=Decimal(slippage_bps) + 5)
    watched.look()

    assert watched.severity(AlertName.ENTRY_SLIPPAGE) is severity
    if severity is Severity.CRITICAL:
        assert ("offer_guards", True) in watched.switched
        (alarm,) = watched.told(EventName.ALERT_FIRING)
        assert "slippage 15 bps (true)" in alarm.message
        assert "main.py rollout back guards" in alarm.message
    watched.look(minutes=61)
    assert watched.severity(AlertName.ENTRY_SLIPPAGE) is None


def test_nineteen_events_are_too_few_for_a_rate() -> None:
    watched = Watched()
    watched.tell("ENTRY_SLIPPAGE", 19, slippage_bps=Decimal(99))
    watched.look()
    assert watched.severity(AlertName.ENTRY_SLIPPAGE) is None

    watched.tell("ENTRY_SLIPPAGE", 1, slippage_bps=Decimal(99))
    watched.look()
    assert watched.severity(AlertName.ENTRY_SLIPPAGE) is Severity.CRITICAL


@pytest.mark.parametrize(
    ("full", "severity"), [(16, None), (15, Severity.WARNING), (14, Severity.WARNING), (13, Severity.CRITICAL)]
)
def test_the_fill_rate_is_of_entries_that_are_finished(full: int, severity: Severity | None) -> None:
    watched = Watched()
    watched.orders(full, "ORDER_SENT", "ORDER_ACCEPTED", "ORDER_FILLED")
    watched.orders(20 - full, "ORDER_SENT", "ORDER_ACCEPTED", "ORDER_PARTIAL", "ORDER_CANCELLED")
    watched.orders(30, "ORDER_SENT", "ORDER_ACCEPTED")
    watched.look()

    assert watched.severity(AlertName.FILL_RATE) is severity
    assert watched.severity(AlertName.PLACEMENT_FAILURES) is None
    watched.look(minutes=61)
    assert watched.severity(AlertName.FILL_RATE) is None


def test_failed_placements_warn_and_refusals_by_guards_do_not_count() -> None:
    watched = Watched()
    watched.orders(19, "ORDER_SENT", "ORDER_ACCEPTED")
    watched.orders(50, "ORDER_REJECTED")
    watched.orders(1, "ORDER_SENT", "ORDER_REJECTED")
    watched.look()
    assert watched.severity(AlertName.PLACEMENT_FAILURES) is None, "5 per cent are allowed"

    watched.orders(1, "ORDER_SENT", "ORDER_REJECTED")
    watched.look()
    assert watched.severity(AlertName.PLACEMENT_FAILURES) is Severity.WARNING
    watched.look(minutes=61)
    assert watched.severity(AlertName.PLACEMENT_FAILURES) is None


def test_orders_that_the_exchange_refuses_after_all_are_failed_executions() -> None:
    watched = Watched()
    watched.orders(18, "ORDER_SENT", "ORDER_ACCEPTED", "ORDER_FILLED")
    watched.orders(2, "ORDER_SENT", "ORDER_ACCEPTED", "ORDER_REJECTED")
    watched.look()
    assert watched.severity(AlertName.EXECUTION_FAILURES) is None, "10 per cent are allowed"

    watched.orders(1, "ORDER_SENT", "ORDER_ACCEPTED", "ORDER_REJECTED")
    watched.look()
    assert watched.severity(AlertName.EXECUTION_FAILURES) is Severity.WARNING
    watched.look(minutes=61)
    assert watched.severity(AlertName.EXECUTION_FAILURES) is None


def test_throttled_calls_make_the_cache_fetch_less() -> None:
    clock = SteppedClock()
    turnstiles = Turnstiles(**{kind: _turnstile(clock) for kind in ("quotes", "orders", "rest")})
    market = CountingMarket(clock)
    cache = CachedQuotes(
        LimitedQuotes(market, turnstiles.quotes), clock=clock, lanes=InlineLanes(), tell=lambda _: None
    )
    watched = Watched(_calls_source(turnstiles))
    watched.watch._actions = {AlertAction.FETCH_LESS: cache.be_frugal}

    for number in range(30):
        cache.quotes([f"S{number}"])
    watched.look()

    assert watched.severity(AlertName.THROTTLED_CALLS) is Severity.CRITICAL
    clock.step(4)
    calls = len(market.calls)
    cache.quotes(["S29"])
    assert len(market.calls) == calls, "a quote of four seconds ago is not fetched again"
    watched.look(minutes=61)
    assert watched.severity(AlertName.THROTTLED_CALLS) is None
    cache.quotes(["S29"])
    assert len(market.calls) == calls + 1


@pytest.mark.parametrize(
    ("mb_a_day", "severity"), [(90, None), (110, Severity.WARNING), (490, Severity.WARNING), (510, Severity.CRITICAL)]
)
def test_memory_that_grows_switches_telemetry_off(mb_a_day: int, severity: Severity | None) -> None:
    grown = [Decimal(100)]

    def memory(watch: AlertWatch, now: object) -> None:
        watch.note(AlertName.MEMORY_GROWTH, watched.house.clock.at, grown[0])

    watched = Watched(memory)
    for _ in range(49):
        watched.look(minutes=30)
        grown[0] += Decimal(mb_a_day) / 48
    assert watched.severity(AlertName.MEMORY_GROWTH) is severity
    assert (("telemetry_off", True) in watched.switched) == (severity is Severity.CRITICAL)

    for _ in range(60):
        watched.look(minutes=30)
    assert watched.severity(AlertName.MEMORY_GROWTH) is None


def test_memory_that_grows_at_the_start_alone_raises_no_alarm() -> None:
    watched = Watched()
    for minute in range(60):
        watched.watch.note(AlertName.MEMORY_GROWTH, NOON + timedelta(minutes=minute), Decimal(minute))
    watched.look(minutes=60)
    assert watched.severity(AlertName.MEMORY_GROWTH) is None


def test_a_terminal_that_eats_the_processor_is_switched_off() -> None:
    watched = Watched()
    for minute in range(20):
        watched.watch.note(AlertName.UI_CPU, NOON + timedelta(minutes=minute), Decimal(26))
    watched.look(minutes=20)

    assert watched.severity(AlertName.UI_CPU) is Severity.CRITICAL
    assert ("monitors_off", True) in watched.switched
    watched.look(minutes=61)
    assert watched.severity(AlertName.UI_CPU) is None
    assert watched.switched[-1] == ("monitors_off", False)


def test_errors_of_the_api_warn_from_one_in_a_hundred_on() -> None:
    metrics = Metrics()
    watched = Watched()
    watched.watch.ask_too(api_source(metrics))
    for status in [200] * 90 + [422] * 9 + [500]:
        metrics.request("/health", "GET", status, 0.01)
    watched.look()
    assert watched.severity(AlertName.API_ERRORS) is None, "1 per cent is allowed, and refusals are no faults of ours"

    metrics.request("/health", "GET", 503, 0.01)
    watched.look()
    assert watched.severity(AlertName.API_ERRORS) is Severity.WARNING
    watched.look(minutes=61)
    assert watched.severity(AlertName.API_ERRORS) is None


@pytest.mark.parametrize(("took_s", "severity"), [(1.0, None), (1.1, Severity.WARNING)])
def test_a_statement_of_the_database_that_takes_long_warns(took_s: float, severity: Severity | None) -> None:
    clock = SteppedClock()
    database = create_engine("sqlite://")
    watched = Watched(_statements_source(StatementTimes(database, clock)))
    with database.connect() as connection:
        connection.connection.create_function("slowly", 0, lambda: clock.step(took_s))  # type: ignore[attr-defined]
        connection.execute(text("select slowly()"))
    database.dispose()
    watched.look()

    assert watched.severity(AlertName.SLOW_QUERY) is severity
    watched.look(minutes=61)
    assert watched.severity(AlertName.SLOW_QUERY) is None


def test_a_transaction_of_the_order_path_that_takes_long_warns() -> None:
    clock, memory = SteppedClock(), SqliteMemory()
    watched = Watched(_statements_source(StatementTimes(memory.engine, clock)))
    with write_transaction(memory.engine) as cursor:
        cursor.execute("select 1")
        clock.step(1.1)
    watched.look()

    assert watched.severity(AlertName.SLOW_QUERY) is Severity.WARNING
    memory.engine.dispose()


def test_the_eleventh_error_in_an_hour_warns() -> None:
    watched = Watched()
    fault = Event(name=EventName.INTERNAL_FAULT, at=NOON, message="a defect", level=Level.ERROR)
    watched.house.bus.publish([fault] * 10)
    watched.look()
    assert watched.severity(AlertName.APPLICATION_FAULTS) is None

    watched.house.bus.publish([fault])
    watched.look()
    assert watched.severity(AlertName.APPLICATION_FAULTS) is Severity.WARNING
    watched.look(minutes=61)
    assert watched.severity(AlertName.APPLICATION_FAULTS) is None


def test_deaths_in_a_row_pause_entries_at_once_and_are_over_after_an_hour() -> None:
    watched = Watched()
    watched.watch.found(AlertName.DEATHS_IN_A_ROW, watched.house.clock.at, Decimal(3))
    watched.house.settle()

    assert watched.severity(AlertName.DEATHS_IN_A_ROW) is Severity.CRITICAL
    assert watched.house.memory.is_paused
    assert len(watched.told(EventName.ALERT_FIRING)) == 1
    watched.look(minutes=59)
    assert watched.severity(AlertName.DEATHS_IN_A_ROW) is Severity.CRITICAL
    watched.look(minutes=1)
    assert watched.severity(AlertName.DEATHS_IN_A_ROW) is None
    assert watched.house.memory.is_paused, "that it lives says nothing about entries"


def test_deaths_that_people_were_told_of_are_shown_and_not_told_again() -> None:
    watched = Watched()
    watched.watch.found(AlertName.DEATHS_IN_A_ROW, watched.house.clock.at, Decimal(4), is_told=True)
    watched.house.settle()

    assert watched.severity(AlertName.DEATHS_IN_A_ROW) is Severity.CRITICAL
    assert watched.house.memory.is_paused
    assert watched.told(EventName.ALERT_FIRING) == []


def test_a_stream_that_stays_away_for_more_than_a_minute_warns() -> None:
    watched = Watched()
    watched.tell("STREAM_DISCONNECTED")
    watched.look(minutes=1)
    assert watched.severity(AlertName.STREAM_DOWN) is None

    watched.look(minutes=0.5)
    assert watched.severity(AlertName.STREAM_DOWN) is Severity.WARNING
    watched.tell("STREAM_CONNECTED")
    watched.look()
    assert watched.severity(AlertName.STREAM_DOWN) is None


@pytest.mark.parametrize(("good", "severity"), [(19, Severity.WARNING), (20, None)])
def test_one_batch_in_twenty_that_fails_warns(good: int, severity: Severity | None) -> None:
    watched = Watched()
    watched.tell("BATCH_COMPLETED", good, batch_status="success")
    watched.tell("BATCH_COMPLETED", 20 - good, batch_status="rolled_back")
    watched.look()

    assert watched.severity(AlertName.BATCH_SUCCESS) is severity
    watched.look(minutes=61)
    assert watched.severity(AlertName.BATCH_SUCCESS) is None


@pytest.mark.parametrize(("name", "silent_s"), [(AlertName.SILENT_ENGINE, 10.5), (AlertName.MISSED_HEARTBEATS, 180)])
def test_a_silent_engine_cannot_enter_from_the_first_moment_on(name: AlertName, silent_s: float) -> None:
    watched, clock = Watched(), SteppedClock()
    house, at_once = watched.house, list[Event]()
    pulse = Pulse(clock)
    dog = Watchdog(
        pulse=pulse,
        clock=clock,
        halt=house.memory.halt,
        inbox=house.inbox,
        tell=at_once.append,
        heartbeat_every=timedelta(seconds=60),
    )
    clock.step(silent_s - 1)
    if name is AlertName.MISSED_HEARTBEATS:
        pulse.turn()
    dog.look()
    assert not at_once

    clock.step(1)
    dog.look()
    dog.look()
    (alarm,) = at_once
    assert (alarm.level, alarm.fields["alert"]) == (Level.CRITICAL, name)

    # The engine wakes: the signal that waited before the alarm is refused all the same.
    house.signals(a_signal())
    assert not house.orders()
    assert house.memory.is_paused
    assert watched.severity(name) is Severity.CRITICAL

    pulse.turn()
    pulse.beat()
    dog.look()
    house.tell(PauseEntries(is_paused=False, correlation_id="test"))
    assert watched.severity(name) is None
    house.signals(a_signal())
    assert len(house.orders()) == 1


def test_an_alert_is_acknowledged_once_and_for_as_long_as_it_stands() -> None:
    watched = Watched()
    asked = AcknowledgeAlert(name=AlertName.DUPLICATE_ORDERS, by="anna", correlation_id="c1")
    too_early = watched.house.answers.expect("c1")
    watched.house.tell(asked)
    assert too_early.result(0).outcome is Outcome.CONFLICT

    watched.tell("COID_DUPLICATE")
    watched.look()
    answered = watched.house.answers.expect("c1")
    watched.house.tell(asked)
    assert answered.result(0).outcome is Outcome.DONE
    assert watched.house.memory.alerts[AlertName.DUPLICATE_ORDERS].acknowledged_by == "anna"
    assert len(watched.told(EventName.ALERT_ACKNOWLEDGED)) == 1

    watched.tell("COID_DUPLICATE", 3)
    watched.look()
    assert not watched.house.memory.alerts[AlertName.DUPLICATE_ORDERS].acknowledged_by, "it has got worse"


def test_the_operator_sets_window_and_minimum_of_every_rate() -> None:
    limits = AlertLimits(window=timedelta(minutes=10), events_min=5, memory_window=timedelta(hours=6))

    for rule in ALERT_RULES.values():
        if rule.is_rate:
            assert (limits.window_of(rule), limits.events_min_of(rule)) == (timedelta(minutes=10), 5)
    assert limits.window_of(ALERT_RULES[AlertName.MEMORY_GROWTH]) == timedelta(hours=6)
    assert limits.window_of(ALERT_RULES[AlertName.DUPLICATE_ORDERS]) == timedelta(hours=1)


def test_every_rule_is_in_the_table_and_can_fire() -> None:
    assert list(ALERT_RULES) == list(AlertName)
    for rule in ALERT_RULES.values():
        assert rule.warning is not None or rule.critical is not None
        assert rule.measure in Measure


def _turnstile(clock: SteppedClock) -> CountingTurnstile:
    return CountingTurnstile(CallLimit(per_s=10), clock, lambda _: None)
