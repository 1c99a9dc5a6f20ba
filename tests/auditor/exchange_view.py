"""The exchange's books as the auditor sees them, and how they are read from their folder (docs/exchange-books.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.auditor.findings import Unreadable

VERSION = 1
FINAL = frozenset({"COMPLETE", "REJECTED", "CANCELLED"})

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeOrder:
    """`status` is the broker's word, `average_price` that of what was filled (None for nothing)."""

    order_id: str
    account_id: str
    tag: str | None
    symbol: str
    side: str
    quantity: int
    filled: int
    status: str
    average_price: Decimal | None

    @property
    def is_final(self) -> bool:
        return self.status in FINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeTrade:
    order_id: str
    quantity: int
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeView:
    """Every order ever, all their trades, and what each account has now.

    Cash by account, `holdings` by (account, symbol): settled, on its way and today's net together. `opening_cash` of
    an account that is not in it is unknown.
    """

    orders: Sequence[ExchangeOrder]
    trades: Sequence[ExchangeTrade]
    cash: Mapping[str, Decimal]
    opening_cash: Mapping[str, Decimal]
    holdings: Mapping[tuple[str, str], int]


def read_exchange(folder: Path, opening_cash: Mapping[str, Decimal] | None = None) -> ExchangeView:
    """The books of a folder, which nobody writes meanwhile. Raises Unreadable.

    Only books that never ended a day say themselves what the accounts began with; others need `opening_cash`.
    """
    try:
        return _read(folder, opening_cash)
    except (OSError, ValueError, KeyError, TypeError, ArithmeticError) as e:
        raise Unreadable(f"{folder}: {type(e).__name__}: {e}") from e


def _read(folder: Path, opening_cash: Mapping[str, Decimal] | None) -> ExchangeView:
    snapshot = json.loads((folder / "snapshot.json").read_bytes())
    if snapshot["version"] != VERSION:
        raise ValueError(f"version {snapshot['version']} of the books, only {VERSION} is known")
    pages = _Pages()
    for line in _history(folder / "history.jsonl", snapshot["history_bytes"]):
        pages.take({"orders": [line["order"]], "trades": line["trades"]})
    pages.take(snapshot["state"])
    if opening_cash is None:
        opening_cash = dict(pages.cash) if snapshot["generation"] == 0 else {}
    for line in _journal(folder / f"journal-{snapshot['generation']:06d}.jsonl"):
        pages.take(line)
    return ExchangeView(
        orders=list(pages.orders.values()),
        trades=pages.trades,
        cash=pages.cash,
        opening_cash=opening_cash,
        holdings=pages.holdings,
    )


class _Pages:
    """What was read so far; a later line about an order, an account's cash or a holding replaces the earlier one."""

    def __init__(self) -> None:
        self.orders: dict[str, ExchangeOrder] = {}
        self.trades: list[ExchangeTrade] = []
        self.cash: dict[str, Decimal] = {}
        self.holdings: dict[tuple[str, str], int] = {}

    def take(self, line: Json) -> None:
        for row in line.get("orders", ()):
            self.orders[row["order_id"]] = _order(row)
        for row in line.get("trades", ()):
            trade = ExchangeTrade(order_id=row["order_id"], quantity=row["quantity"], price=Decimal(row["price"]))
            self.trades.append(trade)
        for row in line.get("margins", ()):
            self.cash[row["account_id"]] = Decimal(row["cash"])
        for row in line.get("holdings", ()):
            self.holdings[row["account_id"], row["symbol"]] = _held(row)


def _order(row: Json) -> ExchangeOrder:
    filled = row["filled_quantity"]
    return ExchangeOrder(
        order_id=row["order_id"],
        account_id=row["account_id"],
        tag=row["tag"],
        symbol=row["symbol"],
        side=row["side"],
        quantity=row["quantity"],
        filled=filled,
        status=row["status"],
        average_price=Decimal(row["filled_value"]) / filled if filled else None,
    )


def _held(row: Json) -> int:
    on_its_way = sum(quantity for _, quantity in row["lots"])
    held: int = row["settled_quantity"] + on_its_way + row["bought_today"] - row["sold_today"]
    return held


def _history(path: Path, size: int) -> list[Json]:
    """The orders that left the book; what stands behind `size` is in the journal too."""
    data = path.read_bytes() if path.exists() else b""
    if len(data) < size:
        raise ValueError(f"{path.name} has {len(data)} bytes, the snapshot counts {size}")
    return [json.loads(line) for line in data[:size].splitlines()]


def _journal(path: Path) -> list[Json]:
    """What happened since the snapshot; an unfinished last line never happened."""
    data = path.read_bytes() if path.exists() else b""
    return [json.loads(line) for line in data[: data.rfind(b"\n") + 1].splitlines()]
