"""The registry of client order ids: what it answers, what it costs, and a disk that refuses."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.disk import SimDisk
from tests.unit.registry_builders import (
    JOURNAL_PATH,
    NOW,
    SNAPSHOT_PATH,
    WEEK,
    Effects,
    an_entry,
    entries,
    opened,
)
from tradebot.adapters.disk import DiskFailed, DiskRefused, RealDisk
from tradebot.adapters.registry import JOURNAL, SNAPSHOT, CoidRegistry
from tradebot.adapters.registry_format import (
    ENTRY_BYTES_MAX,
    encode_entry,
)
from tradebot.domain.errors import SaveFailed, StateCorrupt
from tradebot.domain.orders import AttemptStatus, BrokerOrderId
from tradebot.ports import IdRegistry


class Full:
    """A disk without space from the nth append on."""

    def __init__(self, disk: SimDisk, *, after: int = 0) -> None:
        self._appends_left = after
        disk.on_effect = self

    def __call__(self, name: str, path: Path) -> None:
        if name == "append":
            if self._appends_left == 0:
                raise DiskRefused(str(path), "No space left on device", mend="free some space")
            self._appends_left -= 1


def test_it_is_the_port() -> None:
    registry: IdRegistry = opened(SimDisk())

    assert registry.open_entries() == []


def test_what_was_reserved_is_found_by_id_and_by_intent() -> None:
    registry = opened(SimDisk())
    first, second = an_entry(attempt=1, status=AttemptStatus.REJECTED), an_entry(attempt=2)

    registry.reserve([first])
    registry.reserve([second, an_entry("signal-2")])

    assert registry.get(second.coid) == second
    assert registry.attempts_of(first.key) == [first, second]
    assert registry.attempts_of(an_entry("another").key) == []


def test_open_entries_are_those_that_may_still_stand_at_the_broker() -> None:
    registry = opened(SimDisk())
    every = [an_entry(f"signal-{status}", status=status) for status in AttemptStatus]

    registry.reserve(every)

    assert {entry.status for entry in registry.open_entries()} == {
        AttemptStatus.PENDING,
        AttemptStatus.PARTIALLY_FILLED,
        AttemptStatus.UNKNOWN,
    }


def test_a_note_replaces_its_entry_also_after_a_restart() -> None:
    disk = SimDisk()
    registry = opened(disk)
    registry.reserve([an_entry()])
    filled = an_entry(
        status=AttemptStatus.FILLED,
        broker_order_id=BrokerOrderId("261120000000001"),
        filled_qty=5,
        avg_price=Decimal("1520.050"),
        metadata={"order": "é\n\u2028"},
    )

    registry.note([filled])
    registry.sync()

    for found in (registry, opened(disk)):
        assert found.get(filled.coid) == filled
        assert str(found.attempts_of(filled.key)[0].avg_price) == "1520.050"
        assert found.open_entries() == []


def test_a_reservation_costs_one_append_and_one_sync_and_a_note_one_append() -> None:
    disk = SimDisk()
    registry = opened(disk)
    effects = Effects(disk)

    registry.reserve(entries(10))
    assert effects.of_the_next() == [f"append {JOURNAL}", f"sync {JOURNAL}"]

    registry.note(entries(10))
    assert effects.of_the_next() == [f"append {JOURNAL}"]

    registry.sync()
    registry.sync()
    assert effects.of_the_next() == [f"sync {JOURNAL}"]

    registry.note(entries(1))
    registry.reserve([an_entry("another")])
    registry.sync()
    assert effects.of_the_next() == [f"append {JOURNAL}", f"append {JOURNAL}", f"sync {JOURNAL}"]


def test_a_reservation_of_nothing_still_makes_the_notes_durable() -> None:
    disk = SimDisk()
    registry = opened(disk)
    registry.reserve([an_entry()])
    registry.note([an_entry(status=AttemptStatus.FILLED)])

    registry.reserve([])

    assert opened(disk.crash("lost", lambda _n: 0)).open_entries() == []


def test_nothing_to_write_is_not_written() -> None:
    disk = SimDisk()
    registry = opened(disk)
    effects = Effects(disk)

    registry.reserve([])
    registry.note([])
    registry.fold(NOW)

    assert effects.of_the_next() == []


def test_the_cost_of_an_update_does_not_grow_with_the_entries() -> None:
    disk = SimDisk()
    registry = opened(disk)
    sizes = []
    for count in (1, 3_000):
        registry.reserve([an_entry(f"{count}-{number:06}") for number in range(count)])
        before = len(disk.read(JOURNAL_PATH) or b"")
        effects = Effects(disk)
        registry.note([an_entry(f"{count}-{0:06}", status=AttemptStatus.FILLED)])
        sizes.append(len(disk.read(JOURNAL_PATH) or b"") - before)
        assert effects.of_the_next() == [f"append {JOURNAL}"]

    assert sizes[1] - sizes[0] < 10


def test_an_id_is_reserved_once() -> None:
    disk = SimDisk()
    registry = opened(disk)
    registry.reserve([an_entry()])
    before = disk.read(JOURNAL_PATH)

    for batch in ([an_entry()], [an_entry("new"), an_entry()], [an_entry("new"), an_entry("new")]):
        with pytest.raises(ValueError, match="already or twice"):
            registry.reserve(batch)

    assert registry.get(an_entry("new").coid) is None
    assert disk.read(JOURNAL_PATH) == before


def test_a_note_about_an_id_that_was_never_reserved_is_refused() -> None:
    registry = opened(SimDisk())

    with pytest.raises(ValueError, match="never reserved"):
        registry.note([an_entry()])


@pytest.mark.parametrize(
    "others",
    [
        {"avg_price": Decimal("NaN")},
        {"updated": NOW.replace(tzinfo=None)},
        {"metadata": {"note": "x" * ENTRY_BYTES_MAX}},
    ],
)
def test_what_could_not_be_read_back_is_not_written(others: dict[str, Any]) -> None:
    disk = SimDisk()
    registry = opened(disk)
    before = disk.read(JOURNAL_PATH)

    with pytest.raises(ValueError, match=r"A[0-9A-Z]{17}: |time zone"):
        registry.reserve([an_entry(**others)])

    assert disk.read(JOURNAL_PATH) == before
    registry.reserve([an_entry()])


def test_metadata_that_is_not_text_is_not_written() -> None:
    with pytest.raises(TypeError):
        encode_entry(an_entry(metadata={"quantity": 5}))


def test_a_full_registry_takes_no_more() -> None:
    registry = opened(SimDisk(), entries_max=5)
    registry.reserve(entries(5))

    with pytest.raises(SaveFailed, match="full"):
        registry.reserve([an_entry("one more")])

    registry.note([an_entry("signal-0", status=AttemptStatus.EXPIRED)])
    registry.fold(NOW + WEEK)
    registry.reserve([an_entry("one more")])


def test_a_fold_moves_everything_into_the_snapshot() -> None:
    disk = SimDisk()
    registry = opened(disk)
    registry.reserve(entries(50))

    registry.fold(NOW - WEEK)

    snapshot, journal = disk.read(SNAPSHOT_PATH) or b"", disk.read(JOURNAL_PATH) or b""
    assert len(json.loads(snapshot)["entries"]) == 50
    assert snapshot.count(b"\n") == 50 + 2
    assert journal.count(b"\n") == 1
    assert opened(disk).open_entries() == entries(50)


def test_a_fold_drops_finished_entries_that_are_old_and_nothing_else() -> None:
    disk = SimDisk()
    registry = opened(disk)
    old, edge = NOW - WEEK - timedelta(microseconds=1), NOW - WEEK
    registry.reserve(
        [
            an_entry("old", status=AttemptStatus.FILLED, updated=old),
            an_entry("edge", status=AttemptStatus.FILLED, updated=edge),
            an_entry("open", status=AttemptStatus.UNKNOWN, updated=old),
        ]
    )

    registry.fold(edge)

    for found in (registry, opened(disk)):
        assert found.get(an_entry("old").coid) is None
        assert found.attempts_of(an_entry("old").key) == []
        assert found.get(an_entry("edge").coid) is not None
        assert found.get(an_entry("open").coid) is not None


def test_a_fold_is_asked_for_after_so_many_entries() -> None:
    disk = SimDisk()
    registry = opened(disk, fold_every=3)

    asked = [registry.needs_fold]

    registry.reserve(entries(2))
    asked.append(registry.needs_fold)
    registry.note([an_entry("signal-0")])
    asked.append(registry.needs_fold)
    asked.append(opened(disk, fold_every=3).needs_fold)
    registry.fold(NOW)
    asked.append(registry.needs_fold)

    assert asked == [False, False, True, True, False]


def test_a_journal_at_its_limit_is_folded_before_it_grows() -> None:
    disk = SimDisk()
    registry = opened(disk, journal_lines_max=10)
    registry.reserve(entries(10))

    registry.note([an_entry("signal-3", status=AttemptStatus.EXPIRED)])

    assert (disk.read(JOURNAL_PATH) or b"").count(b"\n") == 2
    assert len(opened(disk).open_entries()) == 9


def test_a_disk_without_space_refuses_and_the_registry_goes_on_when_there_is_some() -> None:
    disk = SimDisk()
    registry = opened(disk)
    registry.reserve([an_entry()])
    Full(disk)

    with pytest.raises(SaveFailed, match="No space left"):
        registry.reserve([an_entry("new")])
    with pytest.raises(SaveFailed, match="No space left"):
        registry.note([an_entry(status=AttemptStatus.FILLED)])
    with pytest.raises(SaveFailed, match="No space left"):
        registry.fold(NOW)

    assert registry.get(an_entry("new").coid) is None
    assert registry.get(an_entry().coid) == an_entry()
    disk.on_effect = None
    registry.reserve([an_entry("new")])
    assert opened(disk).open_entries() == [an_entry(), an_entry("new")]


def test_a_fold_that_stopped_half_way_is_finished_before_the_next_entry() -> None:
    disk = SimDisk()
    registry = opened(disk)
    registry.reserve([an_entry()])
    Full(disk, after=1)
    with pytest.raises(DiskRefused):
        registry.fold(NOW)

    with pytest.raises(DiskRefused):
        registry.reserve([an_entry("new")])
    disk.on_effect = None
    registry.reserve([an_entry("new")])

    assert opened(disk).open_entries() == [an_entry(), an_entry("new")]


@pytest.mark.parametrize("effect", ["append", "sync", "replace", "sync_dir"])
def test_after_a_write_of_unknown_outcome_nothing_more_is_taken(effect: str) -> None:
    disk = SimDisk()
    registry = opened(disk)
    registry.reserve([an_entry()])

    def fail(name: str, path: Path) -> None:
        if name == effect:
            raise DiskFailed(str(path), "its data could not be synced")

    disk.on_effect = fail
    with pytest.raises(DiskFailed):
        registry.fold(NOW)
    effects = Effects(disk)
    uses: list[Callable[[], None]] = [
        lambda: registry.reserve([an_entry("new")]),
        lambda: registry.note([an_entry()]),
        lambda: registry.fold(NOW),
        registry.sync,
    ]
    for use in uses:
        with pytest.raises(SaveFailed, match="takes no more"):
            use()
    registry.close()

    assert effects.of_the_next() == []
    assert registry.get(an_entry().coid) == an_entry()
    assert opened(disk).open_entries() == [an_entry()]


def test_a_reservation_whose_sync_failed_is_not_there() -> None:
    disk = SimDisk()
    registry = opened(disk)

    def fail(name: str, path: Path) -> None:
        if name == "sync":
            raise DiskFailed(str(path), "its data could not be synced")

    disk.on_effect = fail
    with pytest.raises(DiskFailed):
        registry.reserve([an_entry()])

    assert registry.get(an_entry().coid) is None
    with pytest.raises(SaveFailed, match="takes no more"):
        registry.reserve([an_entry()])


def test_closing_makes_the_notes_durable_and_takes_no_more() -> None:
    disk = SimDisk()
    registry = opened(disk)
    registry.reserve([an_entry()])
    registry.note([an_entry(status=AttemptStatus.FILLED)])

    registry.close()
    registry.close()

    assert opened(disk.crash("lost", lambda _n: 0)).open_entries() == []
    with pytest.raises(SaveFailed, match="closed"):
        registry.reserve([an_entry("new")])


def test_a_new_registry_is_durable_at_once() -> None:
    disk = SimDisk()
    opened(disk)

    snapshot = disk.crash("lost", lambda _n: 0).read(SNAPSHOT_PATH) or b""

    assert json.loads(snapshot)["created"] == NOW.isoformat()
    assert json.loads(snapshot)["entries"] == []


def test_it_works_on_a_real_disk(tmp_path: Path) -> None:
    disk = RealDisk()
    folder = tmp_path / "state"
    registry = CoidRegistry.open(disk, folder, NOW)
    registry.reserve(entries(3))
    registry.fold(NOW)
    registry.reserve([an_entry("new")])
    registry.close()
    disk.close()

    found = CoidRegistry.open(RealDisk(), folder, NOW)

    assert found.open_entries() == [*entries(3), an_entry("new")]
    assert sorted(path.name for path in folder.iterdir()) == [JOURNAL, SNAPSHOT]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("name", [SNAPSHOT, JOURNAL])
def test_the_file_of_another_user_stops_the_start(tmp_path: Path, name: str) -> None:
    CoidRegistry.open(RealDisk(), tmp_path, NOW)
    os.chown(tmp_path / name, 54_321, 54_321)

    with pytest.raises(StateCorrupt, match="belongs to user 54321"):
        CoidRegistry.open(RealDisk(), tmp_path, NOW)
