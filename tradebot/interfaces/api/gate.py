"""The gate: who calls, under which name, from which page, and how often; before anything of a request is read."""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from tradebot.domain.access import Caller
from tradebot.domain.errors import StateCorrupt
from tradebot.interfaces.api.errors import error_response
from tradebot.interfaces.api.refusal import ApiError
from tradebot.interfaces.api.services import Limits, Tokens
from tradebot.ports import Clock

COOKIE = "tradebot_token"
CALLERS_MAX = 10_000
ALWAYS_ANSWERED = frozenset({"/ws/status"})
"""Where a wrong token is as good as none: what is told there is for everybody."""
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Gate:
    """Plain ASGI. Leaves the caller (None for one that is not known) in the request's state.

    A wrong token is refused whatever is asked for, the status of the stream excepted. A Host that is not ours is
    refused, so that a page elsewhere cannot reach this machine under a name of its own; so is an Origin that is not the
    host that was called.
    """

    def __init__(self, app: ASGIApp, *, tokens: Tokens, local: Caller, limits: Limits, clock: Clock) -> None:
        self._app = app
        self._access = Access(tokens, local)
        self._names = LOCAL_NAMES | limits.names
        self._rates = Rates(limits.requests_per_s, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                self._check(scope)
            except ApiError as error:
                await error_response(error, scope["state"]["correlation_id"])(scope, receive, send)
                return
        elif scope["type"] == "websocket":
            try:
                self._check(scope)
            except ApiError as error:
                scope["state"]["refused"] = error
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        headers, peer = Headers(scope=scope), peer_of(scope)
        self._rates.take(peer)
        self._check_place(headers)
        scope["state"]["access"] = self._access
        try:
            scope["state"]["caller"] = self._access.caller(headers, peer)
        except ApiError:
            if scope["type"] != "http" or scope["path"] not in ALWAYS_ANSWERED:
                raise
            scope["state"]["caller"] = None

    def _check_place(self, headers: Headers) -> None:
        host = headers.get("host", "")
        name = _name_of(host)
        if name not in self._names:
            text = "the Host header names no host of this daemon; HTTP_NAMES in the configuration adds one"
            raise ApiError(400, "wrong_host", text)
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            raise ApiError(403, "wrong_origin", "a page of another site may not call this daemon")


class Access:
    """From a token to who it stands for."""

    def __init__(self, tokens: Tokens, local: Caller) -> None:
        self._tokens = tokens
        self._local = local

    def caller(self, headers: Headers, peer: str) -> Caller | None:
        """None for a caller without a token where one is needed. Raises ApiError for a wrong token."""
        token = _token_in(headers)
        if token:
            return self.of_token(token)
        try:
            is_open = not self._tokens.grants()
        except StateCorrupt as cause:
            raise _unreadable(cause) from cause
        return self._local if is_open and _is_of_this_machine(peer) else None

    def of_token(self, token: str) -> Caller:
        """Raises ApiError 401 for a token that is not known."""
        try:
            grant = self._tokens.find(token)
        except StateCorrupt as cause:
            raise _unreadable(cause) from cause
        if grant is None:
            raise ApiError(
                401, "invalid_token", "the token is not known or was revoked", headers={"WWW-Authenticate": "Bearer"}
            )
        return Caller.of(grant)


class Rates:
    """A bucket for each caller that fills with `per_s` requests a second and holds twice as many.

    At most CALLERS_MAX are remembered; the one that was not heard of for longest is forgotten first.
    """

    def __init__(self, per_s: int, clock: Clock) -> None:
        self._per_s = per_s
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> None:
        """One request. Raises ApiError 429 when there is none left."""
        now, full = self._clock.monotonic(), 2.0 * self._per_s
        left, at = self._left.pop(caller, (full, now))
        left = min(full, left + (now - at) * self._per_s)
        is_allowed = left >= 1
        self._left[caller] = (left - 1 if is_allowed else left, now)
        while len(self._left) > CALLERS_MAX:
            self._left.popitem(last=False)
        if not is_allowed:
            wait_s = math.ceil((1 - left) / self._per_s)
            text = f"more than {self._per_s} requests a second"
            raise ApiError(429, "too_many_requests", text, headers={"Retry-After": str(wait_s)})


def peer_of(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _token_in(headers: Headers) -> str:
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and token:
        return token.strip()
    return cookie_parser(headers.get("cookie", "")).get(COOKIE, "")


def _name_of(host: str) -> str:
    """`localhost:8000` -> `localhost`, `[::1]:8000` -> `::1`."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_of_this_machine(peer: str) -> bool:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _unreadable(cause: StateCorrupt) -> ApiError:
    return ApiError(503, "tokens_unreadable", f"nobody is let in: {cause.problem}")
