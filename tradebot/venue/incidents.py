"""The record of what was made to go wrong: every turn of the dials and every fault, one JSON line each."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tradebot.exchange.dial_box import AnyDial, dial_out
from tradebot.exchange.edge import Incident


class FaultRecord:
    """Appended to; a line is handed to the system before the call it is about is answered."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")

    def telling(self, kept: deque[Incident]) -> Callable[[Incident], object]:
        """A listener for the edge's incidents, which also keeps them in memory."""

        def tell(incident: Incident) -> None:
            kept.append(incident)
            self._write(incident_out(incident))

        return tell

    def dials(self, at: datetime, dials: Sequence[AnyDial]) -> None:
        self._write({"at": at.isoformat(), "dials": [dial_out(dial) for dial in dials]})

    def close(self) -> None:
        self._file.close()

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        self._file.flush()


def incident_out(incident: Incident) -> dict[str, Any]:
    call = incident.call
    return {
        "at": call.at.isoformat(),
        "dial": incident.dial,
        "call": call.name,
        "number": call.number,
        "key": call.key,
        "detail": incident.detail,
    }
