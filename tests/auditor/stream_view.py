"""The order stream as one client of it remembers it: what it was told on each of its connections, in order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.auditor.findings import Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One `order_update`."""

    account_id: str
    sequence: int
    order_id: str
    event: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamView:
    """`is_to_the_end`: the last connection stood when the daemon stopped, so it lacks nothing at its end."""

    connections: Sequence[Sequence[Told]]
    is_to_the_end: bool = False

    @classmethod
    def from_lines(cls, lines: Iterable[str], *, is_to_the_end: bool = False) -> StreamView:
        """Raises Unreadable for a line that is no message of the stream. A greeting begins a connection."""
        connections: list[list[Told]] = []
        for number, line in enumerate(lines, start=1):
            try:
                message = json.loads(line)
                if message["type"] == "connection_established":
                    connections.append([])
                elif message["type"] == "order_update":
                    connections[-1].append(_told(message))
            except (ValueError, KeyError, TypeError, IndexError) as e:
                raise Unreadable(f"stream, line {number}: {type(e).__name__}: {e}") from e
        return cls(connections=connections, is_to_the_end=is_to_the_end)


def read_stream(path: Path, *, is_to_the_end: bool) -> StreamView:
    """A file with a message on each line. Raises Unreadable."""
    if not path.exists():
        raise Unreadable(f"{path} is missing")
    return StreamView.from_lines(path.read_text(encoding="utf-8").splitlines(), is_to_the_end=is_to_the_end)


def _told(message: dict[str, object]) -> Told:
    data = message["data"]
    if not isinstance(data, dict) or not isinstance(message["seq"], int):
        raise TypeError("data is an object, and seq a number")
    return Told(
        account_id=str(message["account_id"]),
        sequence=message["seq"],
        order_id=str(data["order_id"]),
        event=str(data["event"]),
        status=str(data["status"]),
    )
