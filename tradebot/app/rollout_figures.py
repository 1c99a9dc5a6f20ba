"""The figures of the rollout's gates, counted from the events of the sessions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from tradebot.domain.alerts import AlertName
from tradebot.domain.rollout import Figures

_SILENT = (AlertName.SILENT_ENGINE, AlertName.MISSED_HEARTBEATS)
_CENT = Decimal("0.01")
_HEAD = re.compile(rb'\{"at": ?"([^"]+)", ?"event": ?"([A-Z0-9_]+)", ?"level": ?"([A-Z]+)"')
"""How each line of `events.jsonl` begins: enough to know most of them for not wanted."""


@dataclass(frozen=True, slots=True)
class EventLine:
    """One line of a session's events; `text` is all of it."""

    at: datetime
    name: str
    level: str
    text: bytes

    def fields(self) -> Mapping[str, Any]:
        """Nothing from a line that makes no sense."""
        try:
            found = json.loads(self.text)["fields"]
        except (ValueError, KeyError, TypeError):
            return {}
        return found if isinstance(found, dict) else {}


class SessionLines:
    """The events of every session of a home, each told once; for one thread."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._read: dict[Path, int] = {}

    def new(self) -> Iterator[EventLine]:
        """Those written since the last time. What a kill has torn is left out, a line without its end until it has
        one."""
        for path in sorted(self._home.glob("sessions/*/events.jsonl")):
            with path.open("rb") as lines:
                lines.seek(self._read.get(path, 0))
                for text in lines:
                    if not text.endswith(b"\n"):
                        break
                    self._read[path] = self._read.get(path, 0) + len(text)
                    line = _line(text)
                    if line is not None:
                        yield line


class Tally:
    """Counts what the gates ask for, event by event, from an instant on."""

    def __init__(self, since: datetime) -> None:
        self.since = since
        self._duplicates = self._silences = self._finished = self._filled = 0
        self._critical_at: datetime | None = None
        self._slippage = _Mean()
        self._memory = _Mean()
        self._processor = _Mean()

    def add(self, line: EventLine) -> None:
        if line.at < self.since:
            return
        if line.level == "CRITICAL":
            self._critical_at = line.at
        match line.name:
            case "COID_DUPLICATE":
                self._duplicates += 1
            case "ALERT_FIRING":
                self._silences += line.fields().get("alert") in _SILENT
            case "ORDER_FILLED":
                is_entry = line.fields().get("side") == "buy"
                self._finished += is_entry
                self._filled += is_entry
            case "ORDER_CANCELLED" | "ORDER_EXPIRED":
                self._finished += line.fields().get("side") == "buy"
            case "ENTRY_SLIPPAGE":
                self._slippage.add(line.fields().get("slippage_bps"))
            case "HEARTBEAT":
                fields = line.fields()
                self._memory.add(fields.get("memory_mb"))
                self._processor.add(fields.get("ui_cpu_pct"))
            case _:
                pass

    def figures(self, until: datetime) -> Figures:
        return Figures(
            since=self.since,
            until=max(self.since, until),
            duplicates=self._duplicates,
            silences=self._silences,
            last_critical_at=self._critical_at,
            entries_finished=self._finished,
            entries_filled=self._filled,
            slippage_bps=self._slippage.value(),
            memory_mb=self._memory.value(),
            ui_cpu_pct=self._processor.value(),
        )


class _Mean:
    """Of what was added; what is no figure is left out."""

    def __init__(self) -> None:
        self._sum, self._count = Decimal(0), 0

    def add(self, figure: object) -> None:
        if isinstance(figure, int | float):
            self._sum += Decimal(str(figure))
            self._count += 1

    def value(self) -> Decimal | None:
        return (self._sum / self._count).quantize(_CENT) if self._count else None


def _line(text: bytes) -> EventLine | None:
    head = _HEAD.match(text)
    if head is None:
        return None
    at, name, level = (part.decode("ascii", "replace") for part in head.groups())
    try:
        return EventLine(datetime.fromisoformat(at), name, level, text)
    except ValueError:
        return None
