"""How the exchange's facts stand in its books: rows as JSON values and back, without loss."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tradebot.domain.orders import OrderType, Product, Side, Validity, Variety
from tradebot.exchange.ledger import Commit
from tradebot.exchange.rows import HoldingRow, Lot, MarginsRow, OrderRow, Status, Step, TradeRow
from tradebot.exchange.state import Archived, State

Json = dict[str, Any]


def order_out(row: OrderRow, old_steps: int = 0) -> Json:
    """An order; its first `old_steps` steps are left out, since an earlier line has them."""
    return {
        "order_id": row.order_id,
        "account_id": row.account_id,
        "tag": row.tag,
        "symbol": row.symbol,
        "exchange": row.exchange,
        "side": row.side.value,
        "order_type": row.order_type.value,
        "product": row.product.value,
        "validity": row.validity.value,
        "variety": row.variety.value,
        "quantity": row.quantity,
        "disclosed_quantity": row.disclosed_quantity,
        "price": str(row.price),
        "trigger_price": None if row.trigger_price is None else str(row.trigger_price),
        "status": row.status.value,
        "status_text": row.status_text,
        "status_text_raw": row.status_text_raw,
        "filled_quantity": row.filled_quantity,
        "filled_value": str(row.filled_value),
        "placed_at": row.placed_at.isoformat(),
        "updated_at": row.updated_at.isoformat(),
        "exchange_order_id": row.exchange_order_id,
        "trading_day": row.trading_day.isoformat(),
        "terms_day": row.terms_day.isoformat(),
        "modifications": row.modifications,
        "priority": row.priority,
        "steps_before": old_steps,
        "steps": [_step_out(step) for step in row.steps[old_steps:]],
    }


def order_in(data: Json, earlier: OrderRow | None = None) -> OrderRow:
    """The order of a line; `earlier` has the steps that the line left out."""
    kept = earlier.steps[: data["steps_before"]] if earlier else ()
    if len(kept) != data["steps_before"]:
        raise ValueError(f"order {data['order_id']}: the line before this one is missing")
    return OrderRow(
        order_id=data["order_id"],
        account_id=data["account_id"],
        tag=data["tag"],
        symbol=data["symbol"],
        exchange=data["exchange"],
        side=Side(data["side"]),
        order_type=OrderType(data["order_type"]),
        product=Product(data["product"]),
        validity=Validity(data["validity"]),
        variety=Variety(data["variety"]),
        quantity=data["quantity"],
        disclosed_quantity=data["disclosed_quantity"],
        price=Decimal(data["price"]),
        trigger_price=None if data["trigger_price"] is None else Decimal(data["trigger_price"]),
        status=Status(data["status"]),
        status_text=data["status_text"],
        status_text_raw=data["status_text_raw"],
        filled_quantity=data["filled_quantity"],
        filled_value=Decimal(data["filled_value"]),
        placed_at=datetime.fromisoformat(data["placed_at"]),
        updated_at=datetime.fromisoformat(data["updated_at"]),
        exchange_order_id=data["exchange_order_id"],
        trading_day=date.fromisoformat(data["trading_day"]),
        terms_day=date.fromisoformat(data["terms_day"]),
        modifications=data["modifications"],
        priority=data["priority"],
        steps=kept + tuple(_step_in(step) for step in data["steps"]),
    )


def trade_out(row: TradeRow) -> Json:
    return {
        "trade_id": row.trade_id,
        "order_id": row.order_id,
        "account_id": row.account_id,
        "symbol": row.symbol,
        "exchange": row.exchange,
        "side": row.side.value,
        "product": row.product.value,
        "quantity": row.quantity,
        "price": str(row.price),
        "traded_at": row.traded_at.isoformat(),
    }


def trade_in(data: Json) -> TradeRow:
    return TradeRow(
        trade_id=data["trade_id"],
        order_id=data["order_id"],
        account_id=data["account_id"],
        symbol=data["symbol"],
        exchange=data["exchange"],
        side=Side(data["side"]),
        product=Product(data["product"]),
        quantity=data["quantity"],
        price=Decimal(data["price"]),
        traded_at=datetime.fromisoformat(data["traded_at"]),
    )


def archived_out(archived: Archived) -> Json:
    return {"order": order_out(archived.order), "trades": [trade_out(trade) for trade in archived.trades]}


def archived_in(data: Json) -> Archived:
    return Archived(order=order_in(data["order"]), trades=tuple(map(trade_in, data["trades"])))


def commit_out(commit: Commit) -> Json:
    """One line of the journal; what did not change is left out."""
    line: Json = {"t": commit.at.isoformat()}
    if commit.told:
        line["told"] = True
    if commit.untold:
        line["untold"] = [list(pair) for pair in commit.untold]
    if commit.book_day is not None:
        line["book_day"] = commit.book_day.isoformat()
    if commit.counters is not None:
        line["counters"] = list(commit.counters)
    if commit.orders:
        numbered = zip(commit.orders, commit.old_steps, strict=True)
        line["orders"] = [order_out(row, old_steps) for row, old_steps in numbered]
    if commit.trades:
        line["trades"] = [trade_out(trade) for trade in commit.trades]
    if commit.margins:
        line["margins"] = [_margins_out(money) for money in commit.margins]
    if commit.holdings:
        line["holdings"] = [_holding_out(holding) for holding in commit.holdings]
    if commit.left:
        line["left"] = [archived.order.order_id for archived in commit.left]
    return line


def commit_in(line: Json, state: State) -> Commit:
    """The commit of a journal line, in the state that the lines before it led to."""
    orders = [order_in(data, state.orders.get(data["order_id"])) for data in line.get("orders", ())]
    left = tuple(archived for order_id in line.get("left", ()) if (archived := state.find(order_id)))
    counters = line.get("counters")
    return Commit(
        at=datetime.fromisoformat(line["t"]),
        told=line.get("told", False),
        untold=tuple((order_id, count) for order_id, count in line.get("untold", ())),
        book_day=date.fromisoformat(line["book_day"]) if "book_day" in line else None,
        counters=(counters[0], counters[1], counters[2]) if counters else None,
        orders=tuple(orders),
        old_steps=tuple(data["steps_before"] for data in line.get("orders", ())),
        trades=tuple(map(trade_in, line.get("trades", ()))),
        margins=tuple(map(_margins_in, line.get("margins", ()))),
        holdings=tuple(map(_holding_in, line.get("holdings", ()))),
        left=left,
    )


def state_out(state: State) -> Json:
    """The whole state but for the archive, which the history file has, and the indexes, which follow from it."""
    return {
        "now": state.now.isoformat(),
        "book_day": state.book_day.isoformat(),
        "counters": [state.numbered_on, state.numbers, state.priority],
        "orders": [order_out(row) for row in state.orders.values()],
        "trades": [trade_out(trade) for trades in state.trades.values() for trade in trades],
        "margins": [_margins_out(money) for money in state.margins.values()],
        "holdings": [_holding_out(holding) for holding in state.holdings.values()],
        "untold": [list(pair) for pair in state.untold.items()],
    }


def state_in(data: Mapping[str, Any]) -> State:
    numbered_on, numbers, priority = data["counters"]
    state = State(
        now=datetime.fromisoformat(data["now"]),
        book_day=date.fromisoformat(data["book_day"]),
        numbered_on=numbered_on,
        numbers=numbers,
        priority=priority,
        margins={money.account_id: money for money in map(_margins_in, data["margins"])},
        holdings={(h.account_id, h.symbol): h for h in map(_holding_in, data["holdings"])},
        untold=dict(data["untold"]),
    )
    for order in data["orders"]:
        state.put(order_in(order))
    for trade in map(trade_in, data["trades"]):
        state.trades[trade.order_id] = (*state.trades.get(trade.order_id, ()), trade)
    return state


def _step_out(step: Step) -> list[Any]:
    return [
        step.at.isoformat(),
        step.status.value,
        step.text,
        step.quantity,
        str(step.price),
        step.filled_quantity,
        str(step.filled_value),
    ]


def _step_in(data: list[Any]) -> Step:
    at, status, text, quantity, price, filled_quantity, filled_value = data
    return Step(
        at=datetime.fromisoformat(at),
        status=Status(status),
        text=text,
        quantity=quantity,
        price=Decimal(price),
        filled_quantity=filled_quantity,
        filled_value=Decimal(filled_value),
    )


def _margins_out(money: MarginsRow) -> Json:
    return {"account_id": money.account_id, "cash": str(money.cash), "blocked": str(money.blocked)}


def _margins_in(data: Json) -> MarginsRow:
    return MarginsRow(account_id=data["account_id"], cash=Decimal(data["cash"]), blocked=Decimal(data["blocked"]))


def _holding_out(holding: HoldingRow) -> Json:
    return {
        "account_id": holding.account_id,
        "symbol": holding.symbol,
        "exchange": holding.exchange,
        "settled_quantity": holding.settled_quantity,
        "lots": [[lot.due.isoformat(), lot.quantity] for lot in holding.lots],
        "bought_today": holding.bought_today,
        "sold_today": holding.sold_today,
        "on_sale": holding.on_sale,
        "cost": str(holding.cost),
    }


def _holding_in(data: Json) -> HoldingRow:
    return HoldingRow(
        account_id=data["account_id"],
        symbol=data["symbol"],
        exchange=data["exchange"],
        settled_quantity=data["settled_quantity"],
        lots=tuple(Lot(due=date.fromisoformat(due), quantity=quantity) for due, quantity in data["lots"]),
        bought_today=data["bought_today"],
        sold_today=data["sold_today"],
        on_sale=data["on_sale"],
        cost=Decimal(data["cost"]),
    )
