"""What the daemon says about itself: one enum of names, and the event that log, stream, screen and metrics get."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

FieldValue = str | int | float | bool | Decimal | None


class Level(StrEnum):
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


class EventName(StrEnum):
    """No name is part of another event's line, so that `grep NAME` counts what it says."""

    SYSTEMS_INITIALIZED = "SYSTEMS_INITIALIZED"
    SYSTEMS_STOPPED = "SYSTEMS_STOPPED"
    RECONCILE_RESULT = "RECONCILE_RESULT"
    RECONCILE_SKIPPED = "RECONCILE_SKIPPED"
    ORDER_INTENT = "ORDER_INTENT"
    ORDER_SENT = "ORDER_SENT"
    ORDER_OBSERVED = "ORDER_OBSERVED"
    ORDER_DEFERRED = "ORDER_DEFERRED"
    ORDER_ACCEPTED = "ORDER_ACCEPTED"
    ORDER_REJECTED = "ORDER_REJECTED"
    ORDER_UNCERTAIN = "ORDER_UNCERTAIN"
    ORDER_RETRY = "ORDER_RETRY"
    QUEUE_CHANGED = "QUEUE_CHANGED"
    RUN_OF_FAILED = "RUN_OF_FAILED"
    ORDER_PARTIAL = "ORDER_PARTIAL"
    ORDER_FILLED = "ORDER_FILLED"
    ORDER_LATE_FILL = "ORDER_LATE_FILL"
    ORDER_CANCELLED = "ORDER_CANCELLED"
    ORDER_MODIFIED = "ORDER_MODIFIED"
    CHANGE_REFUSED = "CHANGE_REFUSED"
    ORDER_EXPIRED = "ORDER_EXPIRED"
    ORDER_REOPENED = "ORDER_REOPENED"
    ORDER_SILENT = "ORDER_SILENT"
    COID_REUSED = "COID_REUSED"
    COID_DUPLICATE = "COID_DUPLICATE"
    GUARD_PASS = "GUARD_PASS"
    GUARD_BLOCK = "GUARD_BLOCK"
    GUARD_NOT_EVALUATED = "GUARD_NOT_EVALUATED"
    ENTRY_SLIPPAGE = "ENTRY_SLIPPAGE"
    SIGNALS_RECEIVED = "SIGNALS_RECEIVED"
    SIGNALS_UNUSABLE = "SIGNALS_UNUSABLE"
    SYMBOL_HALTED = "SYMBOL_HALTED"
    SYMBOL_RELEASED = "SYMBOL_RELEASED"
    POSITION_OPENED = "POSITION_OPENED"
    POSITION_UPDATED = "POSITION_UPDATED"
    POSITION_ADJUSTED = "POSITION_ADJUSTED"
    POSITION_CLOSED = "POSITION_CLOSED"
    EXIT_ATR_STOP_HIT = "EXIT_ATR_STOP_HIT"
    EXIT_TRAILING_HIT = "EXIT_TRAILING_HIT"
    EXIT_PROFIT_TARGET = "EXIT_PROFIT_TARGET"
    EXIT_TIME_STOP = "EXIT_TIME_STOP"
    EXIT_PANIC = "EXIT_PANIC"
    EXIT_MANUAL = "EXIT_MANUAL"
    EXIT_STOP_LOSS_HIT = "EXIT_STOP_LOSS_HIT"
    MANUAL_ORDER_SEEN = "MANUAL_ORDER_SEEN"
    MANUAL_CANCEL = "MANUAL_CANCEL"
    MANUAL_MODIFICATION = "MANUAL_MODIFICATION"
    MANUAL_EXIT = "MANUAL_EXIT"
    MANUAL_PARTIAL_EXIT = "MANUAL_PARTIAL_EXIT"
    HOLDINGS_DIFFER = "HOLDINGS_DIFFER"
    CYCLE = "CYCLE"
    MARKET_CLOSED = "MARKET_CLOSED"
    DAY_SUMMARY = "DAY_SUMMARY"
    PENDING_FILE = "PENDING_FILE"
    JOB_MISSED = "JOB_MISSED"
    JOB_FAILED = "JOB_FAILED"
    BROKER_UNREACHABLE = "BROKER_UNREACHABLE"
    BROKER_BACK = "BROKER_BACK"
    BROKER_WORD_UNKNOWN = "BROKER_WORD_UNKNOWN"
    BROKER_SESSION = "BROKER_SESSION"
    BROKER_LOGIN_MISSING = "BROKER_LOGIN_MISSING"
    ENTRIES_STOPPED = "ENTRIES_STOPPED"
    SPACE_SHORT = "SPACE_SHORT"
    SPACE_BACK = "SPACE_BACK"
    ENTRIES_PAUSED = "ENTRIES_PAUSED"
    BOUND_REACHED = "BOUND_REACHED"
    ENTRIES_RESUMED = "ENTRIES_RESUMED"
    BATCH_COMPLETED = "BATCH_COMPLETED"
    BATCH_CHANGED = "BATCH_CHANGED"
    DEAD_LETTER = "DEAD_LETTER"
    LIFECYCLE_RACE = "LIFECYCLE_RACE"
    PROTECTION_LOST = "PROTECTION_LOST"
    KILL_LATCHED = "KILL_LATCHED"
    KILL_RELEASED = "KILL_RELEASED"
    CLOCK_STEPPED = "CLOCK_STEPPED"
    FLAGS_IN_FORCE = "FLAGS_IN_FORCE"
    CONFIG_CHANGED = "CONFIG_CHANGED"
    CONFIG_NOT_APPLIED = "CONFIG_NOT_APPLIED"
    CONFIG_REFUSED = "CONFIG_REFUSED"
    INTERNAL_FAULT = "INTERNAL_FAULT"
    STREAM_MANAGER_STARTED = "STREAM_MANAGER_STARTED"
    STREAM_CONNECTED = "STREAM_CONNECTED"
    STREAM_DISCONNECTED = "STREAM_DISCONNECTED"
    HEARTBEAT = "HEARTBEAT"
    SIGN_OF_LIFE = "SIGN_OF_LIFE"
    ALERT_FIRING = "ALERT_FIRING"
    ALERT_ACKNOWLEDGED = "ALERT_ACKNOWLEDGED"
    ALERT_RESOLVED = "ALERT_RESOLVED"
    RATE_LIMIT_THROTTLE = "RATE_LIMIT_THROTTLE"
    CACHE_HIT = "CACHE_HIT"
    CACHE_STALE = "CACHE_STALE"
    CACHE_MISS = "CACHE_MISS"
    NOTIFICATIONS_OFF = "NOTIFICATIONS_OFF"
    NOTIFICATION_FAILED = "NOTIFICATION_FAILED"
    NOTIFICATION_RESTORED = "NOTIFICATION_RESTORED"
    LIBRARY = "LIBRARY"
    LOG_LOST = "LOG_LOST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, told after it was saved. `fields` stand at the top level of the log line."""

    name: EventName
    at: datetime
    message: str
    level: Level = Level.INFO
    component: str = "application"
    correlation_id: str = ""
    fields: Mapping[str, FieldValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFields:
    """What a line of one event says: its levels, the fields it always has, and those that it has at times."""

    meaning: str
    levels: tuple[Level, ...] = (Level.INFO,)
    always: tuple[str, ...] = ()
    sometimes: tuple[str, ...] = ()


_DEBUG = (Level.DEBUG,)
_WARNING = (Level.WARNING,)
_ERROR = (Level.ERROR,)
_CRITICAL = (Level.CRITICAL,)
_ORDER = (
    "order_id",
    "coid",
    "decision_id",
    "symbol",
    "side",
    "quantity",
    "price",
    "status",
    "filled_qty",
    "avg_price",
    "reason",
    "broker_order_id",
)
_POSITION = ("position_id", "symbol", "quantity", "avg_price", "realised_pnl", "exit_rule")
_HAND_SALE = ("position_id", "symbol", "quantity", "left", "exit_price", "realised_pnl")
_EXIT = ("position_id", "symbol", "found", "threshold", "quantity")

EVENT_FIELDS: Mapping[EventName, EventFields] = {
    EventName.RECONCILE_RESULT: EventFields(
        meaning="The first comparison with the broker's order book after a start is done; jobs may run.",
        always=("reconciled", "pending", "applied_fills", "expired", "errors"),
    ),
    EventName.RECONCILE_SKIPPED: EventFields(
        meaning="Jobs start without a comparison with the broker's order book, since that is switched off.",
        levels=_WARNING,
    ),
    EventName.ORDER_INTENT: EventFields(
        meaning="An order was decided and written down with its client order id; it was not sent yet.", always=_ORDER
    ),
    EventName.ORDER_SENT: EventFields(
        meaning="An order is handed over for sending, the first time or again.", always=(*_ORDER, "attempt")
    ),
    EventName.ORDER_DEFERRED: EventFields(
        meaning="An entry is held until the market opens; it goes as a regular order once the guards pass.",
        always=_ORDER,
    ),
    EventName.ORDER_OBSERVED: EventFields(
        meaning="A call (kind: place, modify or cancel) that was not made, since nothing may be sent.",
        always=("symbol", "side", "quantity", "price", "decision_id", "kind"),
    ),
    EventName.ORDER_ACCEPTED: EventFields(meaning="The broker has the order.", always=_ORDER),
    EventName.ORDER_REJECTED: EventFields(
        meaning="The order has failed: a guard, the broker or the exchange refused it, or it could not be sent.",
        levels=_WARNING,
        always=_ORDER,
    ),
    EventName.ORDER_UNCERTAIN: EventFields(
        meaning="It is not known whether the order stands at the broker; its symbol takes no entry until that is known."
        " CRITICAL: the broker does not show it.",
        levels=(Level.WARNING, Level.CRITICAL),
        always=_ORDER,
    ),
    EventName.ORDER_RETRY: EventFields(
        meaning="The order certainly did not reach the broker and is sent again under the same client order id.",
        always=_ORDER,
    ),
    EventName.QUEUE_CHANGED: EventFields(
        meaning="The retry queue changed: an order was added, updated, removed, retried or linked; skipped: it was not"
        " tried this time, and stays.",
        always=(*_ORDER, "change"),
        sometimes=("cause",),
    ),
    EventName.RUN_OF_FAILED: EventFields(
        meaning="The failed orders were tried again, and each has its answer.",
        always=("retried", "placed", "failed", "skipped", "expired"),
    ),
    EventName.ORDER_PARTIAL: EventFields(meaning="A part of the order was filled.", always=_ORDER),
    EventName.ORDER_FILLED: EventFields(meaning="The whole order was filled.", always=_ORDER),
    EventName.ORDER_LATE_FILL: EventFields(
        meaning="An order was filled after it had been cancelled or had failed. The fill is booked; look at it.",
        levels=_CRITICAL,
        always=_ORDER,
    ),
    EventName.ORDER_CANCELLED: EventFields(
        meaning="The broker or the exchange cancelled the order, or what was left of it.", always=_ORDER
    ),
    EventName.ORDER_MODIFIED: EventFields(
        meaning="A change of price or quantity that we asked for stands at the broker.", always=_ORDER
    ),
    EventName.CHANGE_REFUSED: EventFields(
        meaning="The broker did not make a change that somebody wants; the order stands as it did.",
        levels=_WARNING,
        always=(*_ORDER, "cause"),
    ),
    EventName.ORDER_EXPIRED: EventFields(meaning="A failed order is too old to be tried again.", always=_ORDER),
    EventName.ORDER_REOPENED: EventFields(
        meaning="An order that had ended is open at the broker after all. It is followed again; look at it.",
        levels=_CRITICAL,
        always=_ORDER,
    ),
    EventName.ORDER_SILENT: EventFields(
        meaning="What must be heard of an order (acknowledged, released, final) has not come by its time. Look at it at"
        " the broker's.",
        levels=_CRITICAL,
        always=(*_ORDER, "expected", "late_s"),
    ),
    EventName.COID_REUSED: EventFields(
        meaning="A client order id that was reserved before is used. WARNING: the order stands at the broker and only"
        " the registry knew it; it gets its row back.",
        levels=(Level.INFO, Level.WARNING),
        always=_ORDER,
    ),
    EventName.COID_DUPLICATE: EventFields(
        meaning="An intent that was placed before, or may have been, was stopped; or the broker says that it has an"
        " order with this id. CRITICAL: more than three within an hour, or a second order with an id of ours (twin).",
        levels=(Level.WARNING, Level.CRITICAL),
        always=("coid", "symbol", "side", "decision_id", "order_id", "attempt"),
        sometimes=(
            "quantity",
            "price",
            "status",
            "filled_qty",
            "avg_price",
            "reason",
            "broker_order_id",
            "twin",
        ),
    ),
    EventName.GUARD_BLOCK: EventFields(
        meaning="A guard blocked an entry, with what was found and what is allowed; with shadow true it would have.",
        always=("symbol", "guard", "block_reason", "shadow"),
        sometimes=(
            "found",
            "allowed",
            "price",
            "lower_limit",
            "upper_limit",
            "quantity",
            "freeze_quantity",
            "spread_bps",
            "spread_bps_max",
            "depth_notional",
            "depth_notional_min",
            "slippage_bps",
            "slippage_bps_max",
            "minutes_since_exit",
            "cooldown_min",
            "order_id",
            "status",
            "cause",
            "jump",
            "missing",
            "error",
        ),
    ),
    EventName.GUARD_NOT_EVALUATED: EventFields(
        meaning="Spread, depth and slippage were not judged, since there is no book when the market is closed.",
        always=("symbol",),
    ),
    EventName.ENTRY_SLIPPAGE: EventFields(
        meaning="An entry's fills beside the best opposite price at its decision (of an after-market order: its limit);"
        " positive is worse. WARNING: a breach; its decision takes no further entry.",
        levels=(Level.INFO, Level.WARNING),
        always=(
            "order_id",
            "symbol",
            "side",
            "decision_id",
            "reference_price",
            "avg_price",
            "filled_qty",
            "slippage_bps",
            "threshold_bps",
            "breach",
        ),
    ),
    EventName.SIGNALS_RECEIVED: EventFields(
        meaning="The strategies were asked, and every signal has its outcome.",
        always=("trading_day", "signals"),
        sometimes=("sent", "observed", "deferred", "blocked", "failed", "duplicate", "uncertain", "exhausted"),
    ),
    EventName.SIGNALS_UNUSABLE: EventFields(
        meaning="A strategy failed or cannot trust what it reads; it gives no signal this time.",
        levels=_ERROR,
        always=("strategy",),
    ),
    EventName.SYMBOL_HALTED: EventFields(
        meaning="A price jumped and no corporate action explains it, or somebody was active by hand in a symbol whose"
        " policy is halt; it takes no entry.",
        levels=_ERROR,
        always=("symbol",),
    ),
    EventName.SYMBOL_RELEASED: EventFields(
        meaning="A symbol that was halted for manual activity takes entries again.", levels=_WARNING, always=("symbol",)
    ),
    EventName.POSITION_OPENED: EventFields(meaning="The first fill of a position is booked.", always=_POSITION),
    EventName.POSITION_UPDATED: EventFields(
        meaning="A further fill of a position is booked; it is still open.", always=_POSITION
    ),
    EventName.POSITION_ADJUSTED: EventFields(
        meaning="A split or bonus issue changed the number of shares of a position.", always=("symbol", "quantity")
    ),
    EventName.POSITION_CLOSED: EventFields(
        meaning="The last share of a position is sold; realised_pnl is that of the whole position.", always=_POSITION
    ),
    EventName.EXIT_ATR_STOP_HIT: EventFields(meaning="The price is at or below the stop.", always=_EXIT),
    EventName.EXIT_TRAILING_HIT: EventFields(meaning="The price is below the trailing stop.", always=_EXIT),
    EventName.EXIT_PROFIT_TARGET: EventFields(
        meaning="The price has reached the profit target: the sell that rested there is filled (found is its average"
        " price), or none rested and the position is sold at what the market pays, not below the target.",
        always=_EXIT,
    ),
    EventName.EXIT_STOP_LOSS_HIT: EventFields(
        meaning="The price is at or below the stop-loss that somebody gave, or its order at the broker was filled.",
        always=_EXIT,
    ),
    EventName.EXIT_MANUAL: EventFields(
        meaning="Somebody wants the position sold; found and threshold are the last price.", always=_EXIT
    ),
    EventName.EXIT_TIME_STOP: EventFields(
        meaning="The position is too old; found and threshold are minutes.", always=_EXIT
    ),
    EventName.EXIT_PANIC: EventFields(
        meaning="The kill switch is latched in mode flatten: the position is sold at what the market pays.",
        levels=_CRITICAL,
        always=("position_id", "symbol", "quantity"),
        sometimes=("found", "threshold"),
    ),
    EventName.BATCH_COMPLETED: EventFields(
        meaning="Every leg of a batch is settled.",
        levels=(Level.INFO, Level.WARNING),
        always=("batch_id", "batch_status"),
    ),
    EventName.BATCH_CHANGED: EventFields(
        meaning="Something that came late has changed what is true of a complete batch.",
        levels=_WARNING,
        always=("batch_id", "batch_status"),
    ),
    EventName.DEAD_LETTER: EventFields(
        meaning="A word of the broker that has no route: kept, and shown by `main.py ids dead`.",
        levels=_WARNING,
        always=("lifecycle_id", "cause"),
    ),
    EventName.LIFECYCLE_RACE: EventFields(
        meaning="An id was cancelled and executed: the broker's confirmations crossed.",
        levels=_WARNING,
        always=("lifecycle_id", "order_id", "note"),
    ),
    EventName.PROTECTION_LOST: EventFields(
        meaning="A protective order was cancelled at the broker before its time, and nobody asked; it is armed again.",
        levels=_CRITICAL,
        always=_ORDER,
    ),
    EventName.KILL_LATCHED: EventFields(
        meaning="The kill switch is latched: no entries until it is released, restarts included.",
        levels=_CRITICAL,
        always=("mode", "cause"),
    ),
    EventName.KILL_RELEASED: EventFields(meaning="The kill switch is released.", levels=_WARNING),
    EventName.MANUAL_ORDER_SEEN: EventFields(
        meaning="The account has an order that is not ours. It is told once and never touched.",
        always=("symbol", "side", "quantity", "price", "broker_order_id"),
    ),
    EventName.MANUAL_CANCEL: EventFields(
        meaning="Somebody else cancelled one of our orders.", levels=_WARNING, always=_ORDER
    ),
    EventName.MANUAL_MODIFICATION: EventFields(
        meaning="Somebody else changed price or quantity of one of our orders; we go on with theirs.",
        levels=_WARNING,
        always=_ORDER,
    ),
    EventName.MANUAL_EXIT: EventFields(
        meaning="Somebody else has sold a whole position of ours; it is closed at the price of that sale.",
        levels=_WARNING,
        always=_HAND_SALE,
    ),
    EventName.MANUAL_PARTIAL_EXIT: EventFields(
        meaning="Somebody else has sold a part of a position of ours; we go on with the rest.",
        levels=_WARNING,
        always=_HAND_SALE,
    ),
    EventName.HOLDINGS_DIFFER: EventFields(
        meaning="Our books and the broker's holdings differ. CRITICAL: a sell was filled, and we hold nothing.",
        levels=(Level.WARNING, Level.CRITICAL),
        always=("symbol",),
        sometimes=("ours", "broker", *(name for name in _ORDER if name != "symbol")),
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
        levels=_WARNING,
    ),
    EventName.JOB_MISSED: EventFields(
        meaning="A job was due while nothing ran; it is done now.", levels=_WARNING, always=("job",)
    ),
    EventName.JOB_FAILED: EventFields(
        meaning="A step of a job has not done its work; the others have.", levels=_ERROR, always=("job",)
    ),
    EventName.BROKER_UNREACHABLE: EventFields(
        meaning="A call that only looks had no usable answer. Nothing is concluded from it; it is made again.",
        levels=_ERROR,
        always=("error",),
    ),
    EventName.BROKER_BACK: EventFields(
        meaning="The broker's order book was shown again; for `gone_s` seconds it was not.", always=("gone_s",)
    ),
    EventName.BROKER_WORD_UNKNOWN: EventFields(
        meaning="The broker shows an order with a status that is not known; the order stays as it is.",
        levels=_WARNING,
        always=_ORDER,
    ),
    EventName.BROKER_SESSION: EventFields(
        meaning="The broker answers: the login of today is good, for the first time or again."
    ),
    EventName.BROKER_LOGIN_MISSING: EventFields(
        meaning="There is no session with the broker, and the market is near or open: nothing can be placed or"
        " followed. Told once a day; log in.",
        levels=_CRITICAL,
    ),
    EventName.ENTRIES_STOPPED: EventFields(
        meaning="A change could not be saved. Nothing of it was sent; entries stop until a save works again. Told once"
        " for each cause until then.",
        levels=_CRITICAL,
    ),
    EventName.SPACE_SHORT: EventFields(
        meaning="The disk is full, or too full to keep room for cancellations and exits: no entries until there is"
        " some.",
        levels=_CRITICAL,
    ),
    EventName.SPACE_BACK: EventFields(meaning="There is room on the disk again: entries are open.", levels=_WARNING),
    EventName.BOUND_REACHED: EventFields(
        meaning="Entries are paused: more would have left than was asked for (entered_against_sent), or the broker"
        " refused too many in a row (rejects_in_a_row). Exits go on.",
        levels=_CRITICAL,
        always=("bound", "cause"),
    ),
    EventName.ENTRIES_PAUSED: EventFields(
        meaning="Somebody wants no new entries. Exits go on; a restart keeps it.",
        levels=_WARNING,
    ),
    EventName.ENTRIES_RESUMED: EventFields(
        meaning="Entries are wanted again.",
        levels=_WARNING,
    ),
    EventName.CLOCK_STEPPED: EventFields(
        meaning="The wall clock jumped, or (with 0) the scheduler was silent; the day is planned anew.",
        levels=_WARNING,
        always=("step_s",),
    ),
    EventName.FLAGS_IN_FORCE: EventFields(
        meaning="At the start: which switches count, each flag AND the master, as lists in the words of the log."
        " WARNING: something is switched off, judges only, or nothing is sent.",
        levels=(Level.INFO, Level.WARNING),
        always=("master", "switched_on", "switched_off", "shadow"),
    ),
    EventName.CONFIG_CHANGED: EventFields(
        meaning="A live key was edited; its new value counts from the next message on.", always=("key", "old", "new")
    ),
    EventName.CONFIG_NOT_APPLIED: EventFields(
        meaning="A key was edited, and the value in force stays: it needs a restart, or a higher place pins it (cause:"
        " restart, command line, environment or .env).",
        levels=_WARNING,
        always=("key", "in_force", "wanted", "cause"),
    ),
    EventName.CONFIG_REFUSED: EventFields(
        meaning="An edit of the configuration is wrong; all old values stay. The message names what is wrong.",
        levels=_ERROR,
        always=("problems",),
    ),
    EventName.INTERNAL_FAULT: EventFields(
        meaning="A defect of tradebot: one message, or (with coid, ERROR) one order, was left out; the rest went on.",
        levels=(Level.ERROR, Level.CRITICAL),
        sometimes=("coid",),
    ),
    EventName.SIGN_OF_LIFE: EventFields(
        meaning="The dead-man URL does not take the sign of life (WARNING), or takes it again.",
        levels=(Level.INFO, Level.WARNING),
    ),
    EventName.SYSTEMS_INITIALIZED: EventFields(
        meaning="Everything is built and the books are read; the loop begins.", always=("mode", "pending", "positions")
    ),
    EventName.SYSTEMS_STOPPED: EventFields(
        meaning="The loop has ended in an orderly way; nothing is handled any more.", always=("pending", "positions")
    ),
    EventName.GUARD_PASS: EventFields(
        meaning="Every guard lets an entry pass; the figures that they found.",
        always=("symbol", "spread_bps", "depth_notional", "slippage_bps"),
    ),
    EventName.STREAM_MANAGER_STARTED: EventFields(
        meaning="The thread that keeps the broker's order updates connected has begun (live only).", always=("broker",)
    ),
    EventName.STREAM_CONNECTED: EventFields(
        meaning="The broker's order updates are connected; the order book is looked at.", always=("broker",)
    ),
    EventName.STREAM_DISCONNECTED: EventFields(
        meaning="The broker's order updates are lost; the minute's look at the order book goes on.",
        levels=_WARNING,
        always=("broker",),
    ),
    EventName.HEARTBEAT: EventFields(
        meaning="The engine's thread is alive; figures of the process, in live and paper only.",
        always=("uptime_s", "inbox", "pending", "positions", "alerts", "memory_mb", "cpu_pct", "ui_cpu_pct"),
    ),
    EventName.ALERT_FIRING: EventFields(
        meaning="An alert rule fires, or has got worse or better; action is what is done by itself.",
        levels=(Level.WARNING, Level.CRITICAL),
        always=("alert", "severity", "figure", "threshold", "events", "action"),
    ),
    EventName.ALERT_ACKNOWLEDGED: EventFields(
        meaning="Somebody has seen an alert that stands.", always=("alert", "by")
    ),
    EventName.ALERT_RESOLVED: EventFields(
        meaning="The cause of an alert is gone.", always=("alert", "figure", "lasted_s")
    ),
    EventName.RATE_LIMIT_THROTTLE: EventFields(
        meaning="A call to the broker had to wait for its turn; call_class is quotes, orders or rest. In a replay,"
        " where time stands still during a call, wait_ms is how long it would have waited.",
        levels=_DEBUG,
        always=("broker", "call_class", "wait_ms", "urgent"),
    ),
    EventName.CACHE_HIT: EventFields(
        meaning="A quote was answered from memory, fresh.", levels=_DEBUG, always=("symbol",)
    ),
    EventName.CACHE_STALE: EventFields(
        meaning="A quote was answered from memory while a new one is fetched.", levels=_DEBUG, always=("symbol",)
    ),
    EventName.CACHE_MISS: EventFields(
        meaning="A quote was not in memory, or too old: it was fetched.", levels=_DEBUG, always=("symbol",)
    ),
    EventName.NOTIFICATIONS_OFF: EventFields(
        meaning="Nobody is told of anything: notifications are switched off. WARNING: with real orders.",
        levels=(Level.INFO, Level.WARNING),
    ),
    EventName.NOTIFICATION_FAILED: EventFields(
        meaning="A channel does not take messages; they wait. Told again each hour that it lasts.",
        levels=_ERROR,
        always=("channel", "failures"),
    ),
    EventName.NOTIFICATION_RESTORED: EventFields(
        meaning="A channel takes messages again; what waited follows.", always=("channel", "failures")
    ),
    EventName.LIBRARY: EventFields(
        meaning="A library has logged something.",
        levels=(Level.WARNING, Level.ERROR, Level.CRITICAL),
        always=("logger",),
        sometimes=("exception",),
    ),
    EventName.LOG_LOST: EventFields(
        meaning="Lines are missing before this one: more came than could be written, or the disk refused them.",
        levels=_WARNING,
        always=("lost",),
    ),
}
"""Every event that is told. The other names are reserved: nothing tells them."""


def in_log_words(text: str) -> str:
    """Flags as `spread_guard_entry`, and other keys that have the name of an event in them in small letters, since
    `grep NAME` counts."""
    text = re.sub(r"ENABLE_([A-Z_]+)", lambda found: found[1].lower(), text)
    return re.sub(r"[A-Z][A-Z0-9_]+", _small_if_ambiguous, text)


def _small_if_ambiguous(found: re.Match[str]) -> str:
    word = found[0]
    is_ambiguous = word not in EventName.__members__ and any(name in word for name in EventName.__members__)
    return word.lower() if is_ambiguous else word
