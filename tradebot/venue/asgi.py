"""The exchange process as an ASGI application: sockets on one side, values on the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

from tradebot.exchange.wire.kite.stream import postback
from tradebot.exchange.wire.messages import Answer, NoAnswer, Request, Response, json_response
from tradebot.venue.admin import PREFIX, Admin
from tradebot.venue.opening import OpenVenue
from tradebot.venue.postbacks import Postbacks
from tradebot.venue.streams import Connection, Connections, Stream

BODY_BYTES_MAX = 1024 * 1024
TURN_S = 0.05
TICK_S = 1.0

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class VenueApp:
    """Everything runs on the server's one loop, so that no call meets the exchange half-way through another."""

    def __init__(self, opened: OpenVenue) -> None:
        self._opened = opened
        self._venue = opened.venue
        self._connections = Connections()
        self._admin = Admin(opened, self._connections.cut_all)
        self._tasks: list[asyncio.Task[None]] = []
        self._postbacks = _postbacks(opened)
        self._venue.listeners.append(self._connections.tell)
        if self._postbacks is not None:
            self._venue.listeners.append(self._postbacks.tell)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                await self._http(scope, receive, send)
            case "websocket":
                await self._websocket(scope, receive, send)
            case _:
                await self._lifespan(receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _body(receive)
        if body is None:
            await _respond(send, json_response({"error": "the body is too large"}, 413))
            return
        answer = await self._answer(_request(scope, body))
        if isinstance(answer, NoAnswer):
            await _pause(receive, answer.hold_s)
            scope["state"]["abort"]()
            # The server wants to see that the client has gone before it believes that nothing is to be sent.
            await receive()
            return
        if answer.delay_s:
            await asyncio.sleep(answer.delay_s)
        await _respond(send, answer)

    async def _answer(self, request: Request) -> Answer:
        if request.segments[:1] == (PREFIX,):
            await self._catch_up()
            response = self._admin.handle(request)
            self._opened.sessions.save()
            await self._catch_up()
            return response
        face = self._opened.face_of(request.path)
        if face.is_command(request):
            await asyncio.sleep(self._venue.arrival_delay_s())
        await self._catch_up()
        answer = face.handle(request)
        self._opened.sessions.save()
        await self._catch_up_idly()
        return answer

    async def _catch_up(self) -> None:
        while not self._venue.catch_up():
            await asyncio.sleep(0)

    async def _catch_up_idly(self) -> None:
        while not self._venue.catch_up_idly():
            await asyncio.sleep(0)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await self._catch_up()
        request = _request({**scope, "method": "GET"}, b"")
        stream = self._opened.stream_of(request)
        if stream is None:
            await send({"type": "websocket.close", "code": 1008})
            return
        await send({"type": "websocket.accept"})
        connection = Connection(stream)
        self._connections.add(connection)
        try:
            await self._serve(connection, receive, send)
        finally:
            self._connections.remove(connection)

    async def _serve(self, connection: Connection, receive: Receive, send: Send) -> None:
        """Until either side has had enough, or the connection has lived as long as a dial lets it."""
        both = [
            asyncio.create_task(_hear(connection, connection.stream, receive)),
            asyncio.create_task(_speak(connection, send)),
        ]
        _, pending = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED, timeout=self._venue.stream_lives_s())
        for task in pending:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)
        with suppress(RuntimeError, OSError):
            await send({"type": "websocket.close", "code": 1001})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._tasks = [asyncio.create_task(work) for work in self._works()]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._connections.cut_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await send({"type": "lifespan.shutdown.complete"})

    def _works(self) -> Iterator[Coroutine[Any, Any, None]]:
        yield self._turn()
        yield self._tick()
        if self._postbacks is not None:
            yield self._postbacks.run()
        if self._opened.settings.warms_up:
            yield self._warm_up()

    async def _warm_up(self) -> None:
        """The first look at a symbol of the seeded market takes a while: better now than in a client's time-out."""
        for symbol in self._opened.directory.instruments:
            self._venue.exchange.terms(symbol)
            await asyncio.sleep(0)

    async def _turn(self) -> None:
        while True:
            await self._catch_up_idly()
            await asyncio.sleep(TURN_S)

    async def _tick(self) -> None:
        while True:
            if self._connections.are_watched:
                await self._catch_up()
            self._connections.show(self._venue.exchange.picture)
            await asyncio.sleep(TICK_S)


def _postbacks(opened: OpenVenue) -> Postbacks | None:
    url, kite = opened.settings.postback_url, opened.kite
    if not url:
        return None
    return Postbacks(url, lambda update: postback(kite.rows, kite.sessions.app, update))


async def _hear(connection: Connection, stream: Stream, receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        for frame in stream.hear(message.get("text") or ""):
            connection.put(frame)


async def _speak(connection: Connection, send: Send) -> None:
    while (frame := await connection.next_frame()) is not None:
        kind = "text" if isinstance(frame, str) else "bytes"
        await send({"type": "websocket.send", kind: frame})


async def _pause(receive: Receive, seconds: float) -> None:
    """Silence, until the client has had enough of it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None for one that is too large."""
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if len(body) > BODY_BYTES_MAX:
            return None
        if not message.get("more_body", False):
            return body


async def _respond(send: Send, response: Response) -> None:
    headers = [
        (b"content-type", response.content_type.encode()),
        (b"content-length", str(len(response.body)).encode()),
        *((name.encode(), value.encode()) for name, value in response.headers),
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


def _request(scope: Scope, body: bytes) -> Request:
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    client = scope.get("client") or ("", 0)
    return Request(
        method=scope["method"],
        path=scope["path"],
        query={name: tuple(values) for name, values in query.items()},
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        body=body,
        address=str(client[0]),
    )
