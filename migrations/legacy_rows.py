"""An order of the old software as a row of ours and back, as pure functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import Date
from sqlalchemy.types import TypeEngine

from migrations.simplification import IST, Unmovable, cut, filled, metadata_of
from tradebot.adapters.storage.column_types import Instant, Money
from tradebot.domain.coids import MIGRATED, is_foreign

ACCOUNT = "primary"
NO_REASON = "No reason recorded"
# What an order of ours knows beyond the old columns, while it stands in an old database.
OURS = "tradebot"
# What an old order had that ours has no column for.
THEIRS = "order_metadata"
THEIR_ID = "order_id"

_OLD_ID_LENGTH = 12
_OLD_SOURCES = ("signal", "manual", "api", "batch", "strategy")
_ORDER_TYPES = {
    "market": "market",
    "limit": "limit",
    "sl": "sl",
    "sl-m": "sl-m",
    "slm": "sl-m",
    "stop_loss": "sl",
    "stop_loss_market": "sl-m",
}
_OLD_INSTANTS = (
    "placed_at",
    "filled_at",
    "closed_at",
    "first_failed_at",
    "last_retry_attempt",
    "last_status_check",
    "execution_time",
)
_DECODERS: Mapping[type, Callable[[str], Any]] = {
    Money: Decimal,
    Instant: datetime.fromisoformat,
    Date: date.fromisoformat,
}
# What the old software may have changed; the rest of an order of ours comes back as it was.
_SHARED = (
    "user_id",
    "symbol",
    "side",
    "order_type",
    "quantity",
    "price",
    "status",
    "reason",
    "broker_order_id",
    "retry_count",
    "execution_price",
    "execution_qty",
    "orig_source",
    *_OLD_INSTANTS,
)


class Columns:
    """The columns of our orders, and how to read what `old_order` wrote of those that JSON has no type for."""

    def __init__(self, kinds: Mapping[str, TypeEngine[Any]]) -> None:
        self._names = frozenset(kinds)
        self._decoders = {name: _DECODERS[type(kind)] for name, kind in kinds.items() if type(kind) in _DECODERS}

    def read(self, kept: Mapping[str, Any]) -> dict[str, Any]:
        found = {name: value for name, value in kept.items() if name in self._names}
        for name, decode in self._decoders.items():
            if found.get(name) is not None:
                found[name] = decode(found[name])
        return found


def our_id(old: object) -> str:
    """The old number with zeros before it, which no id of ours has."""
    return str(int(str(old))).zfill(_OLD_ID_LENGTH)


def their_id(ours: str) -> int | None:
    """The id in the old software of an order that came from there."""
    return int(ours) if len(ours) == _OLD_ID_LENGTH and ours.startswith("0") else None


def our_order(row: Mapping[str, Any], columns: Columns, now: datetime) -> dict[str, Any]:
    """An old order in our columns; `now` is for one without any stamp.

    One that was ours before it was an old one has its own columns back, with what the old software changed.
    Raises Unmovable for what no rule covers.
    """
    theirs = metadata_of(row)
    kept = theirs.pop(OURS, None)
    if not isinstance(kept, dict):
        return _translated(row, now)
    translated = _translated({**row, THEIRS: theirs}, now)
    before = columns.read(kept)
    changed = {name: translated[name] for name in _SHARED if before.get(name) != translated[name]}
    metadata = {name: text for name, text in before["metadata"].items() if name != THEIRS} | _theirs(theirs)
    return translated | before | changed | {"metadata": metadata}


def our_attempt(order: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the broker knows of an order, as its one attempt; None for an order that it never took."""
    if order["broker_order_id"] is None:
        return None
    coid = order["coid"]
    number = 1 if is_foreign(coid) else int(coid[-2:], 36)
    words = {"pending": "pending", "failed": "rejected", "cancelled": "cancelled"}
    same = ("coid", "account_id", "decision_id", "leg", "side", "symbol", "variety", "quantity", "price")
    return {name: order[name] for name in same} | {
        "number": number,
        "order_id": order["id"],
        "status": words.get(order["status"], "filled"),
        "broker_order_id": order["broker_order_id"],
        "broker_status": None,
        "filled_quantity": order["execution_qty"],
        "trading_day": order["trading_day"],
        "looks": 0,
        "created_at": order["placed_at"] or order["created_at"],
        "updated_at": order["updated_at"],
    }


def our_position(order: Mapping[str, Any]) -> dict[str, Any] | None:
    """What an ongoing buy holds; None for every other order."""
    if order["status"] != "ongoing" or order["side"] != "buy":
        return None
    quantity = order["execution_qty"] or order["quantity"]
    price = order["execution_price"] or order["avg_price"] or order["price"]
    if price is None:
        raise Unmovable(f"order {order['id']} is ongoing and has no price, so its position has no cost")
    since = order["execution_time"] or order["filled_at"] or order["created_at"]
    same = ("account_id", "user_id", "symbol", "exchange", "product")
    return {name: order[name] for name in same} | {
        "id": order["position_id"] or f"legacy-{order['id']}",
        "opened_by": order["coid"],
        "quantity": quantity,
        "cost": price * quantity,
        "bought_quantity": quantity,
        "sold_quantity": 0,
        "realised_pnl": Decimal(0),
        "peak_price": price,
        "first_fill_at": since,
        "updated_at": order["updated_at"],
        "closed_at": None,
        "exit_rule": None,
        "metadata": {},
    }


