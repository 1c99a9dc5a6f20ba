"""`/api/v1/user/orders`: the caller's orders, listed, counted, looked at and cancelled."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from tradebot.domain.access import Caller
from tradebot.domain.order_queries import OrderQuery, OrderStory
from tradebot.domain.orders import OrderStatus, status_of
from tradebot.engine.answers import Outcome
from tradebot.engine.commands import CancelOrder, Command, DropOrder, RetryOrder, SyncOrders
from tradebot.interfaces.api.access import CorrelationId, Reader, Trader, Use, check_owner
from tradebot.interfaces.api.answers import FiguresShape, OrderPageShape, OrderShape, StoryShape, SyncShape
from tradebot.interfaces.api.bodies import StrictRoute
from tradebot.interfaces.api.errors import ErrorBody
from tradebot.interfaces.api.outcomes import raise_unless_taken
from tradebot.interfaces.api.refusal import ApiError
from tradebot.interfaces.api.services import Services

LIMIT_MAX = 200
OFFSET_MAX = 1_000_000

router = APIRouter(prefix="/api/v1/user/orders", tags=["orders"], route_class=StrictRoute)

OrderIdPath = Annotated[str, Path(min_length=1, max_length=64, description="The order's id")]
_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorBody, "description": "The order's status does not allow it"},
    403: {"model": ErrorBody, "description": "The order of somebody else"},
    404: {"model": ErrorBody, "description": "There is no such order"},
}


async def _filters(
    status: Annotated[str | None, Query(description="One of the five words")] = None,
    reason: Annotated[str | None, Query(max_length=200, description="Part of the reason, in any case")] = None,
    failure_reason: Annotated[str | None, Query(max_length=200, deprecated=True, description="Old name")] = None,
    from_date: Annotated[str | None, Query(description="First IST day of created_at, YYYY-MM-DD")] = None,
    to_date: Annotated[str | None, Query(description="Last IST day of created_at, included")] = None,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 50,
    offset: Annotated[int, Query(ge=0, le=OFFSET_MAX)] = 0,
) -> OrderQuery:
    return OrderQuery(
        status=_status(status),
        reason=reason or failure_reason or "",
        from_date=_day("from_date", from_date),
        to_date=_day("to_date", to_date),
        limit=limit,
        offset=offset,
    )


@router.get("", response_model=OrderPageShape, summary="Orders, the newest first", responses={400: _REFUSALS[400]})
@router.get("/", response_model=OrderPageShape, include_in_schema=False)
async def list_orders(services: Use, caller: Reader, filters: Annotated[OrderQuery, Depends(_filters)]) -> Response:
    query = replace(filters, user_id=caller.user_id, account_ids=caller.account_ids)
    page = await run_in_threadpool(services.orders.page, query)
    shape = OrderPageShape.model_construct(
        orders=[OrderShape.of(order) for order in page.orders],
        total=page.total,
        limit=query.limit,
        offset=query.offset,
    )
    return shape.response()


@router.get("/statistics", response_model=FiguresShape, summary="How many orders there are, by status")
async def statistics(services: Use, caller: Reader) -> Response:
    query = OrderQuery(user_id=caller.user_id, account_ids=caller.account_ids)
    figures = await run_in_threadpool(services.orders.figures, query, services.clock.now())
    return FiguresShape.of(figures).response()


@router.post(
    "/sync",
    response_model=SyncShape,
    responses={504: {"model": ErrorBody, "description": "Under way"}},
    summary="Look at the broker's book now",
)
async def sync_orders(services: Use, _caller: Trader, correlation_id: CorrelationId) -> Response:
    answer = await services.desk.ask(SyncOrders(correlation_id=correlation_id))
    raise_unless_taken(answer, {Outcome.CONFLICT: 503})
    return SyncShape.of(answer.figures).response()


@router.get(
    "/{order_id}",
    response_model=StoryShape,
    responses={status: _REFUSALS[status] for status in (403, 404)},
    summary="One order with its events, fills and ids",
)
async def show_order(services: Use, caller: Reader, order_id: OrderIdPath) -> Response:
    return StoryShape.of(await _story(services, caller, order_id)).response()


@router.delete(
    "/{order_id}",
    response_model=OrderShape,
    responses={202: {"model": OrderShape, "description": "The cancel is asked for"}, **_REFUSALS},
    summary="Cancel a pending order, drop a failed one",
)
async def cancel_order(services: Use, caller: Trader, order_id: OrderIdPath, correlation_id: CorrelationId) -> Response:
    order = (await _story(services, caller, order_id)).order
    match order.status:
        case OrderStatus.PENDING:
            reason = "Manual: cancelled over HTTP"
            command: Command = CancelOrder(order_id=order.id, reason=reason, correlation_id=correlation_id)
        case OrderStatus.FAILED:
            command = DropOrder(order_id=order.id, correlation_id=correlation_id)
        case _:
            raise ApiError(400, "wrong_status", f"order {order.id} is {order.status}: it cannot be cancelled")
    answer = raise_unless_taken(await services.desk.ask(command))
    shape = OrderShape.of((await _story(services, caller, order.id)).order)
    return shape.response(202 if answer.outcome is Outcome.ASKED else 200)


@router.post(
    "/{order_id}/retry",
    response_model=OrderShape,
    responses={
        **_REFUSALS,
        409: {"model": ErrorBody, "description": "It has expired, or cannot be tried again"},
        422: {"model": ErrorBody, "description": "A guard blocks it, with its figures"},
    },
    summary="Try a failed order again: now, or with the next run where the market is closed",
)
async def retry_order(services: Use, caller: Trader, order_id: OrderIdPath, correlation_id: CorrelationId) -> Response:
    order = (await _story(services, caller, order_id)).order
    if order.status is not OrderStatus.FAILED:
        raise ApiError(400, "wrong_status", f"order {order.id} is {order.status}: only a failed one is tried again")
    answer = await services.desk.ask(RetryOrder(order_id=order.id, correlation_id=correlation_id))
    raise_unless_taken(answer, {Outcome.CONFLICT: 409})
    return OrderShape.of((await _story(services, caller, order.id)).order).response()


async def _story(services: Services, caller: Caller, order_id: str) -> OrderStory:
    """By any of its ids. Raises ApiError 404 and 403."""
    story = await run_in_threadpool(services.orders.order, order_id)
    if story is None:
        raise ApiError(404, "unknown_order", f"there is no order {order_id[:64]!r}")
    check_owner(caller, story.order)
    return story


def _status(word: str | None) -> OrderStatus | None:
    if word is None:
        return None
    try:
        return status_of(word)
    except ValueError as cause:
        words = [str(status) for status in OrderStatus]
        text = f"a status is one of {', '.join(words)}"
        raise ApiError(422, "unknown_status", text, {"allowed": words}) from cause


def _day(name: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        if not re.fullmatch(_DAY, text, re.ASCII):
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError as cause:
        raise ApiError(400, "bad_date", f"{name} must be a day such as 2026-09-16") from cause
