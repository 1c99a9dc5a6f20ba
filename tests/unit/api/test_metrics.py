"""Figures for Prometheus: they count what happened, and the dashboard and the alert rules ask for what is there."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from decimal import Decimal

import pytest
import yaml

from docs.monitoring import PANELS, alert_rules, dashboard
from tests.builders import NOON, a_signal, some_terms
from tests.unit.api.rig import Rig
from tests.unit.api.test_orders import ORDERS, fail, fill, place
from tests.unit.api.test_stream import greeting, listening, next_of, until
from tests.unit.engine.fakes import unreachable
from tests.unit.engine.house import House
from tests.unit.engine.test_saving import Books
from tradebot.adapters.metrics import Metrics, Sources
from tradebot.domain.access import Scope
from tradebot.domain.alerts import ALERT_RULES, Severity
from tradebot.domain.errors import BrokerRejected
from tradebot.domain.event_fields import EVENT_FIELDS
from tradebot.domain.events import Event, EventName, Level
from tradebot.engine.commands import SweepQueue

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
BATCHES = '{endpoint="/accounts/{account_id}/batch-orders",method="POST",status="200"}'
CACHE = (EventName.CACHE_HIT, EventName.CACHE_STALE, EventName.CACHE_MISS)
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


def test_they_count_entries_batches_cycles_retries_blocks_and_duplicates(rig: Rig) -> None:
    wanted = {"symbol": "INFY", "side": "BUY", "quantity": 5, "price": "1001.00"}
    order = rig.client.post(ORDERS, json=wanted).json()
    rig.do(lambda house: house.settle())
    fill(rig, rig.get(f"{ORDERS}/{order['id']}").json()["order"])
    rig.do(lambda house: house.cycle())
    leg = {"tradingsymbol": "INFY", "exchange": "NSE", "transaction_type": "BUY", "quantity": 1, "product": "CNC"}
    legs = {"orders": [{**leg, "order_type": "LIMIT", "price": "1001.00"}]}
    assert rig.client.post("/accounts/primary/batch-orders", json=legs).json()["status"] == "success"
    assert rig.client.post(ORDERS, json={**wanted, "price": "1300"}).status_code == 422
    rig.do(lambda house: house.broker.symbol_terms.update(TCS=some_terms("TCS")))
    for _ in range(2):
        rig.do(lambda house: house.signals(a_signal(8, "TCS")))

    text = rig.get("/metrics").text
    assert value(text, "slippage_bps_count") == 1
    assert value(text, 'slippage_bps_bucket{le="0.0"}') == 1
    assert value(text, 'batch_orders_total{status="success"}') == 1
    assert value(text, "monitor_cycle_duration_seconds_count") == 1
    assert value(text, 'guard_blocks_total{guard="risk",shadow="false"}') == 1
    assert value(text, "coid_duplicates_total") == 1
    assert value(text, 'broker_request_duration_seconds_count{kind="place"}') >= 3
    assert value(text, 'db_query_duration_seconds_count{kind="write"}') >= 5
    assert value(text, "http_request_duration_seconds_count" + BATCHES) == 1
    failed = fail(rig, "SBIN")
    rig.client.post(f"{ORDERS}/{failed['id']}/retry")
    assert value(rig.get("/metrics").text, 'retries_total{result="updated"}') == 1


def test_they_count_those_who_listen_and_how_late_they_hear(rig: Rig) -> None:
    with listening(rig) as socket:
        greeting(socket)
        rig.do(lambda house: house.signals(a_signal()))
        next_of(socket)
        text = rig.get("/metrics").text
        assert value(text, "ws_clients") == 1
        assert value(text, "order_update_latency_seconds_count") > 0
    until(rig, lambda: value(rig.get("/metrics").text, "websocket_connection_duration_seconds_count") == 1)


def test_they_count_what_was_not_saved_what_was_sent_again_and_what_grew_too_old() -> None:
    books, metrics = Books([]), Metrics()
    house = House(books=books.wrap, listener=metrics.heard)
    house.broker.troubles["place"] = [BrokerRejected("no money"), unreachable()]
    house.signals(a_signal(1))
    house.broker.symbol_terms["TCS"] = some_terms("TCS")
    house.signals(a_signal(2, "TCS"))
    house.advance(minutes=1)
    books.refusals["save"] = 1
    house.signals(a_signal(3, "SBIN"))
    house.clock.at += timedelta(days=5)
    house.tell(SweepQueue(correlation_id="sweep"))

    text = metrics.text().decode()
    assert value(text, 'db_errors_total{kind="save"}') == 1
    assert value(text, 'retries_total{result="sent_again"}') == 1
    assert value(text, "orders_expired_total") == 1


def test_they_count_the_brokers_side_by_the_fields_that_are_documented() -> None:
    metrics = Metrics()
    told = {EventName.RATE_LIMIT_THROTTLE: {"call_class": "orders"}} | {name: {"symbol": "INFY"} for name in CACHE}
    for name, fields in told.items():
        assert set(fields) <= set(EVENT_FIELDS[name].always)
        metrics.heard(Event(name=name, at=NOON, message="", fields=fields))
    text = metrics.text().decode()
    assert value(text, 'rate_limit_throttled_total{call_class="orders"}') == 1
    for result in ("hit", "stale", "miss"):
        assert value(text, f'quote_cache_total{{result="{result}"}}') == 1


def test_what_is_looked_at_when_somebody_asks_is_asked_for_each_time() -> None:
    metrics, figures = Metrics(), {"n": 1}
    metrics.look_at(
        Sources(
            orders=lambda: {"pending": figures["n"]},
            retriable=lambda: figures["n"],
            attempts=lambda: {"filled": figures["n"]},
            connections=lambda: figures["n"],
            rollout_phase=lambda: figures["n"],
        )
    )
    for figures["n"] in (1, 2):
        text = metrics.text().decode()
        for name in ("orders_retriable", "db_pool_in_use", "rollout_phase", 'coid_entries{state="filled"}'):
            assert value(text, name) == figures["n"]


def test_every_field_that_a_figure_reads_is_one_that_its_event_always_has() -> None:
    read = {
        EventName.ENTRY_SLIPPAGE: "slippage_bps",
        EventName.BATCH_COMPLETED: "batch_status",
        EventName.QUEUE_CHANGED: "change",
        EventName.GUARD_BLOCK: "guard",
        EventName.RATE_LIMIT_THROTTLE: "call_class",
        EventName.ALERT_FIRING: "alert",
        EventName.ORDER_SENT: "order_id",
        EventName.ORDER_ACCEPTED: "order_id",
    }
    assert {name: field for name, field in read.items() if field not in EVENT_FIELDS[name].always} == {}


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
