"""Alerts as the engine keeps them: standing, acknowledged, over; and what a critical one does to entries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from tradebot.domain.alerts import ALERT_RULES, AlertAction, AlertName, AlertRule, Severity, StandingAlert
from tradebot.domain.events import EventName, FieldValue, Level
from tradebot.domain.policy import Policy
from tradebot.engine import ledger
from tradebot.engine.answers import Answer, Outcome
from tradebot.engine.commands import AcknowledgeAlert, ListAlerts, PauseEntries
from tradebot.engine.halt import Brake
from tradebot.engine.messages import AlertChanged
from tradebot.engine.unit import Unit

_CENT = Decimal("0.01")


def changed(unit: Unit, message: AlertChanged, policy: Policy, pause: Callable[[Unit, PauseEntries], None]) -> None:
    """A watch has found that an alert fires, gets worse or better, or is over."""
    rule, before = ALERT_RULES[message.name], unit.alerts.get(message.name)
    if message.severity is None:
        _over(unit, message, before)
        return
    is_new = before is None or before.severity is None
    standing = StandingAlert(
        name=message.name,
        severity=message.severity,
        figure=message.figure,
        since=unit.now if before is None or is_new else before.since,
    )
    unit.alerts[message.name] = standing
    if not message.is_told:
        _tell(unit, rule, message, policy)
    if message.severity is Severity.CRITICAL and rule.action is AlertAction.STOP_ENTRIES:
        pause(unit, PauseEntries(is_paused=True, correlation_id=f"alert:{rule.name}"))


def answered(unit: Unit, command: AcknowledgeAlert | ListAlerts) -> Answer:
    return _acknowledge(unit, command) if isinstance(command, AcknowledgeAlert) else _listed(unit, command)


def _acknowledge(unit: Unit, command: AcknowledgeAlert) -> Answer:
    """Somebody has seen it. The alert stands until its cause is gone; one that gets worse wants to be seen again."""
    standing = unit.alerts.get(command.name)
    if standing is None or standing.severity is None:
        text = f"{command.name} does not stand"
        return Answer(correlation_id=command.correlation_id, outcome=Outcome.CONFLICT, text=text)
    unit.alerts[command.name] = replace(standing, acknowledged_by=command.by)
    ledger.tell(
        unit,
        EventName.ALERT_ACKNOWLEDGED,
        f"{command.name}: seen by {command.by}",
        fields={"alert": command.name, "by": command.by},
        correlation_id=command.correlation_id,
    )
    return Answer(correlation_id=command.correlation_id, outcome=Outcome.DONE)


def _listed(unit: Unit, command: ListAlerts) -> Answer:
    """Every alert that stands, in words."""
    figures = {
        str(alert.name): describe_standing(alert) for alert in unit.alerts.values() if alert.severity is not None
    }
    return Answer(correlation_id=command.correlation_id, outcome=Outcome.DONE, figures=figures)


def describe_standing(alert: StandingAlert) -> str:
    """The alert in a few words, and who has seen it."""
    assert alert.severity is not None
    seen = f" (seen by {alert.acknowledged_by})" if alert.acknowledged_by else ""
    return describe(ALERT_RULES[alert.name], alert.severity, alert.figure) + seen


def describe(rule: AlertRule, severity: Severity, figure: Decimal) -> str:
    """The alert in a few words, for people."""
    sign = "below" if rule.is_low_bad else "above"
    return f"{rule.name}: {_short(figure)} {rule.unit}, {sign} {rule.threshold_of(severity)}: {severity}"


def fields_of(rule: AlertRule, message: AlertChanged, severity: Severity) -> dict[str, FieldValue]:
    return {
        "alert": rule.name,
        "severity": severity,
        "figure": _short(message.figure),
        "threshold": rule.threshold_of(severity),
        "events": message.events,
        "action": rule.action if severity is Severity.CRITICAL else AlertAction.NONE,
    }


def level_of(severity: Severity) -> Level:
    return Level.CRITICAL if severity is Severity.CRITICAL else Level.WARNING


def _over(unit: Unit, message: AlertChanged, before: StandingAlert | None) -> None:
    if before is None or before.severity is None:
        return
    unit.alerts[message.name] = replace(before, severity=None, figure=message.figure)
    lasted_s = round((unit.now - before.since).total_seconds())
    ledger.tell(
        unit,
        EventName.ALERT_RESOLVED,
        f"{message.name}: over after {lasted_s} s",
        fields={"alert": message.name, "figure": _short(message.figure), "lasted_s": lasted_s},
    )
    if message.name in (AlertName.SILENT_ENGINE, AlertName.MISSED_HEARTBEATS):
        unit.memory.halt.release(Brake.WATCHDOG)


def _tell(unit: Unit, rule: AlertRule, message: AlertChanged, policy: Policy) -> None:
    severity = message.severity
    assert severity is not None
    text = describe(rule, severity, message.figure)
    if severity is Severity.CRITICAL and rule.action is AlertAction.OFFER_GUARDS:
        text += f"; {_offer(policy)}"
    if severity is Severity.CRITICAL and rule.action is AlertAction.STOP_ENTRIES:
        text += "; entries are paused until `main.py resume`"
    fields = fields_of(rule, message, severity)
    ledger.tell(unit, EventName.ALERT_FIRING, text, fields=fields, level=level_of(severity))


def _offer(policy: Policy) -> str:
    """The thresholds that may be too wide or too tight, and how to do without them."""
    quotes = policy.quotes
    return (
        f"guards: spread {quotes.spread_bps_max} bps ({quotes.spread}), depth Rs {quotes.depth_notional_min}"
        f" ({quotes.depth}), slippage {quotes.slippage_bps_max} bps ({quotes.slippage});"
        " `main.py rollout back guards` switches them off"
    )


def _short(figure: Decimal) -> Decimal:
    return figure.quantize(_CENT) if figure != figure.to_integral_value() else Decimal(int(figure))
