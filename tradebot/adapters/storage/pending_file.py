"""`state/pending_orders.json`, where pending orders lived before the database: kept for programs that read it.

`{"orders": [{order_id, symbol, ticker, qty, order_type, variety, price, placed_at, last_status_check, status,
rejection_reason, check_count, executed_qty}]}`. The database is always written and asked first; the file is told of
what was saved, and asked only for orders that the database does not know. An empty answer of the database is an answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from tradebot.adapters.disk import write_file
from tradebot.domain.calendar import IST
from tradebot.domain.errors import SaveFailed
from tradebot.domain.orders import Attempt, Coid, Order, OrderId, OrderStatus
from tradebot.domain.stored import Changes, Stored
from tradebot.ports import Disk, OrderStore

NAME = "pending_orders.json"

Entry = Mapping[str, Any]


class PendingFile:
    """The file as a whole; one that is not there, or that makes no sense, has no orders and is not written over by
    what it had."""

    def __init__(self, disk: Disk, folder: Path) -> None:
        self._disk = disk
        self._path = folder / NAME

    def read(self) -> list[Entry]:
        """Raises ValueError for a file that is no such list."""
        data = self._disk.read(self._path)
        if data is None:
            return []
        found = json.loads(data)
        orders = found.get("orders") if isinstance(found, dict) else None
        if not isinstance(orders, list) or not all(isinstance(entry, dict) and "order_id" in entry for entry in orders):
            raise ValueError(f"{self._path} has no list of orders")
        return orders

    def write(self, entries: Iterable[Entry]) -> None:
        """Raises SaveFailed."""
        text = json.dumps({"orders": list(entries)}, indent=1, ensure_ascii=False)
        write_file(self._disk, self._path, text.encode() + b"\n")


class DualStore:
    """`ports.OrderStore` that keeps the file beside the database (`ORDER_TRACKER_MODE = "dual"`).

    What is pending stands in the file, what has ended leaves it. Entries that the database does not know stay as they
    are: an import moves them. A file that cannot be written is told and never keeps an order from being saved.
    """

    def __init__(self, store: OrderStore, file: PendingFile, tell: Callable[[str], None]) -> None:
        self._store = store
        self._file = file
        self._tell = tell
        self._entries: dict[str, Entry] = {}
        self._unknown: dict[str, Entry] = {}
        self._is_usable = True

    def load(self, since: date) -> Stored:
        stored = self._store.load(since)
        known = {name for order in stored.orders for name in (order.id, order.broker_order_id, _name(order)) if name}
        try:
            entries = self._file.read()
        except (ValueError, SaveFailed) as cause:
            self._is_usable = False
            self._tell(f"{cause}; it is left as it is, and the database alone counts")
            return stored
        self._unknown = {str(entry["order_id"]): entry for entry in entries if str(entry["order_id"]) not in known}
        self._entries = {_name(order): _entry(order) for order in stored.orders if order.status is OrderStatus.PENDING}
        if self._unknown:
            names = ", ".join(sorted(self._unknown)[:10])
            self._tell(f"{len(self._unknown)} orders stand in {NAME} alone ({names}): import them")
        self._write()
        return stored

    def save(self, changes: Changes) -> None:
        self._store.save(changes)
        before = dict(self._entries)
        for order in changes.orders:
            self._entries = {name: e for name, e in self._entries.items() if name not in (order.id, _name(order))}
            if order.status is OrderStatus.PENDING:
                self._entries[_name(order)] = _entry(order)
        if self._entries != before:
            self._write()

    def attempts(self, coids: Sequence[Coid]) -> Sequence[Attempt]:
        return self._store.attempts(coids)

    def batch_fingerprint(self, batch_id: str) -> str | None:
        return self._store.batch_fingerprint(batch_id)

    def order_of(self, coid: Coid) -> OrderId | None:
        return self._store.order_of(coid)

    def entry(self, order_id: str) -> Entry | None:
        """What the file alone knows of an order; None for one that the database knows, or nobody."""
        return self._unknown.get(order_id)

    def close(self) -> None:
        self._store.close()

    def _write(self) -> None:
        if not self._is_usable:
            return
        try:
            self._file.write([*self._unknown.values(), *self._entries.values()])
        except (SaveFailed, OSError) as cause:
            self._tell(f"{NAME} lags behind the database: {cause}")


def _name(order: Order) -> str:
    """The broker's number, as the file always had it; ours as long as there is none."""
    return order.broker_order_id or order.id


def _entry(order: Order) -> Entry:
    return {
        "order_id": _name(order),
        "symbol": order.symbol,
        "ticker": f"{order.symbol}.{'BO' if order.exchange == 'BSE' else 'NS'}",
        "qty": order.quantity,
        "order_type": order.order_type.upper(),
        "variety": order.variety.upper(),
        "price": None if order.price is None else str(order.price),
        "placed_at": _stamp(order.placed_at or order.created_at),
        "last_status_check": _stamp(order.last_status_check),
        "status": "OPEN" if order.placed_at else "PENDING",
        "rejection_reason": None,
        "check_count": 0,
        "executed_qty": order.execution_qty,
    }


def _stamp(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(IST).isoformat(timespec="seconds")
