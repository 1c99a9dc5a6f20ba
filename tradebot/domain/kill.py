"""The kill switch: what a latch says, and what a file that nobody can read as one means."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class KillMode(StrEnum):
    """`stop`: no new entries; `cancel_entries`: and those that stand are cancelled; `flatten`: and what is held is
    sold. Exits go on in every mode."""

    STOP = "stop"
    CANCEL_ENTRIES = "cancel_entries"
    FLATTEN = "flatten"


@dataclass(frozen=True, slots=True, kw_only=True)
class Latch:
    """Entries are killed until somebody releases them, restarts included. `at` is None where nobody wrote it down."""

    mode: KillMode
    reason: str = ""
    at: datetime | None = None


UNREADABLE = Latch(mode=KillMode.STOP, reason="the latch cannot be read")


def written(latch: Latch) -> bytes:
    """The latch as a file, for people and programs."""
    at = latch.at.isoformat() if latch.at is not None else None
    return json.dumps({"mode": latch.mode, "reason": latch.reason, "at": at}).encode() + b"\n"


def read_latch(content: bytes) -> Latch:
    """What a latch file says. A mode alone is enough (`echo flatten > state/kill`); what cannot be read is a latch
    all the same: it stops entries, and does nothing that trades."""
    text = content.decode(errors="replace").strip()
    if text in set(KillMode):
        return Latch(mode=KillMode(text))
    try:
        found = json.loads(text)
        at = found.get("at")
        return Latch(
            mode=KillMode(found["mode"]),
            reason=str(found.get("reason", "")),
            at=datetime.fromisoformat(at) if at is not None else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return UNREADABLE
