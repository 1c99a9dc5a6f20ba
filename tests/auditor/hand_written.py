"""A home folder written by hand in the documented formats: consistent until a test plants a lie in it."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.auditor.ids import derived

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
ACCOUNT = "primary"
OPENING = Decimal(1_000_000)

Row = dict[str, Any]

_ATTEMPT_WORDS = {"COMPLETE": "filled", "CANCELLED": "cancelled", "REJECTED": "rejected"}


class HandWrittenHome:
    """Rows of all four copies, by id; its few verbs change them as an honest daemon and exchange would."""

    def __init__(self) -> None:
        self.now = NOW
        self.exchange_orders: dict[str, Row] = {}
        self.trades: list[Row] = []
        self.cash = OPENING
        self.holdings: dict[str, int] = {}
        self.registry: dict[str, Row] = {}
        self.orders: dict[str, Row] = {}
        self.attempts: dict[str, Row] = {}
        self.fills: list[Row] = []
        self.positions: dict[str, Row] = {}
        self.events: list[Row] = []
        self.requests: dict[str, Row] = {}
        self.log: list[Row] = []
        self.batches: list[Row] = []
        self.legs: list[Row] = []
        self.stream: list[Row] = []

    def place(self, symbol: str, quantity: int = 10, *, side: str = "buy", position_id: str | None = None) -> str:
        """A new order that stands at the exchange; its id."""
        order_id = f"{len(self.orders) + 1:019d}"
        self.orders[order_id] = {
            "id": order_id,
            "account_id": ACCOUNT,
            "symbol": symbol,
            "exchange": "NSE",
            "side": side,
            "quantity": quantity,
            "status": "pending",
            "reason": "Order placed - waiting for execution",
            "coid": "",
            "position_id": position_id,
            "execution_qty": 0,
            "execution_value": Decimal(0),
        }
        self._event(order_id, "recorded", None, "pending")
        self._attempt(order_id, 1)
        return order_id

    def trade(self, order_id: str, quantity: int, price: str) -> None:
        """One execution, in part until `end` says otherwise."""
        order, attempt = self.orders[order_id], self.attempt(order_id)
        row = self.exchange_orders[attempt["broker_order_id"]]
        value = Decimal(price) * quantity
        row["filled_quantity"] += quantity
        row["filled_value"] = str(Decimal(row["filled_value"]) + value)
        trade = {"order_id": row["order_id"], "quantity": quantity, "price": price}
        self.trades.append(trade | {"trade_id": f"{row['order_id']}{len(self.trades) + 1:03d}"})
        signed = quantity if order["side"] == "buy" else -quantity
        self.holdings[order["symbol"]] = self.holdings.get(order["symbol"], 0) + signed
        self.cash -= value if order["side"] == "buy" else -value
        self._book(order, attempt, quantity, Decimal(price))

    def partly(self, order_id: str, quantity: int, price: str) -> None:
        """A partial fill, and what is told of it."""
        self.trade(order_id, quantity, price)
        self._settle(order_id, "partially_filled", None)
        self._event(order_id, "partially_filled", "pending", "pending")
        self.log.append({"event": "ORDER_PARTIAL", "order_id": order_id})

    def end(self, order_id: str, word: str, *, event: str, status: str) -> None:
        """The exchange's last word, and what becomes of the order by it."""
        self.exchange_orders[self.attempt(order_id)["broker_order_id"]]["status"] = word
        self._settle(order_id, _ATTEMPT_WORDS[word], None)
        self.change(order_id, event, status)
        order = self.orders[order_id]
        if event in ("bought", "sold") and order["execution_qty"] == order["quantity"]:
            self.log.append({"event": "ORDER_FILLED", "order_id": order_id})

    def change(self, order_id: str, event: str, status: str) -> None:
        """One transition of ours."""
        order = self.orders[order_id]
        self._event(order_id, event, order["status"], status)
        order["status"] = status

    def retry(self, order_id: str) -> None:
        """A failed order is sent once more."""
        self.change(order_id, "retried", "pending")
        self._attempt(order_id, self.attempt(order_id)["number"] + 1)

    def buy(self, symbol: str, quantity: int = 10, price: str = "100") -> str:
        order_id = self.place(symbol, quantity)
        self.trade(order_id, quantity, price)
        self.end(order_id, "COMPLETE", event="bought", status="ongoing")
        return order_id

    def sell(self, bought: str, quantity: int, price: str) -> str:
        """Sell out of a position; the one that sells the last share closes it and the buy."""
        order = self.orders[bought]
        order_id = self.place(order["symbol"], quantity, side="sell", position_id=order["position_id"])
        self.trade(order_id, quantity, price)
        self.end(order_id, "COMPLETE", event="sold", status="closed")
        if not self.positions[order["position_id"]]["quantity"]:
            self.change(bought, "position_sold", "closed")
        return order_id

    def attempt(self, order_id: str) -> Row:
        return self.attempts[self.orders[order_id]["coid"]]

    def at_exchange(self, order_id: str) -> Row:
        return self.exchange_orders[self.attempt(order_id)["broker_order_id"]]

    def entry(self, order_id: str) -> Row:
        return self.registry[self.orders[order_id]["coid"]]

    def position(self, order_id: str) -> Row:
        return self.positions[self.orders[order_id]["position_id"]]

    def untagged(self, symbol: str, quantity: int, price: str) -> None:
        """Somebody buys by hand in the same account."""
        row = self._exchange_order(symbol, quantity, "buy", None)
        value = Decimal(price) * quantity
        row |= {"filled_quantity": quantity, "filled_value": str(value), "status": "COMPLETE"}
        self.trades.append({"order_id": row["order_id"], "trade_id": "1", "quantity": quantity, "price": price})
        self.holdings[symbol] = self.holdings.get(symbol, 0) + quantity
        self.cash -= value

    def duplicate(self, order_id: str) -> Row:
        """One more order at the exchange with the same tag."""
        order = self.orders[order_id]
        return self._exchange_order(order["symbol"], order["quantity"], order["side"], order["coid"])

    def batch(self, status: str, *legs: tuple[str, str | None]) -> None:
        """Orders that belong together, each with the one that took it back, if one did."""
        batch_id = f"B{len(self.batches) + 1}"
        self.batches.append({"id": batch_id, "status": status})
        for number, (order_id, unwind) in enumerate(legs):
            leg = {"batch_id": batch_id, "number": number, "order_id": order_id, "unwind_order_id": unwind}
            self.legs.append(leg)

    def listen(self) -> None:
        """One client is told everything, on two connections."""
        greeting = {"type": "connection_established", "account_id": ACCOUNT, "seq": 0, "message": "welcome"}
        half = len(self.events) // 2
        told = [_told(event) for event in self.events]
        self.stream = [greeting, *told[:half], greeting, *told[half - 1 :]]

    def pass_days(self, days: int) -> None:
        self.now += timedelta(days=days)

    def write(self, home: Path) -> Path:
        """All files; the folder itself."""
        for name in ("exchange", "state", "logs/archive"):
            (home / name).mkdir(parents=True)
        write_books(home / "exchange", self)
        write_registry(home / "state", list(self.registry.values()))
        write_database(home / "state" / "tradebot.db", self)
        older, newer = self.log[:1], self.log[1:]
        (home / "logs/archive/bot_log_1.jsonl").write_text(_lines(older))
        (home / "logs/bot_log_2.jsonl").write_text(_lines([*newer, {"event": "CYCLE", "checked": 3}]))
        (home / "stream.jsonl").write_text(_lines(self.stream))
        return home

    def _attempt(self, order_id: str, number: int) -> None:
        order = self.orders[order_id]
        intent = {"account_id": ACCOUNT, "decision_id": f"signal-{order_id}", "leg": 0, "side": order["side"]}
        coid = derived(ACCOUNT, intent["decision_id"], 0, order["side"], number)
        row = self._exchange_order(order["symbol"], order["quantity"], order["side"], coid)
        same = intent | {"coid": coid, "symbol": order["symbol"], "status": "pending"}
        same["broker_order_id"] = row["order_id"]
        order["coid"] = coid
        self.attempts[coid] = same | {
            "number": number, "order_id": order_id, "filled_quantity": 0, "updated_at": self.now,
        }  # fmt: skip
        self.registry[coid] = same | {"attempt_count": number, "filled_qty": 0, "updated": self.now}
        self.requests[coid] = {"id": f"{coid}-P", "coid": coid, "kind": "place", "state": "acked"}
        self._event(order_id, "accepted", "pending", "pending")

    def _exchange_order(self, symbol: str, quantity: int, side: str, tag: str | None) -> Row:
        order_id = f"261120{len(self.exchange_orders) + 1:09d}"
        self.exchange_orders[order_id] = {
            "order_id": order_id,
            "account_id": ACCOUNT,
            "tag": tag,
            "symbol": symbol,
            "side": side,
            "quantity": quantity,
            "status": "OPEN",
            "filled_quantity": 0,
            "filled_value": "0",
        }
        return self.exchange_orders[order_id]

    def _book(self, order: Row, attempt: Row, quantity: int, price: Decimal) -> None:
        same = {name: attempt[name] for name in ("coid", "broker_order_id", "order_id")}
        same |= {"symbol": order["symbol"], "side": order["side"], "booked_at": self.now}
        self.fills.append(same | {"quantity": quantity, "price": price})
        order["execution_qty"] += quantity
        order["execution_value"] += price * quantity
        self._settle(order["id"], attempt["status"], attempt["filled_quantity"] + quantity)
        if order["side"] == "buy":
            self._into_position(order, quantity, price)
        else:
            self._out_of_position(self.positions[order["position_id"]], quantity, price)

    def _into_position(self, order: Row, quantity: int, price: Decimal) -> None:
        order["position_id"] = key = order["position_id"] or f"P{order['coid']}"
        empty = {"quantity": 0, "cost": Decimal(0), "bought_quantity": 0, "sold_quantity": 0, "closed_at": None}
        empty |= {"id": key, "account_id": ACCOUNT, "symbol": order["symbol"], "realised_pnl": Decimal(0)}
        position = self.positions.setdefault(key, empty)
        position["quantity"] += quantity
        position["bought_quantity"] += quantity
        position["cost"] += price * quantity

    def _out_of_position(self, position: Row, quantity: int, price: Decimal) -> None:
        cost = position["cost"] * quantity / position["quantity"]
        position["realised_pnl"] += price * quantity - cost
        position["cost"] -= cost
        position["quantity"] -= quantity
        position["sold_quantity"] += quantity
        position["closed_at"] = None if position["quantity"] else self.now

    def _settle(self, order_id: str, status: str, filled: int | None) -> None:
        """Attempt and registry entry alike."""
        attempt, entry = self.attempt(order_id), self.entry(order_id)
        filled = attempt["filled_quantity"] if filled is None else filled
        attempt |= {"status": status, "filled_quantity": filled, "updated_at": self.now}
        entry |= {"status": status, "filled_qty": filled, "updated": self.now}

    def _event(self, order_id: str, event: str, before: str | None, after: str) -> None:
        number = len(self.events) + 1
        same = {"account_id": ACCOUNT, "sequence": number, "order_id": order_id, "event": event, "at": self.now}
        self.events.append(same | {"from_status": before, "to_status": after})


