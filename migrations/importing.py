"""Orders from the files of the older software: `pending_orders.json`, and the failed orders of a trade history.

An order that is imported has an id made from what identifies it, so that a second import finds it there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from migrations.legacy_rows import Columns, our_attempt, our_order, our_position
from migrations.simplification import Unmovable, cut, filled
from tradebot.adapters.storage import book_tables, order_tables
from tradebot.domain.coids import IMPORTED
from tradebot.domain.errors import StateCorrupt

_DIGITS = 12
_ID_LENGTH = 13
_STATUSES = {
    "PENDING": "pending",
    "OPEN": "pending",
    "EXECUTED": "ongoing",
    "REJECTED": "failed",
    "CANCELLED": "cancelled",
    "CANCELED": "cancelled",
}
_SUFFIXES = ("-EQ", "-BE", "-BL", "-BZ", ".NS", ".BO")
_SOURCE = "import"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose orders they become."""

    user_id: str
    account_id: str


@dataclass(slots=True)
class Imported:
    """What became of the entries of one file: `skipped` were there already."""

    total: int = 0
    imported: int = 0
    skipped: int = 0
    errors: list[str] = field(default_factory=list)


def import_pending(connection: sa.Connection, path: Path, owner: Owner, now: datetime) -> Imported:
    """The orders of a `pending_orders.json`. Raises StateCorrupt for a file that is none."""
    return _import(connection, _entries(path, "orders"), _pending_row, owner, now)


def import_history(connection: sa.Connection, path: Path, owner: Owner, now: datetime) -> Imported:
    """The `failed_orders` of a trade history. Raises StateCorrupt for a file that is none."""
    return _import(connection, _entries(path, "failed_orders"), _failed_row, owner, now)


def _entries(path: Path, name: str) -> Sequence[object]:
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, OSError) as error:
        raise StateCorrupt(str(path), f"cannot be read ({error})", mend="name the right file") from error
    entries = found.get(name) if isinstance(found, dict) else None
    if not isinstance(entries, list):
        raise StateCorrupt(str(path), f'has no list named "{name}"', mend="name the right file")
    return entries


def _import(
    connection: sa.Connection,
    entries: Sequence[object],
    row_of: Callable[[Mapping[str, Any]], dict[str, Any]],
    owner: Owner,
    now: datetime,
) -> Imported:
    result = Imported(total=len(entries))
    books = _Books(connection, owner)
    for place, entry in enumerate(entries, 1):
        try:
            if not isinstance(entry, dict):
                raise Unmovable("is no object")
            with connection.begin_nested():
                is_new = books.add(row_of(entry), now)
        except (Unmovable, DBAPIError) as error:
            result.errors.append(f"entry {place}: {error}")
        else:
            result.imported += is_new
            result.skipped += not is_new
    return result


