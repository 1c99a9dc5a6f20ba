"""Orders that somebody gives over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from tradebot.domain.access import Caller
from tradebot.domain.order_queries import OrderStory
from tradebot.domain.orders import OrderStatus
from tradebot.engine.answers import Outcome
from tradebot.engine.commands import SubmitOrder
from tradebot.interfaces.api.access import CorrelationId, Trader, Use, check_account
from tradebot.interfaces.api.answers import OrderShape
from tradebot.interfaces.api.bodies import StrictRoute
from tradebot.interfaces.api.errors import ErrorBody
from tradebot.interfaces.api.outcomes import raise_unless_taken
from tradebot.interfaces.api.refusal import ApiError
from tradebot.interfaces.api.requests import PlaceBody, SimplePlaceBody, UserType
from tradebot.interfaces.api.services import Services

router = APIRouter(tags=["orders"], route_class=StrictRoute)

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[A-Za-z0-9._:-]{1,64}$",
        description="The same key and body is the same order, whatever has become of it",
    ),
]
_ANSWERS: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorBody, "description": "The token names no such account"},
    409: {"model": ErrorBody, "description": "The same Idempotency-Key with another body"},
    422: {"model": ErrorBody, "description": "A field is wrong, or a guard blocks the order, with its figures"},
    504: {"model": ErrorBody, "description": "Taken; what becomes of it is not known yet"},
}


@router.post(
    "/api/v1/user/orders",
    status_code=201,
    response_model=OrderShape,
    responses=_ANSWERS,
    summary="Place one; answered once it is durable",
)
@router.post("/api/v1/user/orders/", status_code=201, response_model=OrderShape, include_in_schema=False)
async def place(
    services: Use, caller: Trader, body: PlaceBody, correlation_id: CorrelationId, key: IdempotencyKey = None
) -> Response:
    account_id = body.account_id or caller.account_ids[0]
    check_account(caller, account_id)
    command = SubmitOrder(
        account_id=account_id,
        user_id=caller.user_id,
        symbol=body.symbol.upper(),
        exchange=body.exchange,
        side=body.side,
        quantity=body.quantity,
        order_type=body.order_type,
        price=body.price,
        trigger_price=body.trigger_price,
        product=body.product,
        validity=body.validity,
        disclosed_quantity=body.disclosed_quantity,
        idempotency_key=key,
        correlation_id=correlation_id,
    )
    return await _submitted(services, command)


@router.post(
    "/api/orders/place",
    status_code=201,
    response_model=OrderShape,
    responses={403: {"model": ErrorBody, "description": "Another user"}, **_ANSWERS},
    summary="Place a limit order, in the words of older programs",
)
async def place_simply(
    services: Use, caller: Trader, body: SimplePlaceBody, correlation_id: CorrelationId, key: IdempotencyKey = None
) -> Response:
    check_user(services, caller, body.user_id, body.user_type)
    command = SubmitOrder(
        account_id=caller.account_ids[0],
        user_id=caller.user_id,
        symbol=body.symbol.upper(),
        side=body.order_type,
        quantity=body.order_quantity,
        price=body.order_price,
        idempotency_key=key,
        correlation_id=correlation_id,
    )
    return await _submitted(services, command)


def check_user(services: Services, caller: Caller, user_id: str, user_type: UserType) -> None:
    """Raises ApiError 403 for another user, 422 for the kind of account that this daemon does not trade."""
    if user_id != caller.user_id:
        raise ApiError(403, "not_yours", f"the token does not stand for {user_id!r}")
    if (user_type is UserType.LIVE) != services.is_live:
        kind = "live" if services.is_live else "paper (demo)"
        raise ApiError(422, "wrong_user_type", f"the account of this daemon is {kind}")


async def _submitted(services: Services, command: SubmitOrder) -> Response:
    answer = raise_unless_taken(await services.desk.ask(command), {Outcome.CONFLICT: 409})
    story = await run_in_threadpool(services.orders.order, answer.order_ids[0])
    if story is None:
        raise ApiError(503, "not_readable", f"order {answer.order_ids[0]} is saved, and cannot be read right now")
    _raise_if_blocked(story)
    return OrderShape.of(story.order).response(201)


def _raise_if_blocked(story: OrderStory) -> None:
    """The same key gets the same answer: an order that a guard had refused is refused again, with its figures."""
    if story.order.status is not OrderStatus.FAILED or story.requests:
        return
    figures = next((event.figures for event in reversed(story.events) if event.figures), {})
    names = dict.fromkeys(name.partition(".")[0] for name in figures)
    raise ApiError(422, "blocked", ", ".join(names) or story.order.reason, dict(figures))
