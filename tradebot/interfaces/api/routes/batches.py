"""`/accounts/{account_id}/batch-orders`: orders that are placed together."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from tradebot.engine.answers import Outcome
from tradebot.engine.commands import LegWish, SubmitBatch
from tradebot.interfaces.api.access import CorrelationId, Trader, Use, check_account
from tradebot.interfaces.api.answers import BatchShape
from tradebot.interfaces.api.bodies import StrictRoute
from tradebot.interfaces.api.errors import ErrorBody
from tradebot.interfaces.api.outcomes import raise_unless_taken
from tradebot.interfaces.api.refusal import ApiError
from tradebot.interfaces.api.requests import BatchBody, LegBody

BATCH_S_MAX = 120.0
"""A batch is answered when its last leg is settled, which takes looks at the broker's book."""

router = APIRouter(tags=["batches"], route_class=StrictRoute)

AccountPath = Annotated[str, Path(min_length=1, max_length=64)]
_ANSWERS: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorBody, "description": "The token names no such account"},
    409: {"model": ErrorBody, "description": "The same idempotency_key with other legs"},
    422: {"model": ErrorBody, "description": "Each bad field of each leg; nothing was sent"},
    504: {"model": ErrorBody, "description": "Under way; ask again with the same idempotency_key"},
}


@router.post(
    "/accounts/{account_id}/batch-orders",
    response_model=BatchShape,
    responses=_ANSWERS,
    summary="Place up to ten orders together; answered when every leg is settled",
)
async def place_batch(
    services: Use, caller: Trader, account_id: AccountPath, body: BatchBody, correlation_id: CorrelationId
) -> Response:
    check_account(caller, account_id)
    command = SubmitBatch(
        account_id=account_id,
        user_id=caller.user_id,
        legs=tuple(_leg(leg) for leg in body.orders),
        rollback_on_failure=body.rollback_on_failure,
        unwind_filled=body.unwind_filled,
        sequential=body.sequential,
        idempotency_key=body.idempotency_key,
        correlation_id=correlation_id,
    )
    answer = await services.desk.ask(command, timeout_s=BATCH_S_MAX)
    raise_unless_taken(answer, {Outcome.CONFLICT: 409})
    story = await run_in_threadpool(services.batches.batch, answer.text)
    if story is None:
        raise ApiError(503, "not_readable", f"batch {answer.text} is saved, and cannot be read right now")
    return BatchShape.of(story).response()


def _leg(leg: LegBody) -> LegWish:
    return LegWish(
        symbol=leg.tradingsymbol.upper(),
        exchange=leg.exchange,
        side=leg.transaction_type,
        quantity=leg.quantity,
        order_type=leg.order_type,
        price=leg.price,
        trigger_price=leg.trigger_price,
        product=leg.product,
        validity=leg.validity,
        disclosed_quantity=leg.disclosed_quantity,
        tag=leg.tag,
    )
