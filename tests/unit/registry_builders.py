"""What the tests of the registry are built from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.simulator.disk import SimDisk
from tradebot.adapters.registry import JOURNAL, SNAPSHOT, CoidRegistry, Limits
from tradebot.adapters.registry_format import (
    encode_journal_head,
    encode_journal_line,
    encode_snapshot,
)
from tradebot.domain.coids import IntentKey, derive
from tradebot.domain.orders import AttemptStatus, DecisionId, Side
from tradebot.domain.registry_entries import RegistryEntry

NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
FOLDER = Path("state")
JOURNAL_PATH = FOLDER / JOURNAL
SNAPSHOT_PATH = FOLDER / SNAPSHOT
WEEK = timedelta(days=7)


def an_entry(
    decision: str = "signal-1",
    *,
    attempt: int = 1,
    status: AttemptStatus = AttemptStatus.PENDING,
    updated: datetime = NOW,
    **others: Any,
) -> RegistryEntry:
    key = IntentKey("primary", DecisionId(decision), 0, Side.BUY)
    fields: dict[str, Any] = {"symbol": "INFY", "attempt_count": attempt, "created": NOW, **others}
    return RegistryEntry(
        coid=derive(key, attempt),
        account_id="primary",
        decision_id=key.decision_id,
        leg=0,
        side=Side.BUY,
        status=status,
        updated=updated,
        **fields,
    )


def entries(count: int) -> list[RegistryEntry]:
    return [an_entry(f"signal-{number}") for number in range(count)]


def opened(disk: SimDisk, **limits: int) -> CoidRegistry:
    return CoidRegistry.open(disk, FOLDER, NOW, limits=Limits(**limits))


def a_disk_with(**files: bytes | None) -> SimDisk:
    disk = SimDisk()
    for name, content in files.items():
        if content is not None:
            disk.append(FOLDER / f"coid_registry.{name}", content)
    return disk


class Effects:
    """What a registry does to its disk."""

    def __init__(self, disk: SimDisk) -> None:
        self.seen: list[str] = []
        disk.on_effect = lambda name, path: self.seen.append(f"{name} {path.name}")

    def of_the_next(self) -> list[str]:
        seen, self.seen[:] = self.seen[:], []
        return seen


def a_journal(count: int = 3, generation: int = 1) -> tuple[bytes, bytes]:
    """A snapshot without entries and a journal with some."""
    snapshot, checksum = encode_snapshot(generation, NOW, ())
    lines = [encode_journal_line(generation, n, entry) for n, entry in enumerate(entries(count), start=1)]
    return snapshot, encode_journal_head(generation, checksum) + b"".join(lines)
