"""What comes over the wire and goes back, as values: no socket, no library."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

JSON = "application/json"
Frame = str | bytes
"""Of a WebSocket: text or binary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`headers` have names in lower case; `address` is where the call came from."""

    method: str
    path: str
    query: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    address: str = "127.0.0.1"

    @property
    def segments(self) -> tuple[str, ...]:
        return tuple(part for part in self.path.split("/") if part)

    def form(self) -> dict[str, str]:
        """The fields of a form body; of one that is given twice, the last."""
        text = self.body.decode("utf-8", "replace")
        return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}

    def first(self, name: str) -> str:
        """A field of the query string, empty where it is missing."""
        return self.query.get(name, ("",))[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """`delay_s` is how long the answer is held back after everything is done."""

    status: int = 200
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """The connection is closed without an answer, after `hold_s` seconds of silence."""

    hold_s: float = 0.0


Answer = Response | NoAnswer


def json_response(data: object, status: int = 200) -> Response:
    return Response(status=status, body=json_bytes(data))


def json_bytes(data: object) -> bytes:
    return json.dumps(data, default=_plain, separators=(",", ":")).encode()


def json_object(text: bytes | str) -> dict[str, Any]:
    """Raises ValueError for anything but a JSON object."""
    data = json.loads(text)
    if not isinstance(data, dict):
        raise ValueError("no JSON object")
    return data


def _plain(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no place in an answer")
