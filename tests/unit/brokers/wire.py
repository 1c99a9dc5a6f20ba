"""A server on loopback that answers each connection with a script of bytes, silences and hang-ups."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Script = Callable[[socket.socket, threading.Event], None]


class WireServer:
    """`seen` are the requests' first lines and headers as they came in."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self.seen: list[str] = []
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._socket.close()

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                text = b""
                while b"\r\n\r\n" not in text:
                    part = connection.recv(65536)
                    if not part:
                        return
                    text += part
                self.seen.append(text.decode())
                self._script(connection, self._over)
            except OSError:
                return


def says(status: str, body: bytes, content_type: str = "application/json", *headers: str) -> Script:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {len(body)}", *headers]
    data = "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body

    def script(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(data)

    return script


def hangs(connection: socket.socket, over: threading.Event) -> None:
    over.wait(30)


def hangs_up(connection: socket.socket, over: threading.Event) -> None:
    """Closes without a word."""


def cuts_the_body(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"status":')


def trickles(connection: socket.socket, over: threading.Event) -> None:
    """A byte now and then, each within the read deadline, for ever: even the headers never end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not over.wait(0.02):
        connection.sendall(b"X")


@contextmanager
def a_server(script: Script) -> Iterator[WireServer]:
    server = WireServer(script)
    try:
        yield server
    finally:
        server.close()
