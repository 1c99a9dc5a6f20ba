"""A WebSocket as a stream of frames."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.connection import Connection

_OPEN_S = 10.0
_PING_S = 20.0
_FRAME_BYTES_MAX = 1024 * 1024


class SocketStream:
    """Ends when either side closes it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def frames(self) -> Iterator[str | bytes]:
        try:
            yield from self._connection
        except ConnectionClosed:
            return

    def close(self) -> None:
        self._connection.close()


@contextmanager
def open_socket(url: str, headers: Mapping[str, str], greetings: Sequence[str] = ()) -> Iterator[SocketStream]:
    """`greetings` are sent first. Proxies of the environment are not used. Raises OSError and websockets' errors."""
    secure = ssl.create_default_context() if url.startswith("wss:") else None
    with connect(
        url,
        additional_headers=dict(headers),
        ssl=secure,
        open_timeout=_OPEN_S,
        ping_interval=_PING_S,
        max_size=_FRAME_BYTES_MAX,
        proxy=None,
    ) as connection:
        for greeting in greetings:
            connection.send(greeting)
        yield SocketStream(connection)
