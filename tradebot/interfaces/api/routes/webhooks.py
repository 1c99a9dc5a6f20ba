"""`/accounts/{account_id}/webhooks`: who is told of order events."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.concurrency import run_in_threadpool
from pydantic import Field
from starlette.responses import Response

from tradebot.domain.webhooks import WEBHOOKS_MAX, Webhook, WebhookEvent
from tradebot.interfaces.api.access import Admin, CorrelationId, Use, check_account
from tradebot.interfaces.api.answers import DoneShape, Instant, Shape
from tradebot.interfaces.api.bodies import StrictRoute
from tradebot.interfaces.api.errors import ErrorBody
from tradebot.interfaces.api.refusal import ApiError
from tradebot.interfaces.api.requests import Body, words_of

router = APIRouter(prefix="/accounts/{account_id}/webhooks", tags=["webhooks"], route_class=StrictRoute)

AccountPath = Annotated[str, Path(min_length=1, max_length=64)]
WebhookPath = Annotated[str, Path(min_length=1, max_length=64)]
_NO_ACCOUNT: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorBody, "description": "The token names no such account, or there is no such webhook"}
}
_FULL: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorBody, "description": f"The account has {WEBHOOKS_MAX} webhooks already"}
}


class WebhookBody(Body):
    """A receiver. Without a secret one is made; it is answered once, and never shown again."""

    url: Annotated[str, Field(min_length=1, max_length=500)]
    events: Annotated[list[words_of(WebhookEvent)], Field(min_length=1, max_length=5)]  # type: ignore[valid-type]
    secret: Annotated[str, Field(pattern=r"^[!-~]{16,128}$")] | None = None


class WebhookShape(Shape):
    """A receiver; `secret` only in the answer to its making."""

    id: str
    account_id: str
    url: str
    events: list[WebhookEvent]
    created_at: Instant
    secret: str | None = None


class WebhooksShape(Shape):
    webhooks: list[WebhookShape]


@router.post(
    "", status_code=201, response_model=WebhookShape, responses={**_NO_ACCOUNT, **_FULL}, summary="Add a receiver"
)
async def add(services: Use, caller: Admin, account_id: AccountPath, body: WebhookBody) -> Response:
    check_account(caller, account_id)
    webhook = Webhook(
        id=services.new_id(),
        account_id=account_id,
        url=body.url,
        events=tuple(dict.fromkeys(body.events)),
        secret=body.secret or services.new_secret(),
        created_at=services.real.now(),
    )
    try:
        await run_in_threadpool(services.webhooks.add, webhook)
    except ValueError as cause:
        if services.webhooks.is_full(account_id):
            raise ApiError(409, "too_many_webhooks", str(cause)) from cause
        raise ApiError(422, "unfit_url", f"url {cause}") from cause
    return _shape(webhook, webhook.secret).response(201)


@router.get("", response_model=WebhooksShape, responses=_NO_ACCOUNT, summary="The receivers of an account")
async def show(services: Use, caller: Admin, account_id: AccountPath) -> Response:
    check_account(caller, account_id)
    found = [_shape(webhook, None) for webhook in services.webhooks.of_account(account_id)]
    return WebhooksShape.model_construct(webhooks=found).response()


@router.delete("/{webhook_id}", response_model=DoneShape, responses=_NO_ACCOUNT, summary="Remove a receiver")
async def remove(
    services: Use, caller: Admin, account_id: AccountPath, webhook_id: WebhookPath, correlation_id: CorrelationId
) -> Response:
    check_account(caller, account_id)
    if not await run_in_threadpool(services.webhooks.remove, account_id, webhook_id):
        raise ApiError(404, "unknown_webhook", f"account {account_id} has no webhook {webhook_id!r}")
    return DoneShape(status="removed", message="nothing more is sent there", correlation_id=correlation_id).response()


def _shape(webhook: Webhook, secret: str | None) -> WebhookShape:
    return WebhookShape.model_construct(
        id=webhook.id,
        account_id=webhook.account_id,
        url=webhook.url,
        events=list(webhook.events),
        created_at=webhook.created_at,
        secret=secret,
    )
