"""The exchange process on its port: uvicorn around the application, on loopback only."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tradebot.venue.asgi import VenueApp
from tradebot.venue.opening import OpenVenue, write_endpoint

HOST = "127.0.0.1"
STOP_S = 1
PING_EVERY_S = 20.0


class _Protocol(HttpToolsProtocol):
    """Hands the application the way to break a connection off, which ASGI has no word for."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"]["abort"] = self.transport.abort


class _Uvicorn(uvicorn.Server):
    """Signals are the command line's business."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Server:
    """Serves one opened exchange until it is stopped; `stop` may be called from any thread and from a signal."""

    def __init__(self, opened: OpenVenue) -> None:
        """Takes the port at once. Raises OSError when somebody else has it."""
        self._socket = _listening(opened.settings.port)
        self.port: int = self._socket.getsockname()[1]
        opened.kotak.base_url = self.url
        config = uvicorn.Config(
            VenueApp(opened),
            http=_Protocol,
            ws="websockets-sansio",
            ws_ping_interval=PING_EVERY_S,
            loop="asyncio",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=STOP_S,
        )
        self._uvicorn = _Uvicorn(config)
        write_endpoint(opened.settings.state, {"port": self.port, "url": self.url, "pid": os.getpid()})

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def run(self) -> None:
        try:
            self._uvicorn.run(sockets=[self._socket])
        finally:
            self._socket.close()

    def stop(self) -> None:
        self._uvicorn.should_exit = True


def _listening(port: int) -> socket.socket:
    """asyncio turns Nagle's algorithm off only where a socket says that it is TCP: with it on, each answer of two
    packets waits 40 ms for the client's acknowledgement."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
        listening.listen()
    except OSError:
        listening.close()
        raise
    return listening


class ServerThread:
    """The same in a thread of its own, for a program that has something else to do. A context manager."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._thread = Thread(target=server.run, name="exchange", daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        return self.server

    def __exit__(self, *exc: object) -> None:
        self.server.stop()
        self._thread.join()
