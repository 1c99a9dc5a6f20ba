"""The outermost layer: every answer carries its correlation id and how long it took, also when something breaks."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tradebot.interfaces.api.errors import error_response
from tradebot.interfaces.api.metering import Meter
from tradebot.interfaces.api.refusal import ApiError
from tradebot.ports import Clock

_FIT = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
_log = logging.getLogger("tradebot.http")

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
CLOSED_POLICY = "default-src 'none'; frame-ancestors 'none'"


class Tracing:
    """Plain ASGI. An id of the caller is used where it is fit for a log (`_FIT`), else a new one is made."""

    def __init__(self, app: ASGIApp, *, clock: Clock, new_id: Callable[[], str], meter: Meter) -> None:
        self._app = app
        self._clock = clock
        self._new_id = new_id
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-correlation-id", "")
        correlation_id = given if _FIT.fullmatch(given) else self._new_id()
        scope["state"] = {**scope.get("state", {}), "correlation_id": correlation_id}
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        await self._http(scope, receive, send, correlation_id)

    async def _http(self, scope: Scope, receive: Receive, send: Send, correlation_id: str) -> None:
        start, status = self._clock.monotonic(), 0

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._mark(message, correlation_id, self._clock.monotonic() - start)
            await send(message)

        try:
            await self._app(scope, receive, send_marked)
        except Exception as fault:  # a defect in one request is told, and the next one is answered
            _log.exception("request %s %s: %s", correlation_id, scope["path"], type(fault).__name__)
            if not status:
                error = ApiError(500, "internal_error", "a defect of tradebot: its log says more")
                await error_response(error, correlation_id)(scope, receive, send_marked)
        finally:
            route = scope.get("route")
            endpoint = str(getattr(route, "path", "")) or "unmatched"
            self._meter.request(endpoint, _method(scope), status, self._clock.monotonic() - start)

    @staticmethod
    def _mark(message: Message, correlation_id: str, took_s: float) -> None:
        headers = MutableHeaders(scope=message)
        headers["X-Correlation-ID"] = correlation_id
        headers["X-Process-Time"] = f"{took_s:.4f}s"
        for name, value in SECURITY_HEADERS.items():
            headers.setdefault(name, value)
        headers.setdefault("Content-Security-Policy", CLOSED_POLICY)
        headers.setdefault("Cache-Control", "no-store")


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _method(scope: Scope) -> str:
    """One of few words: a caller must not be able to make series without end."""
    return scope["method"] if scope["method"] in _METHODS else "other"
