"""Figures for Prometheus: they count what happened, and the dashboard and the alert rules ask for what is there."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from decimal import Decimal

import pytest
import yaml

from docs.monitoring import PANELS, alert_rules, dashboard
from tests.builders import NOON
from tests.unit.api.rig import Rig
from tests.unit.api.test_orders import fail, fill, place
from tradebot.adapters.metrics import Metrics
from tradebot.domain.access import Scope
from tradebot.domain.alerts import ALERT_RULES, Severity
from tradebot.domain.events import Event, EventName, Level

WANTED = {
    *("http_requests_total", "http_request_duration_seconds", "websocket_connection_duration_seconds", "ws_clients"),
    *("order_update_latency_seconds", "orders", "order_placement_total", "order_placement_duration_seconds"),
    *("order_execution_total", "order_execution_duration_seconds", "retries_total", "orders_retriable"),
    *("orders_expired_total", "db_errors_total", "db_pool_in_use", "batch_orders_total"),
    *("monitor_cycle_duration_seconds", "broker_request_duration_seconds", "broker_request_errors_total"),
    *("rate_limit_throttled_total", "quote_cache_total", "guard_blocks_total", "slippage_bps", "coid_entries"),
    *("coid_duplicates_total", "db_query_duration_seconds", "process_resident_memory_bytes"),
    *("process_cpu_seconds_total", "rollout_phase", "alerts_firing"),
}
_NOT_NAMES = {"sum", "by", "rate", "histogram_quantile", "le", "increase", "up", "job"}


def names_in(text: str) -> set[str]:
    return {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}


def value(text: str, line: str) -> float:
    found = re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
    assert found, f"{line} is not among\n{text}"
    return float(found[1])


def test_every_figure_that_is_promised_is_there(shared_rig: Rig) -> None:
    answer = shared_rig.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert names_in(answer.text) >= WANTED
    assert "_created" not in answer.text


def test_they_count_what_happens_to_orders(rig: Rig) -> None:
    (order,) = place(rig, "INFY")
    fill(rig, order)
    fail(rig, "TCS")
    rig.get("/api/v1/user/orders/nothing")
    text = rig.get("/metrics").text
    assert value(text, 'order_placement_total{result="accepted"}') == 1
    assert value(text, 'order_placement_total{result="rejected"}') == 1
    assert value(text, "order_placement_duration_seconds_count") == 2
    assert value(text, 'order_execution_total{result="filled"}') == 1
    assert value(text, "order_execution_duration_seconds_count") == 1
    assert value(text, 'orders{status="ongoing"}') == 1
    assert value(text, 'orders{status="failed"}') == 1
    assert value(text, 'coid_entries{state="filled"}') == 1
    assert value(text, 'broker_request_errors_total{error="refused",kind="place"}') == 1
    assert value(text, "db_query_duration_seconds_count" + '{kind="read"}') > 0
    missing = 'endpoint="/api/v1/user/orders/{order_id}",method="GET",status="404"'
    assert value(text, f"http_requests_total{{{missing}}}") == 1


def test_labels_are_patterns_and_never_what_a_caller_made_up(rig: Rig) -> None:
    for number in range(5):
        rig.get(f"/made-up-{number}")
        rig.client.request(f"MADEUP{number}", "/health")
    text = rig.get("/metrics").text
    assert "made-up" not in text
    assert "MADEUP" not in text


def test_with_tokens_made_figures_need_one(rig: Rig) -> None:
    headers = rig.token(Scope.READ)
    assert rig.get("/metrics").status_code == 401
    assert rig.get("/metrics", headers=headers).status_code == 200


def test_an_alert_is_1_while_it_fires() -> None:
    metrics = Metrics()
    line = 'alerts_firing{alert="fill_rate",severity="critical"}'
    fields = {"alert": "fill_rate", "severity": "critical", "figure": Decimal(1)}
    metrics.heard(Event(name=EventName.ALERT_FIRING, at=NOON, message="", level=Level.CRITICAL, fields=fields))
    assert value(metrics.text().decode(), line) == 1
    later = NOON + timedelta(hours=1)
    metrics.heard(Event(name=EventName.ALERT_RESOLVED, at=later, message="", fields={"alert": "fill_rate"}))
    assert value(metrics.text().decode(), line) == 0


def test_the_dashboard_asks_for_figures_that_are_there(shared_rig: Rig) -> None:
    there = names_in(shared_rig.get("/metrics").text)
    asked = set()
    for expression in (line[0] for panel in PANELS for line in panel[3]):
        without_labels = re.sub(r"\{[^}]*\}|\[[^\]]*\]|by \([^)]*\)", " ", expression)
        asked |= set(re.findall(r"[a-z_]{2,}", without_labels)) - _NOT_NAMES
    assert {re.sub(r"_bucket$", "", name) for name in asked} - there == set()
    board = json.loads(dashboard())
    assert len(board["panels"]) == len(PANELS)
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]}) == len(PANELS)


def test_prometheus_has_a_rule_for_each_threshold_of_the_daemons_own_table(shared_rig: Rig) -> None:
    rules = yaml.safe_load(alert_rules())["groups"][0]["rules"]
    asked = {tuple(re.findall(r'"([a-z_]+)"', rule["expr"])) for rule in rules if "alerts_firing" in rule["expr"]}
    table = {
        (str(rule.name), str(severity))
        for rule in ALERT_RULES.values()
        for severity in Severity
        if (rule.critical if severity is Severity.CRITICAL else rule.warning) is not None
    }
    assert asked == table
    text = shared_rig.get("/metrics").text
    for alert, severity in table:
        assert value(text, f'alerts_firing{{alert="{alert}",severity="{severity}"}}') == 0
    assert len({rule["alert"] for rule in rules}) == len(rules)


@pytest.mark.parametrize("path", ["alerts.yml", "dashboard.json", "prometheus.yml"])
def test_the_files_of_monitoring_can_be_read(path: str) -> None:
    from docs.generate import FOLDER

    assert yaml.safe_load((FOLDER.parent / "monitoring" / path).read_text())
