"""One WebSocket of the order stream, from its greeting to its end."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from fastapi.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from tradebot.domain.access import Caller, Scope
from tradebot.interfaces.api.refusal import ApiError
from tradebot.interfaces.api.services import Services
from tradebot.interfaces.api.stream import messages
from tradebot.interfaces.api.stream.hub import TooManyConnections
from tradebot.interfaces.api.stream.subscriber import Channel, Subscriber

PROTOCOL = "tradebot"
TOKEN_PROTOCOL = "token."
FIRST_WORD_S = 10.0
DRAIN_S = 5.0
REPLAY_PAGE = 500
REPLAY_MAX = 20_000

REFUSED, TOO_BUSY, NOT_READY, GOING_AWAY = 1008, 1013, 1011, 1012


class Closed(Exception):
    """The socket is to be closed with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Session:
    """`account_id` None stands for all accounts of the caller. `since` is the last `seq` that the client has seen."""

    def __init__(self, socket: WebSocket, services: Services, account_id: str | None, since: int | None) -> None:
        self._socket = socket
        self._services = services
        self._account_id = account_id
        self._since = since

    async def run(self) -> None:
        try:
            await self._accept()
            caller = await self._caller()
            await self._serve(self._accounts(caller))
        except Closed as end:
            await self._close(end)
        except TimeoutError:
            await self._close(Closed(TOO_BUSY, "it does not read"))
        except (WebSocketDisconnect, OSError):
            return

    async def _accept(self) -> None:
        offered = self._socket.scope.get("subprotocols", [])
        await self._socket.accept(subprotocol=PROTOCOL if PROTOCOL in offered else None)

    async def _caller(self) -> Caller:
        """By header, cookie, subprotocol or first message. Raises Closed for nobody that may read."""
        state = self._socket.scope["state"]
        refused: ApiError | None = state.get("refused")
        if refused is not None:
            raise Closed(REFUSED, refused.code)
        caller: Caller | None = state["caller"]
        if caller is None:
            caller = self._of_token(self._token_offered() or await self._token_told())
        if not caller.may(Scope.READ):
            raise Closed(REFUSED, "the token has no read scope")
        return caller

    def _of_token(self, token: str) -> Caller:
        try:
            found: Caller = self._socket.scope["state"]["access"].of_token(token)
        except ApiError as error:
            raise Closed(REFUSED, error.code) from error
        return found

    def _token_offered(self) -> str:
        offered = self._socket.scope.get("subprotocols", [])
        return next((word[len(TOKEN_PROTOCOL) :] for word in offered if word.startswith(TOKEN_PROTOCOL)), "")

    async def _token_told(self) -> str:
        try:
            async with asyncio.timeout(FIRST_WORD_S):
                word = json.loads(await self._text())
                return str(word["token"])
        except (TimeoutError, ValueError, KeyError, TypeError) as cause:
            raise Closed(REFUSED, "no token") from cause

    def _accounts(self, caller: Caller) -> tuple[str, ...]:
        if self._account_id is None:
            accounts = caller.account_ids
        else:
            accounts = (self._account_id,) if caller.owns(self._account_id) else ()
        if not accounts:
            raise Closed(REFUSED, "the token does not name this account")
        if not self._services.is_ready():
            raise Closed(NOT_READY, "not ready: the books are not compared with the broker yet")
        return accounts

    async def _serve(self, accounts: tuple[str, ...]) -> None:
        subscriber = Subscriber(accounts, self._services.real)
        try:
            self._services.hub.join(subscriber)
        except TooManyConnections as cause:
            raise Closed(REFUSED, str(cause)) from cause
        start = self._services.real.monotonic()
        listening = asyncio.create_task(self._listen(subscriber))
        telling = asyncio.create_task(self._tell(subscriber, accounts))
        try:
            await asyncio.wait((listening, telling), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._services.hub.leave(subscriber)
            self._services.hub.ended(self._services.real.monotonic() - start)
            for task in (listening, telling):
                task.cancel()
            ends = await asyncio.gather(listening, telling, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def _tell(self, subscriber: Subscriber, accounts: tuple[str, ...]) -> None:
        for account_id in accounts:
            await self._catch_up(subscriber, account_id)
        while texts := await subscriber.take():
            async with asyncio.timeout(DRAIN_S if subscriber.is_slow else None) as deadline:
                subscriber.on_cut = lambda: deadline.reschedule(asyncio.get_running_loop().time() + DRAIN_S)
                for text in texts:
                    await self._send(text)
                subscriber.on_cut = _nothing
        if subscriber.is_slow:
            raise Closed(TOO_BUSY, "too slow: reconnect with ?since= and the last seq")
        raise Closed(GOING_AWAY, "tradebot stops: reconnect with ?since= and the last seq")

    async def _catch_up(self, subscriber: Subscriber, account_id: str) -> None:
        """The greeting, and what was missed: line by line from the event log, or a picture of what stands."""
        orders = self._services.orders
        picture = await run_in_threadpool(orders.snapshot, account_id)
        await self._send(messages.established(account_id, picture.sequence))
        since = self._since
        if since is None or since > picture.sequence or picture.sequence - since > REPLAY_MAX:
            await self._send(messages.snapshot(account_id, picture.sequence, picture.orders))
            subscriber.knows(account_id, picture.sequence)
            return
        while since < picture.sequence:
            for update in await run_in_threadpool(orders.updates, account_id, since, REPLAY_PAGE):
                await self._send(messages.order_update(update))
                since = update.event.sequence
        subscriber.knows(account_id, since)

    async def _listen(self, subscriber: Subscriber) -> None:
        while True:
            answer = _answer(subscriber, await self._text())
            await self._send(answer)

    async def _text(self) -> str:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        return message.get("text") or (message.get("bytes") or b"").decode("utf-8", "replace")

    async def _send(self, text: str) -> None:
        await self._socket.send({"type": "websocket.send", "text": text})

    async def _close(self, end: Closed) -> None:
        if self._socket.application_state is WebSocketState.CONNECTED:
            with suppress(RuntimeError, OSError, WebSocketDisconnect):
                async with asyncio.timeout(DRAIN_S):
                    await self._socket.close(end.code, end.reason[:120])


def _answer(subscriber: Subscriber, word: str) -> str:
    """`ping`, `subscribe:<channel>` and `unsubscribe:<channel>`; of its own accounts alone, since it has no others."""
    if word == "ping":
        return "pong"
    verb, _, name = word.partition(":")
    if verb not in ("subscribe", "unsubscribe") or name not in list(Channel):
        channels = ", ".join(Channel)
        return messages.text_of({"type": "error", "message": f"ping, subscribe:X or unsubscribe:X; X is {channels}"})
    channel = Channel(name)
    if verb == "subscribe":
        subscriber.channels.add(channel)
    else:
        subscriber.channels.discard(channel)
    return messages.text_of({"type": f"{verb}d", "channel": channel})


def _nothing() -> None:
    """For a client that is not being sent anything."""
