"""The rules between nine statuses with three reasons and five statuses with one, as pure functions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

# One offset since 1945, and ten times as fast as a zone.
IST = timezone(timedelta(hours=5, minutes=30))

REASON_LENGTH_MAX = 512
REASON_COLUMNS = ("failure_reason", "rejection_reason", "cancelled_reason")
OLD_STATUSES = (
    "amo",
    "pending_execution",
    "ongoing",
    "sell",
    "closed",
    "failed",
    "retry_pending",
    "rejected",
    "cancelled",
)
STATUSES = ("pending", "ongoing", "closed", "failed", "cancelled")
FAILED_ORDER = "failed_order"
# So that a second upgrade does not fail an order again that was retried since.
MOVED_FAILED_ORDER = "migrated_failed_order"
MIGRATED = "status_migrated"
KEPT = "reason_kept"

_NEW_WORD = {
    "amo": "pending",
    "pending_execution": "pending",
    "sell": "pending",
    "retry_pending": "failed",
    "rejected": "failed",
    "canceled": "cancelled",
}
_CANCELLED_PREFIXES = (
    "Cancelled",
    "Manual: ",
    "Order expired",
    "Already in holdings",
    "Dropped from retry queue",
    "Parameter update",
)
_NEUTRAL_PREFIXES = (
    "Order placed",
    "Order executed",
    "Sell order placed",
    "Late fill",
    "Manual retry requested",
)


class Unmovable(Exception):
    """A row that no rule covers; the migration stops, and the database stays as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEvent:
    """A line for `order_events`, so that nothing that the row loses is lost."""

    event: str
    reason: str
    figures: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Simplified:
    """What becomes of one order: the columns to set, and the events that keep the rest."""

    columns: Mapping[str, Any]
    events: Sequence[KeptEvent]
    side_was_wrong: bool
    was_failed_order: bool


def simplify(row: Mapping[str, Any], kept: frozenset[str]) -> Simplified:
    """One order of the nine statuses in the five; `kept` are the texts that its events hold already.

    Doing it again changes nothing. Raises Unmovable for an unknown status.
    """
    old_word = str(row["status"] or "").strip()
    status = five_word(row["id"], old_word)
    wrong_side = old_word.lower() == "sell" and str(row["side"] or "").strip().lower() != "sell"
    side = "sell" if wrong_side else row["side"]
    metadata = metadata_of(row)
    failure = metadata.get(FAILED_ORDER)
    columns: dict[str, Any] = {"status": status, "side": side}
    if failure:
        columns |= _failed(failure, metadata)
    texts = _texts(row, failure)
    text = next(iter(texts.values()), None)
    source = next((place for place in (*REASON_COLUMNS, *texts) if texts.get(place) == text), "")
    columns["reason"] = None if text is None else cut(text)
    return Simplified(
        columns=columns,
        events=[*_transition(row, columns, source), *lost_texts(texts, columns["reason"], kept)],
        side_was_wrong=wrong_side,
        was_failed_order=bool(failure),
    )


def lost_texts(texts: Mapping[str, str], reason: str | None, kept: frozenset[str]) -> list[KeptEvent]:
    """An event for each text, by the place it comes from, that neither the reason nor an event holds."""
    found: dict[str, str] = {}
    for column, text in sorted(texts.items(), key=lambda place: place[0] not in REASON_COLUMNS):
        if text != reason and text not in kept:
            found.setdefault(text, column)
    return [KeptEvent(event=KEPT, reason=text, figures={"column": column}) for text, column in found.items()]


def old_texts(row: Mapping[str, Any]) -> dict[str, str]:
    """The old reason columns that are filled."""
    return {column: text for column in REASON_COLUMNS if (text := filled(row.get(column))) is not None}


def five_word(order: object, word: str) -> str:
    """The status among the five. Raises Unmovable for a word that is none of the nine or the five."""
    lower = word.strip().lower()
    status = _NEW_WORD.get(lower, lower)
    if status not in STATUSES:
        raise Unmovable(f"order {order}: unknown status {word!r}; known are {', '.join(OLD_STATUSES)}")
    return status


