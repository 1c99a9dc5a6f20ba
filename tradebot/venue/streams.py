"""The open WebSockets: each has its own bounded queue, so that one that does not read costs nobody else anything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from tradebot.exchange.picture import Picture
from tradebot.exchange.rows import OrderUpdate
from tradebot.exchange.wire.messages import Frame

QUEUE_MAX = 2000

_END = object()


class Stream(Protocol):
    """One broker's side of one connection; it knows no socket."""

    def hear(self, text: str) -> Sequence[Frame]:
        """Answers to a frame of the client."""
        ...

    def told(self, update: OrderUpdate) -> Sequence[Frame]:
        """The order event as this client gets it; nothing while it is not logged in."""
        ...

    @property
    def is_watching(self) -> bool:
        """Whether it asked for ticks."""
        ...

    def ticks(self, picture: Callable[[str], Picture | None]) -> Frame | None: ...

    def heartbeat(self) -> Frame | None: ...


class Connection:
    """Frames on their way to one client. One that is more than QUEUE_MAX frames behind is cut off."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.is_cut = False
        self._queue: asyncio.Queue[object] = asyncio.Queue()

    def put(self, frame: Frame | None) -> None:
        if frame is None or self.is_cut:
            return
        if self._queue.qsize() >= QUEUE_MAX:
            self.cut()
        else:
            self._queue.put_nowait(frame)

    def cut(self) -> None:
        """Close the connection, after what is in the queue already."""
        self.is_cut = True
        self._queue.put_nowait(_END)

    async def next_frame(self) -> Frame | None:
        """The next frame to send; None when the connection is to end."""
        frame = await self._queue.get()
        return frame if isinstance(frame, str | bytes) else None


class Connections:
    def __init__(self) -> None:
        self._open: set[Connection] = set()

    def add(self, connection: Connection) -> None:
        self._open.add(connection)

    def remove(self, connection: Connection) -> None:
        self._open.discard(connection)

    def tell(self, update: OrderUpdate) -> None:
        for connection in list(self._open):
            for frame in connection.stream.told(update):
                connection.put(frame)

    @property
    def are_watched(self) -> bool:
        return any(connection.stream.is_watching for connection in self._open)

    def show(self, picture: Callable[[str], Picture | None]) -> None:
        """Ticks for whoever subscribed to some, else a sign of life."""
        for connection in list(self._open):
            ticks = connection.stream.ticks(picture)
            connection.put(ticks if ticks is not None else connection.stream.heartbeat())

    def cut_all(self) -> int:
        for connection in list(self._open):
            connection.cut()
        return len(self._open)
