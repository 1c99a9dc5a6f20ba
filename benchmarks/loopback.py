"""An HTTP server in a process of its own that keeps what it is given and answers each order at once, and its client."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tradebot.domain.broker_views import Ticket
from tradebot.domain.orders import BrokerOrderId

_TIMEOUT_S = 10
_ROOT = Path(__file__).parents[1]
_HEAD_END = b"\r\n\r\n"


class Client:
    """One kept-alive connection to the server, as a broker adapter would use it."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self._session = requests.Session()
        self._session.trust_env = False

    def place(self, ticket: Ticket) -> BrokerOrderId:
        form = {
            "tradingsymbol": ticket.symbol,
            "exchange": ticket.exchange,
            "transaction_type": ticket.side.upper(),
            "order_type": ticket.order_type,
            "quantity": str(ticket.quantity),
            "price": str(ticket.price),
            "product": ticket.product,
            "validity": ticket.validity,
            "tag": ticket.tag,
        }
        answer = self._session.post(f"{self._base}/orders", data=form, timeout=_TIMEOUT_S)
        answer.raise_for_status()
        return BrokerOrderId(answer.json()["data"]["order_id"])

    def keep(self, path: str, body: bytes) -> None:
        """What the server answers to a GET of the path from now on."""
        self._session.put(f"{self._base}{path}", data=body, timeout=_TIMEOUT_S).raise_for_status()

    def fetch(self, path: str) -> Any:
        """What was kept under the path, decoded from JSON."""
        answer = self._session.get(f"{self._base}{path}", timeout=_TIMEOUT_S)
        answer.raise_for_status()
        return answer.json()

    def close(self) -> None:
        self._session.close()


@contextmanager
def serving() -> Iterator[Client]:
    """The server, running, and a client of it."""
    command = [sys.executable, "-m", "benchmarks.loopback"]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        client = Client(int(process.stdout.readline()))
        try:
            yield client
        finally:
            client.close()
            process.terminate()


def serve() -> None:
    """Serve one connection after the other, until the process is ended."""
    kept: dict[str, bytes] = {}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _answer_all(connection, kept)


def _answer_all(connection: socket.socket, kept: dict[str, bytes]) -> None:
    orders = 0
    while (request := _read(connection)) is not None:
        method, path, body = request
        match method:
            case "POST":
                orders += 1
                answer = json.dumps({"status": "success", "data": {"order_id": f"2611161{orders:08}"}}).encode()
            case "PUT":
                kept[path] = body
                answer = b"{}"
            case _:
                answer = kept[path]
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
        connection.sendall(head.encode() + answer)


def _read(connection: socket.socket) -> tuple[str, str, bytes] | None:
    """Method, path and body of the next request; None when the client has gone."""
    data = bytearray()
    while _HEAD_END not in data:
        received = connection.recv(65_536)
        if not received:
            return None
        data += received
    head, _, rest = bytes(data).partition(_HEAD_END)
    lines = head.decode("latin-1").split("\r\n")
    method, path, _ = lines[0].split(" ")
    lengths = [int(line.split(":")[1]) for line in lines[1:] if line.lower().startswith("content-length:")]
    body = bytearray(rest)
    while len(body) < sum(lengths):
        body += connection.recv(1_048_576)
    return method, path, bytes(body)


if __name__ == "__main__":
    serve()