def nine_word(row: Mapping[str, Any]) -> str:
    """The old status of a row: the first rule that matches, else its own word, which the nine have too."""
    reason, status, side = row["reason"] or "", row["status"], row["side"]
    if is_rejection(reason):
        return "rejected"
    if status == "failed" and row["first_failed_at"] is not None:
        return "retry_pending"
    if status == "pending":
        return "sell" if side == "sell" else "amo"
    return str(status)


def old_reasons(row: Mapping[str, Any], kept: Sequence[KeptEvent]) -> dict[str, str]:
    """The three old columns of a row: what the upgrade noted of them, and what the reason's prefix tells."""
    reason = filled(row["reason"])
    found: dict[str, str] = {}
    for event in kept:
        column = event.figures.get("column", "")
        is_current = event.event == KEPT or (reason is not None and event.reason == reason)
        if column in REASON_COLUMNS and is_current:
            found[column] = event.reason
    if reason is not None and (told := _column_of(reason, row["status"])) is not None:
        found.setdefault(told, reason)
    return found


def words_of(statuses: Sequence[str]) -> str:
    """As SQL lists them."""
    return ", ".join(f"'{word}'" for word in statuses)


def is_rejection(reason: str) -> bool:
    return reason.startswith("Broker rejected") or reason == "Rejected by broker"


def cut(text: str) -> str:
    return text if len(text) <= REASON_LENGTH_MAX else text[: REASON_LENGTH_MAX - 1] + "…"


def filled(text: object) -> str | None:
    """The text, or None where there is nothing but blanks."""
    return str(text) if text is not None and str(text).strip() else None


def metadata_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """`order_metadata` as an object; empty where it is none (the text stays where it is)."""
    found = row["order_metadata"]
    if isinstance(found, str | bytes):
        try:
            found = json.loads(found)
        except ValueError:
            return {}
    return found if isinstance(found, dict) else {}


def in_ist(text: object) -> datetime | None:
    """A stamp as the old columns have it: without a zone, meaning IST. None for what is no stamp."""
    try:
        stamp = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return stamp if stamp.tzinfo is None else stamp.astimezone(IST).replace(tzinfo=None)


def _texts(row: Mapping[str, Any], failure: object) -> dict[str, str]:
    """Every reason of a row by its place, the one that wins first."""
    told = filled(failure.get("reason")) if isinstance(failure, dict) else None
    unified = filled(row.get("reason"))
    first = {FAILED_ORDER: told, "reason": unified}
    return {place: text for place, text in first.items() if text is not None} | old_texts(row)


def _failed(failure: object, metadata: Mapping[str, Any]) -> dict[str, Any]:
    moved = {MOVED_FAILED_ORDER if key == FAILED_ORDER else key: value for key, value in metadata.items()}
    columns: dict[str, Any] = {"status": "failed", "order_metadata": moved}
    if isinstance(failure, dict):
        if (since := in_ist(failure.get("first_failed_at"))) is not None:
            columns["first_failed_at"] = since
        retries = failure.get("retry_count")
        if isinstance(retries, int) and retries >= 0:
            columns["retry_count"] = int(retries)
    return columns


def _transition(row: Mapping[str, Any], columns: Mapping[str, Any], source: str) -> list[KeptEvent]:
    """One event when anything changes: what stood there before, and which column the reason came from."""
    before = {name: row.get(name) for name in columns if name != "order_metadata"}
    changed = {name: value for name, value in before.items() if value != columns[name]}
    if not changed:
        return []
    figures = {name: str(value) for name, value in changed.items() if name != "reason" and value is not None}
    return [KeptEvent(event=MIGRATED, reason=columns["reason"] or "", figures={"column": source, **figures})]


def _column_of(reason: str, status: str) -> str | None:
    if is_rejection(reason):
        return "rejection_reason"
    if reason.startswith(_CANCELLED_PREFIXES):
        return "cancelled_reason"
    if reason.startswith(_NEUTRAL_PREFIXES):
        return None
    return {"failed": "failure_reason", "cancelled": "cancelled_reason"}.get(status)
