"""What the lines of the day's course say: jobs and looks at the order book, and how the broker is reached."""

from __future__ import annotations

from collections.abc import Mapping

from tradebot.domain.event_fields.documented import (
    CRITICAL_ONLY,
    DEBUG_ONLY,
    ERROR_ONLY,
    OF_ORDER,
    WARNING_ONLY,
    EventFields,
)
from tradebot.domain.events import EventName, Level

DAY_EVENTS: Mapping[EventName, EventFields] = {
    EventName.RECONCILE_RESULT: EventFields(
        meaning="The first comparison with the broker's order book after a start is done; jobs may run.",
        always=("reconciled", "pending", "applied_fills", "expired", "errors"),
    ),
    EventName.RECONCILE_SKIPPED: EventFields(
        meaning="Jobs start without a comparison with the broker's order book, since that is switched off.",
        levels=WARNING_ONLY,
    ),
    EventName.CYCLE: EventFields(
        meaning="A look of the cycle at the order book found something new, or missed an order.",
        always=(
            "checked",
            "updated",
            "executed",
            "partially_filled",
            "rejected",
            "cancelled",
            "manual_cancelled",
            "manual_modified",
            "manual_sells",
            "not_found",
            "failed",
        ),
    ),
    EventName.MARKET_CLOSED: EventFields(
        meaning="The session is over and failed orders that are too old have expired.",
        always=("pending_buys", "expired"),
    ),
    EventName.DAY_SUMMARY: EventFields(
        meaning="The day is closed: counts of the orders in memory, figures of the day's own orders, and the steps that"
        " were completed and those that were not (WARNING).",
        levels=(Level.INFO, Level.WARNING),
        always=(
            "positions",
            "orders_pending",
            "orders_ongoing",
            "orders_closed",
            "orders_failed",
            "orders_cancelled",
            "completed",
            "not_completed",
        ),
        sometimes=(
            "not_found",
            "expired",
            "day_orders",
            "day_filled",
            "day_rejected",
            "day_cancelled",
            "day_by_hand",
            "day_pnl",
            "oldest_pending_days",
        ),
    ),
    EventName.PENDING_FILE: EventFields(
        meaning="With ORDER_TRACKER_MODE dual: state/pending_orders.json lags, makes no sense, or has orders that the"
        " database does not know.",
        levels=WARNING_ONLY,
    ),
    EventName.JOB_MISSED: EventFields(
        meaning="A job was due while nothing ran; it is done now.", levels=WARNING_ONLY, always=("job",)
    ),
    EventName.JOB_FAILED: EventFields(
        meaning="A step of a job has not done its work; the others have.", levels=ERROR_ONLY, always=("job",)
    ),
    EventName.BROKER_UNREACHABLE: EventFields(
        meaning="A call that only looks had no usable answer. Nothing is concluded from it; it is made again.",
        levels=ERROR_ONLY,
        always=("error",),
    ),
    EventName.BROKER_BACK: EventFields(
        meaning="The broker's order book was shown again; for `gone_s` seconds it was not.", always=("gone_s",)
    ),
    EventName.BROKER_WORD_UNKNOWN: EventFields(
        meaning="The broker shows an order with a status that is not known; the order stays as it is.",
        levels=WARNING_ONLY,
        always=OF_ORDER,
    ),
    EventName.BROKER_SESSION: EventFields(
        meaning="The broker answers: the login of today is good, for the first time or again."
    ),
    EventName.BROKER_LOGIN_MISSING: EventFields(
        meaning="There is no session with the broker, and the market is near or open: nothing can be placed or"
        " followed. Told once a day; log in.",
        levels=CRITICAL_ONLY,
    ),
    EventName.STREAM_MANAGER_STARTED: EventFields(
        meaning="The thread that keeps the broker's order updates connected has begun (live only).", always=("broker",)
    ),
    EventName.STREAM_CONNECTED: EventFields(
        meaning="The broker's order updates are connected; the order book is looked at.", always=("broker",)
    ),
    EventName.STREAM_DISCONNECTED: EventFields(
        meaning="The broker's order updates are lost; the minute's look at the order book goes on.",
        levels=WARNING_ONLY,
        always=("broker",),
    ),
    EventName.RATE_LIMIT_THROTTLE: EventFields(
        meaning="A call to the broker had to wait for its turn; call_class is quotes, orders or rest. In a replay,"
        " where time stands still during a call, wait_ms is how long it would have waited.",
        levels=DEBUG_ONLY,
        always=("broker", "call_class", "wait_ms", "urgent"),
    ),
    EventName.CACHE_HIT: EventFields(
        meaning="A quote was answered from memory, fresh.", levels=DEBUG_ONLY, always=("symbol",)
    ),
    EventName.CACHE_STALE: EventFields(
        meaning="A quote was answered from memory while a new one is fetched.", levels=DEBUG_ONLY, always=("symbol",)
    ),
    EventName.CACHE_MISS: EventFields(
        meaning="A quote was not in memory, or too old: it was fetched.", levels=DEBUG_ONLY, always=("symbol",)
    ),
}
