"""The campaign's bookkeeping: names of shards, what a line counts, and going on where it stopped."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from tests.simulator.faults import FAULTS
from tests.simulator.prove import Done, Ledger
from tests.simulator.shards import PARTS, Shard, shards


def test_a_shard_is_found_again_by_its_name() -> None:
    shard = Shard(faults="stale_book", seed=7, part=3)

    assert Shard.named(str(shard)) == shard


@pytest.mark.parametrize("name", ["nothing:1:0", "none:1", f"none:1:{PARTS}", "none:x:0", ""])
def test_a_name_that_is_none_is_refused_with_what_is_allowed(name: str) -> None:
    with pytest.raises(ValueError, match="faults:seed:part"):
        Shard.named(name)


def test_the_first_shards_meet_every_fault_and_each_name_comes_once() -> None:
    first = list(islice(shards(), 4 * len(FAULTS)))

    assert {shard.faults for shard in first} == set(FAULTS)
    assert len({str(shard) for shard in first}) == len(first)


def test_the_line_counts_what_was_found_by_what_it_is() -> None:
    ledger = Ledger(None)
    ledger.add(Done(name="none:1:0", seed=1, points=277))
    ledger.add(
        Done(name="kills:2:0", seed=2, kills=4, failures=["audit: duplicate order: X stands as 1, 2", "cash differ"])
    )

    assert ledger.line() == "277 crash points, 4 kills, 2 seeds: 1 duplicates, 0 lost, 0 invented; 2 failures in all"


def test_what_was_done_is_found_again_also_after_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "commit.jsonl"
    ledger = Ledger(path)
    ledger.add(Done(name="none:1:0", seed=1, points=277))
    ledger.add(Done(name="none:1:1", seed=1, points=270))
    path.write_text(path.read_text()[:-20])

    again = Ledger.at(path)

    assert again.done.keys() == {"none:1:0"}
    assert again.line().startswith("277 crash points")
