"""What the tests of the log and of files of one object a line are made with."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from tradebot.adapters.disk import Calls, RealDisk
from tradebot.domain.events import Event, EventName, FieldValue, Level

AT = datetime(2026, 11, 20, 4, 0, 0, 123456, tzinfo=UTC)


class StillClock:
    def now(self) -> datetime:
        return AT

    def monotonic(self) -> float:
        return 0.0


class Valve:
    """A disk's write call that can be shut: then there is no space."""

    def __init__(self) -> None:
        self.is_open = threading.Event()
        self.is_open.set()
        self.refused = threading.Event()

    def write(self, descriptor: int, data: memoryview) -> int:
        if self.is_open.is_set():
            return os.write(descriptor, data)
        self.refused.set()
        raise OSError(errno.ENOSPC, "No space left on device")

    def disk(self) -> RealDisk:
        return RealDisk(durability="process", calls=Calls(write=self.write))


def an_event(
    name: EventName = EventName.CYCLE,
    message: str = "done",
    level: Level = Level.INFO,
    fields: Mapping[str, FieldValue] | None = None,
) -> Event:
    return Event(name=name, at=AT, message=message, level=level, correlation_id="c-1", fields=fields or {})


def lines_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line, parse_float=Decimal) for line in path.read_text().splitlines() if line]
