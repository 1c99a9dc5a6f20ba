"""Who may call an endpoint: its scope, its user, its accounts.

What an endpoint depends on is asked on the event loop (`async`), though it waits for nothing: the framework would take
a thread of its pool for each plain function, three times for every request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from tradebot.domain.access import Caller, Scope
from tradebot.domain.orders import Order
from tradebot.interfaces.api.refusal import ApiError
from tradebot.interfaces.api.services import Services

_bearer = HTTPBearer(auto_error=False, scheme_name="token", description="`main.py token create` makes one")


async def services_of(request: Request) -> Services:
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


async def correlation_id_of(request: Request) -> str:
    return str(request.state.correlation_id)


def _needs(scope: Scope) -> Callable[..., Awaitable[Caller]]:
    async def check(request: Request, _token: Annotated[object, Security(_bearer)] = None) -> Caller:
        caller: Caller | None = request.state.caller
        if caller is None:
            raise ApiError(
                401,
                "no_token",
                "this needs a token (Authorization: Bearer ...)",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if not caller.may(scope):
            raise ApiError(403, "scope_missing", f"the token has no {scope} scope")
        return caller

    return check


Use = Annotated[Services, Depends(services_of)]
CorrelationId = Annotated[str, Depends(correlation_id_of)]
Reader = Annotated[Caller, Depends(_needs(Scope.READ))]
Trader = Annotated[Caller, Depends(_needs(Scope.TRADE))]
Admin = Annotated[Caller, Depends(_needs(Scope.ADMIN))]


def check_owner(caller: Caller, order: Order) -> None:
    """Raises ApiError 403 for the order of another user, or of an account that the token does not name."""
    if order.user_id != caller.user_id or not caller.owns(order.account_id):
        raise ApiError(403, "not_yours", f"order {order.id} belongs to somebody else")


def check_account(caller: Caller, account_id: str) -> None:
    """Raises ApiError 404 for an account that the token does not name: whether there is one is not told."""
    if not caller.owns(account_id):
        raise ApiError(404, "unknown_account", f"there is no account {account_id[:64]!r} for this token")
