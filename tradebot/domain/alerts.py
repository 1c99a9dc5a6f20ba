"""The alert rules as one table: what is measured, from where on it is a warning or critical, and what is done then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from tradebot.domain.starts import MANY


class Severity(StrEnum):
    WARNING = "warning"
    CRITICAL = "critical"


class Measure(StrEnum):
    """How a figure is made from what was noted within the window.

    `count`: how many; `mean`: of the noted values; `share`: how many of them in a hundred were of the bad kind;
    `good_share`: of the good kind; `highest`: the greatest value; `growth`: the slope of the values, for a day;
    `level`: the last value.
    """

    COUNT = "count"
    MEAN = "mean"
    SHARE = "share"
    GOOD_SHARE = "good_share"
    HIGHEST = "highest"
    GROWTH = "growth"
    LEVEL = "level"


class AlertAction(StrEnum):
    """What a critical alert does by itself. `offer_guards`: nothing; it names the guards' thresholds, and the command
    that switches them off."""

    NONE = "none"
    STOP_ENTRIES = "stop_entries"
    OFFER_GUARDS = "offer_guards"
    FETCH_LESS = "fetch_less"
    TELEMETRY_OFF = "telemetry_off"
    MONITORS_OFF = "monitors_off"


class AlertName(StrEnum):
    DUPLICATE_ORDERS = "duplicate_orders"
    ENTRY_SLIPPAGE = "slippage_of_entries"
    FILL_RATE = "fill_rate"
    THROTTLED_CALLS = "throttled_calls"
    MEMORY_GROWTH = "memory_growth"
    UI_CPU = "ui_cpu"
    PLACEMENT_FAILURES = "placement_failures"
    EXECUTION_FAILURES = "execution_failures"
    API_ERRORS = "api_errors"
    SLOW_QUERY = "slow_query"
    APPLICATION_FAULTS = "application_faults"
    MISSED_HEARTBEATS = "missed_heartbeats"
    SILENT_ENGINE = "silent_engine"
    STREAM_DOWN = "stream_down"
    BATCH_SUCCESS = "batch_success"
    DEATHS_IN_A_ROW = "deaths_in_a_row"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """One row of the table. A figure beyond `warning` or `critical` fires; with `is_low_bad`, one below it; with
    `is_equal_bad` one that equals it fires too. `is_rate`: the operator's window and minimum of events apply."""

    name: AlertName
    meaning: str
    measure: Measure
    unit: str
    warning: Decimal | None
    critical: Decimal | None
    window: timedelta
    events_min: int = 1
    is_rate: bool = False
    is_low_bad: bool = False
    is_equal_bad: bool = False
    action: AlertAction = AlertAction.NONE

    def severity_of(self, figure: Decimal) -> Severity | None:
        if self.critical is not None and self._is_bad(figure, self.critical):
            return Severity.CRITICAL
        if self.warning is not None and self._is_bad(figure, self.warning):
            return Severity.WARNING
        return None

    def threshold_of(self, severity: Severity) -> Decimal:
        found = self.critical if severity is Severity.CRITICAL else self.warning
        assert found is not None
        return found

    def _is_bad(self, figure: Decimal, threshold: Decimal) -> bool:
        if figure == threshold:
            return self.is_equal_bad
        return figure < threshold if self.is_low_bad else figure > threshold


_HOUR = timedelta(hours=1)
_EVENTS_MIN = 20


def _rate(name: AlertName, meaning: str, measure: Measure, unit: str, *at: str | None, **more: object) -> AlertRule:
    warning, critical = (Decimal(text) if text is not None else None for text in at)
    rule: dict[str, object] = {"window": _HOUR, "events_min": _EVENTS_MIN, "is_rate": True, **more}
    return AlertRule(name=name, meaning=meaning, measure=measure, unit=unit, warning=warning, critical=critical, **rule)  # type: ignore[arg-type]


