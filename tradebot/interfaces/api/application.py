"""The application: routes, layers and error shapes put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from tradebot.interfaces.api.bodies import BodyLimits
from tradebot.interfaces.api.errors import ErrorBody, add_error_handlers
from tradebot.interfaces.api.gate import Gate
from tradebot.interfaces.api.metering import Meter
from tradebot.interfaces.api.routes import (
    alerts,
    batches,
    control,
    health,
    orders,
    overview,
    page,
    placing,
    protective,
    stream,
    webhooks,
)
from tradebot.interfaces.api.services import Services
from tradebot.interfaces.api.stream.hub import Hub
from tradebot.interfaces.api.tracing import Tracing

_DESCRIPTION = "Orders, control and the order stream of one tradebot. Ids are strings, money is answered as strings."
_ANYWHERE: dict[int | str, dict[str, object]] = {
    400: {"model": ErrorBody, "description": "Not understood"},
    401: {"model": ErrorBody, "description": "No token, or a wrong one"},
    403: {"model": ErrorBody, "description": "The token does not allow it"},
    408: {"model": ErrorBody, "description": "The body came too slowly"},
    413: {"model": ErrorBody, "description": "The body is too long"},
    422: {"model": ErrorBody, "description": "A field is wrong"},
    429: {"model": ErrorBody, "description": "Too many requests; Retry-After says how long to wait"},
    503: {"model": ErrorBody, "description": "Nothing was done"},
}


def make_app(services: Services, meter: Meter) -> FastAPI:
    """The application for one daemon. What is added last is outermost."""
    app = bare_app()
    app.state.services = services
    app.router.lifespan_context = _while_open(services.hub)
    limits = services.limits
    app.add_middleware(BodyLimits, bytes_max=limits.body_bytes_max, s_max=limits.body_s_max)
    app.add_middleware(Gate, tokens=services.tokens, local=services.local, limits=limits, clock=services.real)
    app.add_middleware(Tracing, clock=services.real, new_id=services.new_id, meter=meter)
    return app


def _while_open(hub: Hub) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        hub.open(asyncio.get_running_loop())
        try:
            yield
        finally:
            hub.close()

    return lifespan


def bare_app() -> FastAPI:
    """The routes alone: what the OpenAPI document is made from."""
    app = FastAPI(
        title="tradebot",
        version="1",
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        responses=_ANYWHERE,
        redirect_slashes=False,
    )
    add_error_handlers(app)
    for routes in (health, orders, placing, protective, batches, overview, alerts, control, webhooks, stream, page):
        app.include_router(routes.router)
    return app
