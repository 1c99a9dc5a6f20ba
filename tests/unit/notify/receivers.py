"""Servers on loopback that take messages as real ones do, and can be out of order."""

from __future__ import annotations

import json
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_string
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any


@dataclass(slots=True)
class Received:
    """What has arrived. `refuses`: the server answers, and takes nothing."""

    messages: list[tuple[str, str]] = field(default_factory=list)
    refuses: bool = False
    refused: int = 0
    arrival: Condition = field(default_factory=Condition)

    def take(self, title: str, body: str) -> None:
        with self.arrival:
            self.messages.append((title, body))
            self.arrival.notify_all()

    def refuse(self) -> None:
        with self.arrival:
            self.refused += 1
            self.arrival.notify_all()

    def wait_for(self, count: int, timeout_s: float = 60.0) -> list[tuple[str, str]]:
        with self.arrival:
            self.arrival.wait_for(lambda: len(self.messages) >= count, timeout_s)
            return list(self.messages)


@contextmanager
def a_webhook() -> Iterator[tuple[str, Received]]:
    """Its address in apprise's form, with a token in it."""
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if received.refuses:
                received.refuse()
            else:
                received.take(found["title"], found["message"])
            self.send_response(503 if received.refuses else 200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with _running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield f"json://operator:hook-pass-7f3a@127.0.0.1:{port}/hook-token-91bc", received


@contextmanager
def a_mail_server() -> Iterator[tuple[str, Received]]:
    """Speaks as much SMTP as one message needs."""
    received = Received()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 here")
            while line := self.rfile.readline().decode().strip():
                self._answer(line.partition(" ")[0].upper())

        def _answer(self, verb: str) -> None:
            match verb:
                case "DATA" if received.refuses:
                    received.refuse()
                    self._say("451 no room")
                case "DATA":
                    self._say("354 go on")
                    lines = []
                    while (text := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                        lines.append(text)
                    mail = message_from_string("\n".join(lines))
                    received.take(str(mail["Subject"]), _text_of(mail))
                    self._say("250 taken")
                case _:
                    self._say("250 well")

        def _say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with _running(server) as port:
        yield f"mailto://127.0.0.1:{port}?from=bot@local.test&to=operator@local.test&format=text", received


def _text_of(mail: Any) -> str:
    parts = [part for part in mail.walk() if part.get_content_type() == "text/plain"]
    return "".join(part.get_payload(decode=True).decode() for part in parts)


@contextmanager
def _running(server: Any) -> Iterator[int]:
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
