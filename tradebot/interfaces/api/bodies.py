"""Bodies of requests: bounded in size and time, and JSON without the traps that parsers let through."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tradebot.interfaces.api.errors import error_response
from tradebot.interfaces.api.refusal import ApiError

DIGITS_MAX = 30
TEXT_SHOWN_MAX = 40


class BodyLimits:
    """Plain ASGI: the whole body is read here, at most `bytes_max` of it within `s_max`; else 413 or 408."""

    def __init__(self, app: ASGIApp, *, bytes_max: int, s_max: float) -> None:
        self._app = app
        self._bytes_max = bytes_max
        self._s_max = s_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = await self._read(scope, receive)
        except ApiError as error:
            await error_response(error, scope["state"]["correlation_id"])(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        told = Headers(scope=scope).get("content-length", "0")
        if told.isascii() and told.isdigit() and int(told) > self._bytes_max:
            raise self._too_long()
        chunks, size = [], 0
        try:
            async with asyncio.timeout(self._s_max):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ApiError(400, "incomplete", "the caller has gone before the end of the body")
                    chunks.append(message.get("body", b""))
                    size += len(chunks[-1])
                    if size > self._bytes_max:
                        raise self._too_long()
                    if not message.get("more_body", False):
                        return b"".join(chunks)
        except TimeoutError as cause:
            text = f"the body did not arrive within {self._s_max:g} s"
            raise ApiError(408, "slow_body", text, headers={"Connection": "close"}) from cause

    def _too_long(self) -> ApiError:
        text = f"a body has at most {self._bytes_max} bytes"
        return ApiError(413, "body_too_long", text, headers={"Connection": "close"})


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body once, then whatever the server says next (that the caller has gone)."""
    is_given = False

    async def again() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


class StrictRequest(Request):
    """Its JSON has no duplicate keys, no NaN or Infinity, no binary floats, and is not nested without end."""

    async def json(self) -> Any:
        if not hasattr(self, "_strict"):
            self._strict = _an_object(read_json(await self.body()))
        return self._strict


def _an_object(value: Any) -> Any:
    """Raises ApiError 422 for anything else: the framework takes a Decimal for an object without any field."""
    if value is None or isinstance(value, dict):
        return value
    raise ApiError(422, "invalid_json", "the body must be an object")


class StrictRoute(APIRoute):
    """A route whose handler is given a StrictRequest, with no query parameter that is not known or stands twice."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        known = _query_of(self.dependant)

        async def strictly(request: Request) -> Response:
            _check_query(request, known)
            return await handle(StrictRequest(request.scope, request.receive))

        return strictly


def _query_of(dependant: Dependant) -> set[str]:
    own = {field.alias for field in dependant.query_params}
    return own.union(*(_query_of(below) for below in dependant.dependencies))


def _check_query(request: Request, known: set[str]) -> None:
    names = [name for name, _value in request.query_params.multi_items()]
    unknown = next((name for name in names if name not in known), None)
    if unknown is not None:
        text = f"there is no query parameter {unknown[:TEXT_SHOWN_MAX]!r} here"
        raise ApiError(422, "unknown_parameter", text, {"allowed": sorted(known)})
    if len(set(names)) != len(names):
        raise ApiError(422, "duplicate_parameter", "a query parameter stands twice")


def read_json(body: bytes) -> Any:
    """Numbers with a point or an exponent become Decimal, exactly as written. Raises ApiError 422."""
    try:
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_no_number,
        )
    except ApiError:
        raise
    except RecursionError as cause:
        raise ApiError(422, "invalid_json", "the body is nested too deeply") from cause
    except ValueError as cause:
        raise ApiError(422, "invalid_json", f"the body is no JSON: {cause}"[:300]) from cause


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ApiError(422, "duplicate_key", f"the key {name[:TEXT_SHOWN_MAX]!r} stands there twice")
        found[name] = value
    return found


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite() or abs(number.adjusted()) > DIGITS_MAX:
        raise ApiError(422, "invalid_number", f"{text[:TEXT_SHOWN_MAX]} is out of every range")
    return number


def _integer(text: str) -> int:
    if len(text) > DIGITS_MAX:
        raise ApiError(422, "invalid_number", f"{text[:TEXT_SHOWN_MAX]} is out of every range")
    return int(text)


def _no_number(text: str) -> Any:
    raise ApiError(422, "invalid_number", f"{text} is no number")
