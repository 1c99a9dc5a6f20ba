"""A client of HTTP that costs next to nothing: one kept connection, requests that are bytes already."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping

_TIMEOUT_S = 60.0
_LENGTH = b"content-length:"


class Wire:
    """One connection to a server of this machine, one request at a time."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body."""
        self._socket.sendall(request)
        data = bytearray()
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._received()
        head = bytes(data[:end]).lower()
        at = head.index(_LENGTH) + len(_LENGTH)
        whole = end + 4 + int(head[at : head.find(b"\r\n", at) if b"\r\n" in head[at:] else None])
        while len(data) < whole:
            data += self._received()
        return int(head[9:12]), bytes(data[end + 4 : whole])

    def close(self) -> None:
        self._socket.close()

    def _received(self) -> bytes:
        part = self._socket.recv(65_536)
        if not part:
            raise ConnectionError("the server has closed the connection")
        return part


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def post(path: str, fields: Mapping[str, object]) -> bytes:
    body = json.dumps(fields)
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n{body}".encode()
