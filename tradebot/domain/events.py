"""What the daemon says about itself: one enum of names, and the event that log, stream, screen and metrics get."""

from __future__ import annotations

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
    ORDER_INTENT = "ORDER_INTENT"
    ORDER_SENT = "ORDER_SENT"
    ORDER_ACCEPTED = "ORDER_ACCEPTED"
    ORDER_REJECTED = "ORDER_REJECTED"
    ORDER_UNCERTAIN = "ORDER_UNCERTAIN"
    ORDER_RETRY = "ORDER_RETRY"
    ORDER_PARTIAL = "ORDER_PARTIAL"
    ORDER_FILLED = "ORDER_FILLED"
    ORDER_LATE_FILL = "ORDER_LATE_FILL"
    ORDER_CANCELLED = "ORDER_CANCELLED"
    ORDER_MODIFIED = "ORDER_MODIFIED"
    ORDER_EXPIRED = "ORDER_EXPIRED"
    ORDER_REOPENED = "ORDER_REOPENED"
    COID_REUSED = "COID_REUSED"
    COID_DUPLICATE = "COID_DUPLICATE"
    GUARD_PASS = "GUARD_PASS"
    GUARD_BLOCK = "GUARD_BLOCK"
    GUARD_NOT_EVALUATED = "GUARD_NOT_EVALUATED"
    SIGNALS_RECEIVED = "SIGNALS_RECEIVED"
    SIGNALS_UNUSABLE = "SIGNALS_UNUSABLE"
    SYMBOL_HALTED = "SYMBOL_HALTED"
    POSITION_OPENED = "POSITION_OPENED"
    POSITION_UPDATED = "POSITION_UPDATED"
    POSITION_ADJUSTED = "POSITION_ADJUSTED"
    POSITION_CLOSED = "POSITION_CLOSED"
    EXIT_ATR_STOP_HIT = "EXIT_ATR_STOP_HIT"
    EXIT_TRAILING_HIT = "EXIT_TRAILING_HIT"
    EXIT_PROFIT_TARGET = "EXIT_PROFIT_TARGET"
    EXIT_TIME_STOP = "EXIT_TIME_STOP"
    MANUAL_ORDER_SEEN = "MANUAL_ORDER_SEEN"
    MANUAL_CANCEL = "MANUAL_CANCEL"
    MANUAL_MODIFICATION = "MANUAL_MODIFICATION"
    HOLDINGS_DIFFER = "HOLDINGS_DIFFER"
    CYCLE = "CYCLE"
    MARKET_CLOSED = "MARKET_CLOSED"
    DAY_SUMMARY = "DAY_SUMMARY"
    JOB_MISSED = "JOB_MISSED"
    JOB_FAILED = "JOB_FAILED"
    BROKER_UNREACHABLE = "BROKER_UNREACHABLE"
    BROKER_WORD_UNKNOWN = "BROKER_WORD_UNKNOWN"
    ENTRIES_STOPPED = "ENTRIES_STOPPED"
    CLOCK_STEPPED = "CLOCK_STEPPED"
    INTERNAL_FAULT = "INTERNAL_FAULT"
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