def joined(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Two buys of one position."""
    return dict(one) | {
        "quantity": one["quantity"] + other["quantity"],
        "cost": one["cost"] + other["cost"],
        "bought_quantity": one["bought_quantity"] + other["bought_quantity"],
        "peak_price": max(one["peak_price"], other["peak_price"]),
        "first_fill_at": min(one["first_fill_at"], other["first_fill_at"]),
    }


def old_order(order: Mapping[str, Any], old_id: int) -> dict[str, Any]:
    """One of our orders in the old columns; what they cannot say stands in `order_metadata`."""
    theirs = order["metadata"]
    metadata = metadata_of({"order_metadata": theirs.get(THEIRS)})
    metadata[OURS] = {name: _encoded(value) for name, value in order.items()}
    return {name: _plain(order[name]) for name in (*_SHARED, "avg_price")} | {
        "id": old_id,
        "order_id": theirs.get(THEIR_ID),
        "order_metadata": metadata,
        "reason": None if order["reason"] == NO_REASON else order["reason"],
    }


def _translated(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    stamps = {name: _instant(row, name) for name in _OLD_INSTANTS}
    known = [stamp for stamp in stamps.values() if stamp is not None]
    created = stamps["placed_at"] or min(known, default=now)
    order_id = our_id(row["id"])
    execution_price = _money(row, "execution_price")
    execution_qty = _whole(row, "execution_qty") or 0
    filled_price = execution_price or _money(row, "avg_price") or Decimal(0)
    source = str(row["orig_source"] or "").strip().lower()
    return {
        "id": order_id,
        "user_id": str(row["user_id"]),
        "account_id": ACCOUNT,
        "symbol": row["symbol"],
        "exchange": "NSE",
        "side": _word(row, "side", {"buy": "buy", "sell": "sell"}),
        "order_type": _word(row, "order_type", _ORDER_TYPES),
        "product": "CNC",
        "validity": "DAY",
        "variety": "amo",
        "quantity": _quantity(row),
        "price": _money(row, "price"),
        "trigger_price": None,
        "status": row["status"],
        "reason": cut(filled(row["reason"]) or NO_REASON),
        "broker_status": None,
        "coid": f"{MIGRATED}{order_id}",
        "broker_order_id": filled(row["broker_order_id"]) or filled(row["order_id"]),
        "orig_source": source if source in _OLD_SOURCES else "signal" if not source else "manual",
        "entry_type": None,
        "is_manual": source == "manual",
        "created_at": created,
        "updated_at": max(known, default=now),
        **stamps,
        "retry_count": _whole(row, "retry_count") or 0,
        "execution_price": execution_price,
        "execution_qty": execution_qty,
        "execution_value": filled_price * execution_qty,
        "first_fill_at": stamps["execution_time"] or stamps["filled_at"],
        "avg_price": _money(row, "avg_price"),
        "decision_id": f"legacy-{order_id}",
        "leg": 0,
        "batch_id": None,
        "position_id": None,
        "disclosed_quantity": 0,
        "idempotency_key": None,
        "correlation_id": f"legacy-{order_id}",
        "expires_at": None,
        "trading_day": created.astimezone(IST).date(),
        "cancel_requested": False,
        "metadata": _metadata(row, source),
    }


def _metadata(row: Mapping[str, Any], source: str) -> dict[str, str]:
    """What has no column of ours, whole."""
    found = _theirs(metadata_of(row) or row["order_metadata"])
    if (order_id := filled(row["order_id"])) is not None:
        found[THEIR_ID] = order_id
    if source and source not in _OLD_SOURCES:
        found["orig_source"] = str(row["orig_source"])
    return found


def _theirs(metadata: object) -> dict[str, str]:
    """As text: an object in one form, whatever else stood there as it is."""
    if not metadata:
        return {}
    return {THEIRS: metadata if isinstance(metadata, str) else json.dumps(metadata, ensure_ascii=False)}


def _word(row: Mapping[str, Any], column: str, words: Mapping[str, str]) -> str:
    found = str(row[column] or "").strip().lower().replace(" ", "_")
    if found not in words:
        raise _unmovable(row, column, f"known are {', '.join(words)}")
    return words[found]


def _instant(row: Mapping[str, Any], column: str) -> datetime | None:
    found = row[column]
    if found is None or found == "":
        return None
    try:
        stamp = found if isinstance(found, datetime) else datetime.fromisoformat(str(found))
    except ValueError as error:
        raise _unmovable(row, column, "no instant") from error
    return (stamp.replace(tzinfo=IST) if stamp.tzinfo is None else stamp).astimezone(UTC)


def _money(row: Mapping[str, Any], column: str) -> Decimal | None:
    found = row[column]
    if found is None or found == "":
        return None
    try:
        value = Decimal(str(found))
    except InvalidOperation as error:
        raise _unmovable(row, column, "no number") from error
    if not value.is_finite():
        raise _unmovable(row, column, "no number")
    return value


def _whole(row: Mapping[str, Any], column: str) -> int | None:
    value = _money(row, column)
    if value is None:
        return None
    if value != int(value):
        raise _unmovable(row, column, "no whole number")
    return int(value)


def _quantity(row: Mapping[str, Any]) -> int:
    quantity = _whole(row, "quantity")
    if quantity is None or quantity <= 0:
        raise _unmovable(row, "quantity", "an order has a quantity above zero; correct or remove the row")
    return quantity


def _unmovable(row: Mapping[str, Any], column: str, why: str) -> Unmovable:
    return Unmovable(f"order {row['id']}: {column} is {row[column]!r}: {why}; nothing was changed")


def _plain(value: Any) -> Any:
    """As the old columns have it: numbers as floats, instants without a zone."""
    match value:
        case Decimal():
            return float(value)
        case datetime():
            return value.astimezone(IST).replace(tzinfo=None)
        case _:
            return value


def _encoded(value: Any) -> Any:
    """A value of ours in JSON."""
    match value:
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case _:
            return value