def write_books(folder: Path, home: HandWrittenHome) -> None:
    """Books as of their first day: everything after the opening stands in the journal, a line for each row."""
    first = {"orders": [], "trades": [], "margins": [_margins(OPENING)], "holdings": []}
    snapshot = {"version": 1, "seed": 7, "generation": 0, "history_bytes": 0, "state": first}
    lines: list[Row] = [{"orders": [row]} for row in home.exchange_orders.values()]
    lines += [{"trades": [row]} for row in home.trades]
    lines += [{"holdings": [_holding(*held)]} for held in home.holdings.items()]
    lines.append({"margins": [_margins(home.cash)]})
    (folder / "snapshot.json").write_text(json.dumps(snapshot))
    (folder / "journal-000000.jsonl").write_text(_lines(lines))


def write_registry(folder: Path, entries: list[Row]) -> None:
    """Half of it folded, half of it in the journal."""
    half = len(entries) // 2
    snapshot, checksum = snapshot_bytes(entries[:half])
    (folder / "coid_registry.json").write_bytes(snapshot)
    (folder / "coid_registry.journal").write_bytes(journal_bytes(1, checksum, entries[half:]))


def snapshot_bytes(entries: list[Row], generation: int = 1) -> tuple[bytes, str]:
    """The file and its checksum."""
    head = f'{{"format":1,"generation":{generation},"created":"2026-11-01T00:00:00+00:00","checksum":"'
    tail = '","entries":[\n' + ",\n".join(map(_json, entries)) + "\n]}\n"
    checksum = hashlib.sha256((head + tail).encode()).hexdigest()
    return (head + checksum + tail).encode(), checksum


