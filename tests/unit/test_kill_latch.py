"""The latch's file: whole at every instant, for any process, closed when it cannot be read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.builders import a_ticket
from tests.unit.engine.fakes import FakeBroker, FakeClock
from tradebot.adapters.brokers.latched import LatchedBroker, prove_latch
from tradebot.adapters.kill_latch import FileLatch
from tradebot.domain.errors import KillSwitchLatched, StateCorrupt
from tradebot.domain.kill import UNREADABLE, KillMode, Latch
from tradebot.domain.orders import Variety

ENTRY = a_ticket()


def test_what_was_latched_is_read_by_whoever_looks(tmp_path: Path) -> None:
    latch = Latch(mode=KillMode.FLATTEN, reason="fat finger", at=datetime(2026, 1, 1, tzinfo=UTC))

    FileLatch(tmp_path / "state").latch(latch)

    assert FileLatch(tmp_path / "state").read() == latch
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["kill"]


def test_without_a_file_nothing_is_latched_and_a_release_does_no_harm(tmp_path: Path) -> None:
    latch = FileLatch(tmp_path)
    latch.release()
    assert latch.read() is None


@pytest.mark.parametrize("word", list(KillMode))
def test_a_word_in_the_file_is_enough(tmp_path: Path, word: KillMode) -> None:
    (tmp_path / "kill").write_text(f"{word}\n")
    assert FileLatch(tmp_path).read() == Latch(mode=word)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"mode": "sell it all"}', b"1", b'{"mode": []}']
)
def test_what_cannot_be_read_stops_entries(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "kill").write_bytes(content)
    assert FileLatch(tmp_path).read() == UNREADABLE


def test_a_folder_in_the_files_place_stops_entries(tmp_path: Path) -> None:
    (tmp_path / "kill").mkdir()
    assert FileLatch(tmp_path).read() == UNREADABLE


def test_an_entry_stops_at_the_last_point_and_an_exit_passes(tmp_path: Path) -> None:
    broker = FakeBroker(FakeClock())
    guarded = LatchedBroker(broker, FileLatch(tmp_path))
    (tmp_path / "kill").touch()

    with pytest.raises(KillSwitchLatched):
        guarded.place(ENTRY)
    guarded.place(replace(ENTRY, is_entry=False))

    assert broker.count("place") == 1


def test_an_entry_that_stands_takes_on_no_more_at_the_last_point_and_less_passes(tmp_path: Path) -> None:
    broker = FakeBroker(FakeClock())
    guarded = LatchedBroker(broker, FileLatch(tmp_path))
    number = guarded.place(ENTRY)
    (tmp_path / "kill").touch()

    with pytest.raises(KillSwitchLatched):
        guarded.modify(number, Variety.REGULAR, quantity=2, price=Decimal(1), adds=Decimal(1))
    assert broker.count("modify") == 0
    guarded.modify(number, Variety.REGULAR, quantity=1, price=Decimal("0.9"))
    assert broker.count("modify") == 1


def test_the_proof_at_the_start_leaves_nothing_behind_and_does_not_touch_the_latch(tmp_path: Path) -> None:
    FileLatch(tmp_path).latch(Latch(mode=KillMode.STOP))
    prove_latch(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kill"]


def test_a_folder_that_cannot_be_written_fails_the_proof(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file in the folder's place")
    with pytest.raises(StateCorrupt):
        prove_latch(tmp_path / "state")