ALERT_RULES: Mapping[AlertName, AlertRule] = {
    rule.name: rule
    for rule in (
        AlertRule(
            name=AlertName.DUPLICATE_ORDERS,
            meaning="submissions that were stopped because their order stands already",
            measure=Measure.COUNT,
            unit="in an hour",
            warning=Decimal(0),
            critical=Decimal(3),
            window=_HOUR,
            action=AlertAction.STOP_ENTRIES,
        ),
        _rate(
            AlertName.ENTRY_SLIPPAGE,
            "how much worse entries were filled than the reference price, on average",
            Measure.MEAN,
            "basis points",
            "20",
            "50",
            action=AlertAction.OFFER_GUARDS,
        ),
        _rate(
            AlertName.FILL_RATE,
            "finished entries that were filled fully",
            Measure.GOOD_SHARE,
            "per cent",
            "80",
            "70",
            is_low_bad=True,
            action=AlertAction.OFFER_GUARDS,
        ),
        _rate(
            AlertName.THROTTLED_CALLS,
            "calls to the broker that had to wait for their turn",
            Measure.SHARE,
            "per cent",
            "15",
            "30",
            action=AlertAction.FETCH_LESS,
        ),
        AlertRule(
            name=AlertName.MEMORY_GROWTH,
            meaning="growth of the process's memory, from its slope",
            measure=Measure.GROWTH,
            unit="MB a day",
            warning=Decimal(100),
            critical=Decimal(500),
            window=timedelta(hours=24),
            events_min=_EVENTS_MIN,
            action=AlertAction.TELEMETRY_OFF,
        ),
        _rate(
            AlertName.UI_CPU,
            "share of one processor that the terminal's thread uses",
            Measure.MEAN,
            "per cent",
            "10",
            "25",
            action=AlertAction.MONITORS_OFF,
        ),
        _rate(
            AlertName.PLACEMENT_FAILURES,
            "orders that were sent and did not come to stand at the broker",
            Measure.SHARE,
            "per cent",
            "5",
            None,
        ),
        _rate(
            AlertName.EXECUTION_FAILURES,
            "orders that stood at the broker and were refused afterwards",
            Measure.SHARE,
            "per cent",
            "10",
            None,
        ),
        _rate(
            AlertName.API_ERRORS,
            "requests over HTTP that ended in an error of ours",
            Measure.SHARE,
            "per cent",
            "1",
            None,
        ),
        AlertRule(
            name=AlertName.SLOW_QUERY,
            meaning="the slowest statement of the database",
            measure=Measure.HIGHEST,
            unit="seconds",
            warning=Decimal(1),
            critical=None,
            window=_HOUR,
        ),
        AlertRule(
            name=AlertName.APPLICATION_FAULTS,
            meaning="events of level ERROR or CRITICAL",
            measure=Measure.COUNT,
            unit="in an hour",
            warning=Decimal(10),
            critical=None,
            window=_HOUR,
        ),
        AlertRule(
            name=AlertName.MISSED_HEARTBEATS,
            meaning="heartbeats that should have come since the last one",
            measure=Measure.LEVEL,
            unit="heartbeats",
            warning=None,
            critical=Decimal(3),
            window=_HOUR,
            is_equal_bad=True,
            action=AlertAction.STOP_ENTRIES,
        ),
        AlertRule(
            name=AlertName.SILENT_ENGINE,
            meaning="since the engine's last turn",
            measure=Measure.LEVEL,
            unit="seconds",
            warning=None,
            critical=Decimal(10),
            window=_HOUR,
            action=AlertAction.STOP_ENTRIES,
        ),
        AlertRule(
            name=AlertName.STREAM_DOWN,
            meaning="since the broker's stream was lost",
            measure=Measure.LEVEL,
            unit="seconds",
            warning=Decimal(60),
            critical=None,
            window=_HOUR,
        ),
        _rate(
            AlertName.BATCH_SUCCESS,
            "batches whose legs were all placed",
            Measure.GOOD_SHARE,
            "per cent",
            "95",
            None,
            is_low_bad=True,
            is_equal_bad=True,
        ),
        AlertRule(
            name=AlertName.DEATHS_IN_A_ROW,
            meaning="starts before this one that ended in deaths, each within an hour of the next",
            measure=Measure.LEVEL,
            unit="in a row",
            warning=None,
            critical=Decimal(MANY),
            window=_HOUR,
            is_equal_bad=True,
            action=AlertAction.STOP_ENTRIES,
        ),
    )
}
"""Every rule, in the order in which they are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLimits:
    """What the operator may set of all rates together: window and minimum of events; and the window of the memory."""

    window: timedelta = _HOUR
    events_min: int = _EVENTS_MIN
    memory_window: timedelta = timedelta(hours=24)

    def window_of(self, rule: AlertRule) -> timedelta:
        if rule.measure is Measure.GROWTH:
            return self.memory_window
        return self.window if rule.is_rate else rule.window

    def events_min_of(self, rule: AlertRule) -> int:
        return self.events_min if rule.is_rate else rule.events_min


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule's figure at one time, from so many events. `severity` is None where all is well."""

    name: AlertName
    severity: Severity | None
    figure: Decimal
    events: int
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingAlert:
    """One alert since `since`; `severity` is None once it is over. `acknowledged_by` is empty until somebody did."""

    name: AlertName
    severity: Severity | None
    figure: Decimal
    since: datetime
    acknowledged_by: str = ""


def judge(rule: AlertRule, figure: Decimal, events: int, limits: AlertLimits) -> Finding:
    """Too few events are no reason for an alarm."""
    severity = rule.severity_of(figure) if events >= limits.events_min_of(rule) else None
    return Finding(name=rule.name, severity=severity, figure=figure, events=events)
