"""What Prometheus is told, in a registry of its own; names end in their unit, and every label has few values."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from tradebot.domain.alerts import ALERT_RULES, Severity
from tradebot.domain.events import Event, EventName, Level
from tradebot.domain.orders import RequestState
from tradebot.domain.stored import Changes

TIMED_MAX = 10_000
"""Orders whose placement or execution is being timed; of more, the oldest are not."""

_FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LONG = (0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3_600.0, 14_400.0, 86_400.0)
_BPS = (-50.0, -20.0, -10.0, -5.0, 0.0, 5.0, 10.0, 20.0, 50.0, 100.0)

_PLACED: Mapping[EventName, str] = {
    EventName.ORDER_ACCEPTED: "accepted",
    EventName.ORDER_REJECTED: "rejected",
    EventName.ORDER_UNCERTAIN: "uncertain",
}
_EXECUTED: Mapping[EventName, str] = {
    EventName.ORDER_FILLED: "filled",
    EventName.ORDER_PARTIAL: "partial",
    EventName.ORDER_CANCELLED: "cancelled",
    EventName.ORDER_LATE_FILL: "late",
}
_ENDED = (EventName.ORDER_FILLED, EventName.ORDER_CANCELLED)
_CACHE: Mapping[EventName, str] = {
    EventName.CACHE_HIT: "hit",
    EventName.CACHE_STALE: "stale",
    EventName.CACHE_MISS: "miss",
}
_RETRIED = frozenset({"retried", "linked", "skipped", "updated"})
"""What may become of a failed order that is tried again; `updated`: it failed once more."""
_REQUEST_ENDS: Mapping[RequestState, str] = {
    RequestState.REFUSED: "refused",
    RequestState.UNKNOWN: "unknown",
    RequestState.UNSENT: "unsent",
}


_OURS = 500
"""The first HTTP status that is a fault of the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What is looked at when somebody asks: counts by word, and the connections that are lent out."""

    orders: Callable[[], Mapping[str, int]]
    retriable: Callable[[], int]
    attempts: Callable[[], Mapping[str, int]]
    connections: Callable[[], int]
    rollout_phase: Callable[[], int | None]


class Metrics:
    """`heard` and `saved` are called on the engine's thread; the meter's methods on the server's; `text` on any.

    `answered` counts requests over HTTP since the start, `failed` those of them that ended in an error of ours.
    """

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.answered = self.failed = 0
        ProcessCollector(registry=self.registry)
        self._make_http()
        self._make_orders()
        self._make_engine()
        self._sources: Sources | None = None
        self._sent: OrderedDict[str, datetime] = OrderedDict()
        self._standing: OrderedDict[str, datetime] = OrderedDict()

    def look_at(self, sources: Sources) -> None:
        self._sources = sources

    def text(self) -> bytes:
        """Everything in Prometheus' own format."""
        if self._sources is not None:
            self._look(self._sources)
        return generate_latest(self.registry)

    def request(self, endpoint: str, method: str, status: int, took_s: float) -> None:
        labels = (endpoint, method, str(status))
        self.answered += 1
        self.failed += status >= _OURS
        self._requests.labels(*labels).inc()
        self._request_duration.labels(*labels).observe(took_s)

    def clients(self, count: int) -> None:
        self._clients.set(count)

    def connection(self, took_s: float) -> None:
        self._connection_duration.observe(took_s)

    def update(self, latency_s: float) -> None:
        self._update_latency.observe(latency_s)

    def query(self, took_s: float) -> None:
        """A statement of those who only read."""
        self._query_duration.labels("read").observe(took_s)

    def wrote(self, took_s: float) -> None:
        """A transaction of the engine, its commit included."""
        self._query_duration.labels("write").observe(took_s)

    def cycle(self, took_s: float) -> None:
        """A monitoring cycle, from the instant for which it was planned to its end, by the daemon's clock."""
        self._cycle_duration.observe(took_s)

    def query_failed(self) -> None:
        self._db_errors.labels("read").inc()

    def heard(self, event: Event) -> None:
        """For the bus."""
        self._events.labels(event.level).inc()
        name = event.name
        if name is EventName.ORDER_SENT:
            self._remember(self._sent, event)
        elif name in _PLACED:
            self._placed(event)
        elif name in _EXECUTED:
            self._executed(event)
        elif name in _CACHE:
            self._cache.labels(_CACHE[name]).inc()
        else:
            self._heard_other(event)

    def saved(self, changes: Changes) -> None:
        """For the bus's followers: broker calls, by the daemon's own clock."""
        for request in changes.requests:
            if request.answered_at is not None:
                took_s = (request.answered_at - request.prepared_at).total_seconds()
                self._broker_duration.labels(request.kind).observe(took_s)
            if request.state in _REQUEST_ENDS:
                self._broker_errors.labels(request.kind, _REQUEST_ENDS[request.state]).inc()

    def _heard_other(self, event: Event) -> None:
        match event.name:
            case EventName.ORDER_RETRY:
                self._retries.labels("sent_again").inc()
            case EventName.ORDER_EXPIRED:
                self._expired.inc()
            case EventName.GUARD_BLOCK:
                self._blocks.labels(str(event.fields.get("guard")), str(bool(event.fields.get("shadow"))).lower()).inc()
            case EventName.COID_DUPLICATE:
                self._duplicates.inc()
            case EventName.RATE_LIMIT_THROTTLE:
                self._throttled.labels(str(event.fields.get("call_class"))).inc()
            case EventName.ENTRIES_STOPPED:
                self._db_errors.labels("save").inc()
            case EventName.ALERT_FIRING | EventName.ALERT_RESOLVED:
                self._alert(event)
            case EventName.QUEUE_CHANGED if event.fields["change"] in _RETRIED:
                self._retries.labels(str(event.fields["change"])).inc()
            case EventName.ENTRY_SLIPPAGE:
                self._slippage.observe(float(str(event.fields["slippage_bps"])))
            case EventName.BATCH_COMPLETED:
                self._batches.labels(str(event.fields["batch_status"])).inc()
            case _:
                pass

    def _placed(self, event: Event) -> None:
        self._placements.labels(_PLACED[event.name]).inc()
        order_id = str(event.fields.get("order_id"))
        sent_at = self._sent.pop(order_id, None)
        if sent_at is not None:
            self._placement_duration.observe((event.at - sent_at).total_seconds())
        if event.name is EventName.ORDER_ACCEPTED:
            self._remember(self._standing, event)

    def _executed(self, event: Event) -> None:
        self._executions.labels(_EXECUTED[event.name]).inc()
        order_id = str(event.fields.get("order_id"))
        stands_since = self._standing.get(order_id)
        if stands_since is not None and event.name in _ENDED:
            del self._standing[order_id]
            self._execution_duration.observe((event.at - stands_since).total_seconds())

    def _alert(self, event: Event) -> None:
        name = str(event.fields.get("alert"))
        severity = str(event.fields.get("severity")) if event.name is EventName.ALERT_FIRING else ""
        for each in Severity:
            self._alerts.labels(name, each).set(each == severity)

    @staticmethod
    def _remember(timed: OrderedDict[str, datetime], event: Event) -> None:
        timed[str(event.fields.get("order_id"))] = event.at
        while len(timed) > TIMED_MAX:
            timed.popitem(last=False)

    def _look(self, sources: Sources) -> None:
        for status, count in sources.orders().items():
            self._orders.labels(status).set(count)
        for status, count in sources.attempts().items():
            self._coids.labels(status).set(count)
        self._retriable.set(sources.retriable())
        self._connections.set(sources.connections())
        phase = sources.rollout_phase()
        if phase is not None:
            self._phase.set(phase)

    def _make_http(self) -> None:
        of, labels = self.registry, ("endpoint", "method", "status")
        self._requests = Counter("http_requests_total", "Requests over HTTP", labels, registry=of)
        self._request_duration = Histogram(
            "http_request_duration_seconds", "How long a request took", labels, buckets=_FAST, registry=of
        )
        self._clients = Gauge("ws_clients", "Clients of the order stream", registry=of)
        self._connection_duration = Histogram(
            "websocket_connection_duration_seconds", "How long a client listened", buckets=_LONG, registry=of
        )
        self._update_latency = Histogram(
            "order_update_latency_seconds", "From the commit to the clients' queues", buckets=_FAST, registry=of
        )

    def _make_orders(self) -> None:
        of = self.registry
        self._orders = Gauge("orders", "Orders by status", ("status",), registry=of)
        self._placements = Counter("order_placement_total", "Ends of placements", ("result",), registry=of)
        self._placement_duration = Histogram(
            "order_placement_duration_seconds", "From sending to the broker's answer", buckets=_LONG, registry=of
        )
        self._executions = Counter("order_execution_total", "Executions and ends", ("result",), registry=of)
        self._execution_duration = Histogram(
            "order_execution_duration_seconds", "From standing at the broker to the end", buckets=_LONG, registry=of
        )
        self._retries = Counter("retries_total", "Retries", ("result",), registry=of)
        self._retriable = Gauge("orders_retriable", "Failed orders that have not expired", registry=of)
        self._expired = Counter("orders_expired_total", "Failed orders that grew too old", registry=of)
        self._batches = Counter("batch_orders_total", "Batches by how they ended", ("status",), registry=of)
        self._slippage = Histogram("slippage_bps", "Entries against their reference price", buckets=_BPS, registry=of)

    def _make_engine(self) -> None:
        of = self.registry
        self._db_errors = Counter("db_errors_total", "Errors of the database", ("kind",), registry=of)
        self._connections = Gauge("db_pool_in_use", "Connections to the database that are lent out", registry=of)
        self._query_duration = Histogram(
            "db_query_duration_seconds",
            "Statements that read, transactions that write",
            ("kind",),
            buckets=_FAST,
            registry=of,
        )
        self._cycle_duration = Histogram(
            "monitor_cycle_duration_seconds", "From a cycle's time to its end", buckets=_LONG, registry=of
        )
        self._broker_duration = Histogram(
            "broker_request_duration_seconds", "Calls that change something", ("kind",), buckets=_LONG, registry=of
        )
        self._broker_errors = Counter("broker_request_errors_total", "Their failures", ("kind", "error"), registry=of)
        self._throttled = Counter("rate_limit_throttled_total", "Calls that waited", ("call_class",), registry=of)
        self._cache = Counter("quote_cache_total", "Looks into the quote cache", ("result",), registry=of)
        self._blocks = Counter("guard_blocks_total", "Entries that guards blocked", ("guard", "shadow"), registry=of)
        self._coids = Gauge("coid_entries", "Client order ids by state", ("state",), registry=of)
        self._duplicates = Counter("coid_duplicates_total", "Duplicates that were stopped", registry=of)
        self._events = Counter("events_total", "Events by level", ("level",), registry=of)
        self._phase = Gauge("rollout_phase", "Phase of the rollout", registry=of)
        self._alerts = Gauge("alerts_firing", "1 while an alert fires", ("alert", "severity"), registry=of)
        for level in Level:
            self._events.labels(level)
        for rule in ALERT_RULES:
            for severity in Severity:
                self._alerts.labels(rule, severity).set(0)
