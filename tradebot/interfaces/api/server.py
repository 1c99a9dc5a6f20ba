"""The HTTP server in a thread of its own: it may fail, or stop, and the daemon goes on."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from threading import Thread
from typing import Any

from tradebot.interfaces.api.connections import bounded, connections_max

STOP_S = 5.0
BACKLOG = 512
MESSAGE_BYTES_MAX = 4_096
PING_S = 30.0
UNREAD_MS_MAX = 30_000
_log = logging.getLogger("tradebot.http")


class CannotListen(Exception):
    """The address cannot be listened on: it is in use, or not of this machine."""


class HttpServer:
    """Listens from the moment it is made, and answers once `start` was called. Uvicorn and the application are imported
    on the server's thread: the daemon does not wait for them."""

    def __init__(self, host: str, port: int) -> None:
        """Port 0 takes any that is free. Raises CannotListen."""
        self._socket = _listen(host, port)
        self._server: Any = None
        self._is_stopping = False
        self._thread: Thread | None = None

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def start(self, make: Callable[[], Any]) -> None:
        """`make` builds the ASGI application, on the server's thread."""
        self._thread = Thread(target=self._run, args=(make,), name="http", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Waits at most STOP_S for requests under way."""
        self._is_stopping = True
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(STOP_S)
        self._socket.close()

    def _run(self, make: Callable[[], Any]) -> None:
        try:
            import uvicorn
            from uvicorn.protocols.http.auto import AutoHTTPProtocol

            self._server = uvicorn.Server(
                uvicorn.Config(
                    make(),
                    log_config=None,
                    access_log=False,
                    lifespan="on",
                    server_header=False,
                    proxy_headers=False,
                    backlog=BACKLOG,
                    http=bounded(AutoHTTPProtocol, connections_max()),
                    timeout_keep_alive=15,
                    timeout_graceful_shutdown=2,
                    ws="websockets-sansio",
                    ws_max_size=MESSAGE_BYTES_MAX,
                    ws_ping_interval=PING_S,
                    ws_ping_timeout=PING_S,
                    ws_per_message_deflate=False,
                )
            )
            if not self._is_stopping:
                self._server.run(sockets=[self._socket])
        except Exception as fault:  # the daemon outlives its HTTP face
            _log.exception("the HTTP interface has ended: %s", type(fault).__name__)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # asyncio turns Nagle's algorithm off only where a socket says that it is TCP; else answers wait 40 ms.
        listening = socket.socket(family, socket.SOCK_STREAM, protocol)
    except OSError as cause:
        raise CannotListen(f"{host}:{port}: {cause.strerror or cause}") from cause
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # A client that reads nothing any more is given up by the system; accepted sockets inherit it.
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS_MAX)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as cause:
        listening.close()
        raise CannotListen(f"{host}:{port}: {cause.strerror or cause}") from cause
    return listening