def journal_bytes(generation: int, checksum: str, entries: list[Row]) -> bytes:
    lines: list[Row] = [{"format": 1, "generation": generation, "line": 0, "snapshot": checksum}]
    lines += [{"generation": generation, "line": n, "entry": row} for n, row in enumerate(entries, start=1)]
    return b"".join(b"%08x %b\n" % (zlib.crc32(text), text) for text in (_json(line).encode() for line in lines))


def write_database(path: Path, home: HandWrittenHome) -> None:
    with closing(sqlite3.connect(path)) as connection:
        fill_database(connection, home)


def fill_database(connection: sqlite3.Connection, home: HandWrittenHome) -> None:
    """The tables without their constraints, which would stop most lies."""
    connection.execute("PRAGMA synchronous = OFF")
    for table, rows in (
        ("orders", list(home.orders.values())),
        ("attempts", list(home.attempts.values())),
        ("fills", home.fills),
        ("positions", list(home.positions.values())),
        ("order_events", home.events),
        ("broker_requests", list(home.requests.values())),
        ("batches", home.batches),
        ("batch_legs", home.legs),
    ):
        names = list(rows[0])
        connection.execute(f"CREATE TABLE {table} ({', '.join(names)})")
        places = ", ".join("?" * len(names))
        connection.executemany(
            f"INSERT INTO {table} VALUES ({places})", [[_kept(row[name]) for name in names] for row in rows]
        )
    connection.commit()


def _kept(value: Any) -> Any:
    match value:
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.isoformat(timespec="microseconds")[:-6] + "Z"
        case _:
            return value


def _told(event: Row) -> Row:
    data = {"order_id": event["order_id"], "event": event["event"], "status": event["to_status"]}
    return {"type": "order_update", "account_id": event["account_id"], "seq": event["sequence"], "data": data}


def _margins(cash: Decimal) -> Row:
    return {"account_id": ACCOUNT, "cash": str(cash), "blocked": "0"}


def _holding(symbol: str, quantity: int) -> Row:
    """Two shares of it are still on their way."""
    return {
        "account_id": ACCOUNT,
        "symbol": symbol,
        "settled_quantity": 0,
        "lots": [["2026-11-23", 2]],
        "bought_today": max(quantity - 2, 0),
        "sold_today": max(2 - quantity, 0),
    }


def _lines(rows: list[Row]) -> str:
    return "".join(f"{_json(row)}\n" for row in rows)


def _json(row: Row) -> str:
    return json.dumps(row, default=lambda value: value.isoformat(), separators=(",", ":"))