class _Books:
    """The tables, as the import adds to them; nothing that is there is changed."""

    def __init__(self, connection: sa.Connection, owner: Owner) -> None:
        self._connection = connection
        self._owner = owner
        self._columns = Columns({})
        orders, events = order_tables.orders.c, order_tables.order_events.c
        ids = connection.execute(sa.select(orders.id, orders.broker_order_id)).all()
        self._ids = {row[0] for row in ids}
        self._broker_ids = {row[1] for row in ids if row[1] is not None}
        query = sa.select(sa.func.max(events.sequence)).where(events.account_id == owner.account_id)
        self._sequence = int(connection.execute(query).scalar_one() or 0)

    def add(self, row: dict[str, Any], now: datetime) -> bool:
        """False for an order that is there already, by its id or by its number at the broker."""
        key = row.pop("key")
        number = int.from_bytes(hashlib.sha256(key.encode()).digest(), "big") % 10**_DIGITS
        order_id = str(number).zfill(_ID_LENGTH)
        if order_id in self._ids or row["broker_order_id"] in self._broker_ids:
            return False
        order = self._order(row, order_id, number, now)
        position = our_position(order)
        self._insert(order_tables.orders, order)
        if (attempt := our_attempt(order)) is not None:
            self._insert(order_tables.attempts, attempt)
        if position is not None:
            self._insert(book_tables.positions, position)
        self._insert(order_tables.order_events, self._event(order, now))
        self._ids.add(order_id)
        if order["broker_order_id"] is not None:
            self._broker_ids.add(order["broker_order_id"])
        return True

    def _order(self, row: Mapping[str, Any], order_id: str, number: int, now: datetime) -> dict[str, Any]:
        order = our_order(dict(row) | {"id": number, "user_id": self._owner.user_id}, self._columns, now)
        order |= {
            "id": order_id,
            "account_id": self._owner.account_id,
            "coid": f"{IMPORTED}{number:0{_DIGITS}}",
            "decision_id": f"import-{order_id}",
            "correlation_id": f"import-{order_id}",
            "reason": row["reason"] or order["reason"],
        }
        if order["status"] == "ongoing":
            order["position_id"] = f"import-{order_id}"
        return order

    def _event(self, order: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        self._sequence += 1
        return {
            "account_id": order["account_id"],
            "sequence": self._sequence,
            "order_id": order["id"],
            "event": "imported",
            "from_status": None,
            "to_status": order["status"],
            "reason": order["reason"],
            "source": _SOURCE,
            "at": now,
            "correlation_id": order["correlation_id"],
            "figures": {},
        }

    def _insert(self, table: sa.Table, row: Mapping[str, Any]) -> None:
        values = {column.name: row.get(column.name) for column in table.columns}
        self._connection.execute(sa.insert(table), [values])


def _pending_row(entry: Mapping[str, Any]) -> dict[str, Any]:
    order_id = filled(entry.get("order_id"))
    if order_id is None:
        raise Unmovable("order_id is missing")
    word = str(entry.get("status") or "").strip().upper()
    if word not in _STATUSES:
        raise Unmovable(f"unknown status {entry.get('status')!r}; known are {', '.join(_STATUSES)}")
    side, order_type = _side(entry), str(entry.get("order_type") or "limit")
    status = "closed" if word == "EXECUTED" and side == "sell" else _STATUSES[word]
    executed = entry.get("executed_qty") or (entry.get("qty") if word == "EXECUTED" else 0)
    placed, checked = entry.get("placed_at"), entry.get("last_status_check")
    is_executed = word == "EXECUTED"
    return _row(entry) | {
        "key": f"pending {order_id}",
        "side": side,
        "order_type": "limit" if order_type.strip().lower() in ("buy", "sell") else order_type,
        "quantity": entry.get("qty"),
        "price": entry.get("price"),
        "status": status,
        "reason": cut(filled(entry.get("rejection_reason")) or _reasons(status)),
        "order_id": order_id,
        "broker_order_id": order_id,
        "placed_at": placed,
        "last_status_check": checked,
        "first_failed_at": (checked or placed) if status == "failed" else None,
        "closed_at": (checked or placed) if status in ("cancelled", "closed") else None,
        "filled_at": (checked or placed) if is_executed else None,
        "execution_time": (checked or placed) if is_executed else None,
        "execution_price": entry.get("price") if executed else None,
        "execution_qty": executed,
    }


def _failed_row(entry: Mapping[str, Any]) -> dict[str, Any]:
    since = filled(entry.get("first_failed_at")) or filled(entry.get("failed_at")) or filled(entry.get("timestamp"))
    symbol = _symbol(entry)
    price = _first(entry, "price", "close", "entry_price")
    return _row(entry) | {
        "key": f"failed {symbol} {_side(entry)} {since or json.dumps(entry, sort_keys=True)}",
        "side": _side(entry),
        "order_type": "limit" if price is not None else "market",
        "quantity": _first(entry, "quantity", "qty", "calculated_qty"),
        "price": price,
        "status": "failed",
        "reason": cut(filled(entry.get("reason")) or filled(entry.get("failure_reason")) or _reasons("failed")),
        "order_id": None,
        "broker_order_id": None,
        "placed_at": since,
        "first_failed_at": since,
        "last_retry_attempt": entry.get("last_retry_attempt"),
        "retry_count": entry.get("retry_count") or 0,
    }


def _row(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What both files have alike; the whole entry is kept."""
    empty = (
        "avg_price", "filled_at", "closed_at", "first_failed_at", "last_retry_attempt", "last_status_check",
        "execution_price", "execution_qty", "execution_time", "retry_count", "orig_source",
    )  # fmt: skip
    return dict.fromkeys(empty) | {"symbol": _symbol(entry), "order_metadata": dict(entry)}


def _symbol(entry: Mapping[str, Any]) -> str:
    """As the exchange writes it, without a series and without a data vendor's suffix."""
    found = filled(entry.get("symbol")) or filled(entry.get("ticker"))
    if found is None:
        raise Unmovable("symbol is missing")
    word = found.strip().upper()
    return next((word.removesuffix(suffix) for suffix in _SUFFIXES if word.endswith(suffix)), word)


def _side(entry: Mapping[str, Any]) -> str:
    """What the entry says; the older software kept buys in these files."""
    said = _first(entry, "side", "transaction_type")
    words = [str(word).strip().lower() for word in (said, entry.get("order_type")) if word is not None]
    return next(({"b": "buy", "s": "sell"}.get(word, word) for word in words if word in _SIDES), "buy")


_SIDES = ("buy", "sell", "b", "s")


def _first(entry: Mapping[str, Any], *names: str) -> Any:
    return next((entry[name] for name in names if entry.get(name) is not None), None)


def _reasons(status: str) -> str:
    return {
        "pending": "Order placed - waiting for market open",
        "ongoing": "Order executed",
        "closed": "Order executed",
        "failed": "Rejected by broker",
        "cancelled": "Cancelled",
    }[status]
