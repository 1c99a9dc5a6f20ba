"""Makes what Prometheus and Grafana read, from the same table as the alerts: `python -m docs.generate` writes it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta

from tradebot.domain.alerts import ALERT_RULES, AlertAction, AlertRule, Severity

_WIDTH, _HEIGHT, _ACROSS = 8, 8, 3
_MINUTE = "[5m]"

Panel = tuple[str, str, str, Sequence[tuple[str, str]]]
"""Title, kind of panel, unit, and (expression, legend)."""


def _rate(counter: str, by: str) -> tuple[str, str]:
    return f"sum by ({by}) (rate({counter}{_MINUTE}))", f"{{{{{by}}}}}"


def _quantiles(histogram: str) -> list[tuple[str, str]]:
    return [
        (f"histogram_quantile({share}, sum by (le) (rate({histogram}_bucket{_MINUTE})))", f"p{int(share * 100)}")
        for share in (0.5, 0.99)
    ]


PANELS: Sequence[Panel] = (
    ("Orders by status", "stat", "short", [("orders", "{{status}}")]),
    ("Alerts firing", "stat", "short", [("alerts_firing == 1", "{{alert}} {{severity}}")]),
    (
        "Retriable and expired",
        "stat",
        "short",
        [("orders_retriable", "retriable"), ("orders_expired_total", "expired")],
    ),
    ("Placements", "timeseries", "ops", [_rate("order_placement_total", "result")]),
    ("Placement: sent to answered", "timeseries", "s", _quantiles("order_placement_duration_seconds")),
    ("Executions", "timeseries", "ops", [_rate("order_execution_total", "result")]),
    ("Execution: standing to ended", "timeseries", "s", _quantiles("order_execution_duration_seconds")),
    ("Slippage", "timeseries", "none", _quantiles("slippage_bps")),
    ("Guard blocks", "timeseries", "ops", [_rate("guard_blocks_total", "guard")]),
    ("Retries", "timeseries", "ops", [_rate("retries_total", "result")]),
    ("Batches", "timeseries", "ops", [_rate("batch_orders_total", "status")]),
    ("Duplicates that were stopped", "timeseries", "short", [("increase(coid_duplicates_total[1h])", "in an hour")]),
    ("Broker: calls that change something", "timeseries", "s", _quantiles("broker_request_duration_seconds")),
    ("Broker: failures", "timeseries", "ops", [_rate("broker_request_errors_total", "error")]),
    ("Calls that waited for their turn", "timeseries", "ops", [_rate("rate_limit_throttled_total", "call_class")]),
    ("Quote cache", "timeseries", "ops", [_rate("quote_cache_total", "result")]),
    ("Cycle", "timeseries", "s", _quantiles("monitor_cycle_duration_seconds")),
    ("Client order ids by state", "timeseries", "short", [("coid_entries", "{{state}}")]),
    ("HTTP requests", "timeseries", "reqps", [_rate("http_requests_total", "status")]),
    ("HTTP duration", "timeseries", "s", _quantiles("http_request_duration_seconds")),
    ("Order stream: clients", "timeseries", "short", [("ws_clients", "clients")]),
    ("Order stream: commit to queues", "timeseries", "s", _quantiles("order_update_latency_seconds")),
    ("Order stream: how long clients listen", "timeseries", "s", _quantiles("websocket_connection_duration_seconds")),
    ("Database: statements", "timeseries", "s", _quantiles("db_query_duration_seconds")),
    ("Database: errors", "timeseries", "ops", [_rate("db_errors_total", "kind")]),
    ("Database: connections lent out", "timeseries", "short", [("db_pool_in_use", "in use")]),
    ("Events by level", "timeseries", "ops", [_rate("events_total", "level")]),
    ("Memory", "timeseries", "bytes", [("process_resident_memory_bytes", "resident")]),
    ("Processor", "timeseries", "percentunit", [(f"rate(process_cpu_seconds_total{_MINUTE})", "one core is 1")]),
    ("Rollout phase", "stat", "short", [("rollout_phase", "phase")]),
)


def dashboard() -> str:
    """monitoring/dashboard.json, for Grafana."""
    panels = [_panel(number, panel) for number, panel in enumerate(PANELS)]
    source = {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}
    board = {
        "title": "tradebot",
        "uid": "tradebot",
        "timezone": "Asia/Kolkata",
        "refresh": "10s",
        "schemaVersion": 39,
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [source]},
        "panels": panels,
    }
    return json.dumps(board, indent=1) + "\n"


def alert_rules() -> str:
    """monitoring/alerts.yml, for Prometheus: a row for each threshold of the daemon's own table."""
    lines = [
        "# Made from tradebot/domain/alerts.py by `python -m docs.generate`; not to be edited by hand.",
        "# The daemon judges its figures itself, and says in alerts_firing what fires; Prometheus passes it on.",
        "groups:",
        "  - name: tradebot",
        "    rules:",
        *_rule("TradebotDown", 'up{job="tradebot"} == 0', "critical", "tradebot does not answer", "for a minute", "1m"),
    ]
    for rule in ALERT_RULES.values():
        for severity in Severity:
            lines += _rule_of(rule, severity)
    return "\n".join(lines) + "\n"


def _rule_of(rule: AlertRule, severity: Severity) -> Iterator[str]:
    threshold = rule.critical if severity is Severity.CRITICAL else rule.warning
    if threshold is None:
        return
    name = "".join(word.capitalize() for word in rule.name.split("_")) + severity.capitalize()
    sign = "below" if rule.is_low_bad else "above"
    hours = rule.window / timedelta(hours=1)
    text = f"{sign} {threshold} {rule.unit}, over {hours:g} h"
    if severity is Severity.CRITICAL and rule.action is not AlertAction.NONE:
        text += f"; by itself: {rule.action}"
    expression = f'alerts_firing{{alert="{rule.name}",severity="{severity}"}} == 1'
    yield from _rule(name, expression, severity, rule.meaning, text)


def _rule(name: str, expression: str, severity: str, summary: str, text: str, wait: str = "") -> list[str]:
    return [
        f"      - alert: {name}",
        f"        expr: {json.dumps(expression)}",
        *([f"        for: {wait}"] if wait else []),
        f"        labels: {{severity: {severity}}}",
        "        annotations:",
        f"          summary: {json.dumps(summary)}",
        f"          description: {json.dumps(text)}",
    ]


def _panel(number: int, panel: Panel) -> dict[str, object]:
    title, kind, unit, lines = panel
    place = {"x": number % _ACROSS * _WIDTH, "y": number // _ACROSS * _HEIGHT, "w": _WIDTH, "h": _HEIGHT}
    source = {"type": "prometheus", "uid": "${datasource}"}
    targets = [
        {"datasource": source, "expr": expression, "legendFormat": legend, "refId": chr(ord("A") + index)}
        for index, (expression, legend) in enumerate(lines)
    ]
    return {
        "id": number + 1,
        "title": title,
        "type": kind,
        "datasource": source,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "targets": targets,
    }
