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
    START_WAITS = "START_WAITS"
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


def in_log_words(text: str) -> str:
    """Flags as `spread_guard_entry`, and other keys that have the name of an event in them in small letters, since
    `grep NAME` counts."""
    text = re.sub(r"ENABLE_([A-Z_]+)", lambda found: found[1].lower(), text)
    return re.sub(r"[A-Z][A-Z0-9_]+", _small_if_ambiguous, text)


def _small_if_ambiguous(found: re.Match[str]) -> str:
    word = found[0]
    is_ambiguous = word not in EventName.__members__ and any(name in word for name in EventName.__members__)
    return word.lower() if is_ambiguous else word
