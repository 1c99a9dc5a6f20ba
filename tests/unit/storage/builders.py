"""Rows for the tests of the database; each builder names only what matters there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests import builders
from tradebot.domain.command_runs import CommandRun
from tradebot.domain.orders import (
    Attempt,
    BrokerOrderId,
    BrokerRequest,
    Coid,
    Decision,
    DecisionId,
    EntryType,
    Fill,
    JobRun,
    Order,
    OrderEvent,
    OrderId,
    OrderStatus,
    OrderType,
    PositionId,
    Product,
    RequestKind,
    RequestState,
    Side,
    Source,
    Validity,
    Variety,
)
from tradebot.domain.positions import Position

MONDAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)


def an_order(number: int = 1, **changes: Any) -> Order:
    order = Order(
        id=OrderId(f"{number:019d}"),
        user_id="operator",
        account_id="primary",
        symbol="RELIANCE",
        exchange="NSE",
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        product=Product.CNC,
        validity=Validity.DAY,
        variety=Variety.REGULAR,
        quantity=10,
        price=Decimal("1234.50"),
        trigger_price=None,
        status=OrderStatus.PENDING,
        reason="Order placed - waiting for execution",
        coid=Coid(f"A{number:015d}01"),
        orig_source=Source.SIGNAL,
        entry_type=EntryType.INITIAL,
        created_at=NOON + timedelta(seconds=number),
        updated_at=NOON + timedelta(seconds=number),
        decision_id=DecisionId(f"decision-{number}"),
        leg=0,
        correlation_id=f"correlation-{number}",
        trading_day=MONDAY,
        metadata={"strategy": "breakout", "note": "₹ target…"},
    )
    return replace(order, **changes)


def a_sell(number: int = 1, **changes: Any) -> Order:
    return an_order(number, **({"side": Side.SELL, "position_id": PositionId("position-1")} | changes))


def a_full_order(number: int = 1) -> Order:
    """One with every column filled."""
    return an_order(
        number,
        trigger_price=Decimal("1230.05"),
        status=OrderStatus.ONGOING,
        broker_status="COMPLETE",
        broker_order_id=BrokerOrderId("251123000000001"),
        is_manual=True,
        placed_at=NOON,
        filled_at=NOON,
        closed_at=NOON,
        first_failed_at=NOON,
        last_retry_attempt=NOON,
        retry_count=3,
        last_status_check=NOON,
        execution_price=Decimal("1234.45"),
        execution_qty=7,
        execution_value=Decimal("8641.15"),
        execution_time=NOON,
        first_fill_at=NOON,
        batch_id="batch-1",
        position_id=PositionId("position-1"),
        disclosed_quantity=2,
        idempotency_key="key",
        expires_at=NOON,
        cancel_requested=True,
    )


def an_attempt(order: Order, number: int = 1, **changes: Any) -> Attempt:
    coid = Coid(f"{order.coid[:-2]}{number:02d}")
    return builders.an_attempt(order, **{"coid": coid, "number": number, **changes})


def a_request(order: Order, name: str = "request-1", **changes: Any) -> BrokerRequest:
    request = BrokerRequest(
        id=name,
        order_id=order.id,
        coid=order.coid,
        kind=RequestKind.PLACE,
        payload={"symbol": order.symbol, "quantity": "10"},
        state=RequestState.PREPARED,
        prepared_at=NOON,
    )
    return replace(request, **changes)


def a_fill(order: Order, trade: str = "trade-1", **changes: Any) -> Fill:
    fill = Fill(
        account_id=order.account_id,
        broker_order_id=BrokerOrderId("251123000000001"),
        trade_id=trade,
        order_id=order.id,
        coid=order.coid,
        symbol=order.symbol,
        side=order.side,
        quantity=4,
        price=Decimal("1234.45"),
        traded_at=NOON,
        booked_at=NOON,
    )
    return replace(fill, **changes)


def an_event(order: Order, sequence: int = 1, **changes: Any) -> OrderEvent:
    event = OrderEvent(
        account_id=order.account_id,
        sequence=sequence,
        order_id=order.id,
        event="recorded",
        from_status=None,
        to_status=order.status,
        reason=order.reason,
        source="engine",
        at=NOON,
        correlation_id=order.correlation_id,
        figures={"quantity": "10"},
    )
    return replace(event, **changes)


def a_position(name: str = "position-1", **changes: Any) -> Position:
    position = Position(
        id=PositionId(name),
        account_id="primary",
        user_id="operator",
        symbol="RELIANCE",
        exchange="NSE",
        product=Product.CNC,
        opened_by=Coid("A00000000000000001"),
        quantity=3,
        cost=Decimal(10) / 3,
        bought_quantity=4,
        sold_quantity=1,
        realised_pnl=Decimal("-0.05"),
        peak_price=Decimal("1240"),
        first_fill_at=NOON,
        updated_at=NOON,
        metadata={"strategy": "breakout"},
    )
    return replace(position, **changes)


def a_decision(name: str = "decision-1", **changes: Any) -> Decision:
    decision = Decision(
        id=DecisionId(name),
        account_id="primary",
        symbol="RELIANCE",
        side=Side.BUY,
        trading_day=MONDAY,
        outcome="blocked",
        reason="WIDE_SPREAD",
        figures={"spread_bps": "41", "max": "25"},
        order_id=None,
        at=NOON,
        correlation_id="correlation-1",
    )
    return replace(decision, **changes)


def a_command_run(name: str = "cli-1", **changes: Any) -> CommandRun:
    run = CommandRun(
        correlation_id=name,
        command="DropOrder",
        outcome="done",
        text="it was ₹ 5 short",
        order_ids="17 18",
        figures={"found": "1"},
        at=NOON,
    )
    return replace(run, **changes)


def a_job_run(name: str = "retry", planned_for: datetime = NOON, **changes: Any) -> JobRun:
    run = JobRun(name=name, planned_for=planned_for, finished_at=planned_for, outcome="done")
    return replace(run, **changes)
