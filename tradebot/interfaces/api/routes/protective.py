"""`/api/orders`: stop-loss, take-profit, changes, closes and cancels of an order, by any id that it ever had."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from tradebot.domain.access import Caller
from tradebot.domain.orders import Order
from tradebot.domain.protection import Protection
from tradebot.engine.answers import Outcome
from tradebot.engine.commands import AddProtection, CancelOrder, CancelProtection, CloseOrder, Command, ModifyOrder
from tradebot.interfaces.api.access import CorrelationId, Reader, Trader, Use, check_owner
from tradebot.interfaces.api.answers import AskedShape, ResolvedShape
from tradebot.interfaces.api.bodies import StrictRoute
from tradebot.interfaces.api.errors import ErrorBody
from tradebot.interfaces.api.outcomes import raise_unless_taken
from tradebot.interfaces.api.refusal import ApiError
from tradebot.interfaces.api.requests import ModifyBody, OrderBody, StopLossBody, TakeProfitBody
from tradebot.interfaces.api.routes.placing import check_user
from tradebot.interfaces.api.services import Services

router = APIRouter(prefix="/api/orders", tags=["protective orders"], route_class=StrictRoute)

_REFUSALS: dict[int | str, dict[str, Any]] = {
    403: {"model": ErrorBody, "description": "Another user's order"},
    404: {"model": ErrorBody, "description": "No id that leads to an order"},
    409: {"model": ErrorBody, "description": "The order's state does not allow it"},
    504: {"model": ErrorBody, "description": "Taken; what becomes of it is not known yet"},
}


@router.post("/stoploss/add", response_model=AskedShape, responses=_REFUSALS, summary="Add or replace a stop-loss")
async def add_stop_loss(services: Use, caller: Trader, body: StopLossBody, correlation_id: CorrelationId) -> Response:
    order = await _order(services, caller, body)
    command = AddProtection(
        order_id=order.id, protection=Protection.STOP_LOSS, price=body.stop_loss, correlation_id=correlation_id
    )
    return await _asked(services, command, order)


@router.post("/takeprofit/add", response_model=AskedShape, responses=_REFUSALS, summary="Add or replace a take-profit")
async def add_take_profit(
    services: Use, caller: Trader, body: TakeProfitBody, correlation_id: CorrelationId
) -> Response:
    order = await _order(services, caller, body)
    command = AddProtection(
        order_id=order.id, protection=Protection.TAKE_PROFIT, price=body.take_profit, correlation_id=correlation_id
    )
    return await _asked(services, command, order)


@router.post("/stoploss/cancel", response_model=AskedShape, responses=_REFUSALS, summary="Take a stop-loss back")
async def cancel_stop_loss(services: Use, caller: Trader, body: OrderBody, correlation_id: CorrelationId) -> Response:
    order = await _order(services, caller, body)
    command = CancelProtection(order_id=order.id, protection=Protection.STOP_LOSS, correlation_id=correlation_id)
    return await _asked(services, command, order)


@router.post("/takeprofit/cancel", response_model=AskedShape, responses=_REFUSALS, summary="Take a take-profit back")
async def cancel_take_profit(services: Use, caller: Trader, body: OrderBody, correlation_id: CorrelationId) -> Response:
    order = await _order(services, caller, body)
    command = CancelProtection(order_id=order.id, protection=Protection.TAKE_PROFIT, correlation_id=correlation_id)
    return await _asked(services, command, order)


@router.post("/modify", response_model=AskedShape, responses=_REFUSALS, summary="Another limit price or quantity")
async def modify(services: Use, caller: Trader, body: ModifyBody, correlation_id: CorrelationId) -> Response:
    order = await _order(services, caller, body)
    command = ModifyOrder(
        order_id=order.id, price=body.order_price, quantity=body.order_quantity, correlation_id=correlation_id
    )
    return await _asked(services, command, order)


@router.post("/close", response_model=AskedShape, responses=_REFUSALS, summary="Sell what an order has bought")
async def close(services: Use, caller: Trader, body: OrderBody, correlation_id: CorrelationId) -> Response:
    order = await _order(services, caller, body)
    command = CloseOrder(order_id=order.id, reason="Manual: closed over HTTP", correlation_id=correlation_id)
    return await _asked(services, command, order)


@router.post("/cancel", response_model=AskedShape, responses=_REFUSALS, summary="Cancel an order that stands")
async def cancel(services: Use, caller: Trader, body: OrderBody, correlation_id: CorrelationId) -> Response:
    order = await _order(services, caller, body)
    command = CancelOrder(order_id=order.id, reason="Manual: cancelled over HTTP", correlation_id=correlation_id)
    return await _asked(services, command, order)


@router.get(
    "/{any_id}/resolve",
    response_model=ResolvedShape,
    responses={status: _REFUSALS[status] for status in (403, 404)},
    summary="The order that an id leads to",
)
async def resolve(services: Use, caller: Reader, any_id: Annotated[str, Path(min_length=1, max_length=64)]) -> Response:
    found = await run_in_threadpool(services.orders.resolve, any_id)
    if found is None:
        raise ApiError(404, "unknown_id", f"no order ever had the id {any_id[:64]!r}")
    story = await run_in_threadpool(services.orders.order, found.order_id)
    if story is not None:
        check_owner(caller, story.order)
    return ResolvedShape(id=any_id, order_id=found.order_id, id_type=found.id_type, status=found.status).response()


async def _order(services: Services, caller: Caller, body: OrderBody) -> Order:
    """By any of its ids. Raises ApiError 404 and 403, and 422 for the kind of account that is not traded here."""
    check_user(services, caller, body.user_id, body.user_type)
    story = await run_in_threadpool(services.orders.order, body.order_id)
    if story is None:
        raise ApiError(404, "unknown_order", f"no order ever had the id {body.order_id[:64]!r}")
    check_owner(caller, story.order)
    return story.order


async def _asked(services: Services, command: Command, order: Order) -> Response:
    answer = raise_unless_taken(await services.desk.ask(command), {Outcome.CONFLICT: 409})
    is_asked = answer.outcome is Outcome.ASKED
    return AskedShape(
        status="asked" if is_asked else "done", order_id=order.id, id=answer.text, correlation_id=command.correlation_id
    ).response(202 if is_asked else 200)
