"""The campaign's bookkeeping: names, what a line counts, and going on where it stopped."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from tests.simulator.days import DAYS
from tests.simulator.faults import FAULTS
from tests.simulator.ledger import Done, Failed, Ledger
from tests.simulator.real_kills import Kill
from tests.simulator.shards import PARTS, shards
from tests.simulator.work import Migration, do

PAIRS = {(day, name) for name, faults in FAULTS.items() for day in faults.days or DAYS}
KILLS = Done(name="kills:kite:4", seed=5, kills=3, effects={"kite: sendto": 3})


def points(name: str = "busy:stale_book:1:3", **changes: object) -> Done:
    made = {"seed": 1, "points": 40, "seconds": 2.0, "effects": {"commit": 40}, "incidents": {"stale_book": 7}}
    return Done(name=name, **(made | changes))  # type: ignore[arg-type]


def test_what_was_done_is_there_again_and_counted_once(tmp_path: Path) -> None:
    ledger = Ledger.at(tmp_path / "kept" / "abc.jsonl")
    for piece in (points(), KILLS, points()):
        ledger.add(piece)

    again = Ledger.at(tmp_path / "kept" / "abc.jsonl")

    assert again.done == {"busy:stale_book:1:3": points(), "kills:kite:4": KILLS}
    assert again.line() == "40 crash points, 3 kills, 2 seeds: 0 duplicates, 0 lost, 0 invented"


def test_half_a_line_costs_its_own_piece_alone(tmp_path: Path) -> None:
    path = tmp_path / "abc.jsonl"
    Ledger.at(path).add(points())
    whole = path.read_bytes()
    for length in range(1, len(whole) - 1):
        path.write_bytes(whole + whole[:length])
        ledger = Ledger.at(path)
        ledger.add(KILLS)
        assert set(Ledger.at(path).done) == {"busy:stale_book:1:3", "kills:kite:4"}


def test_failures_are_counted_by_kind_and_all_of_them(tmp_path: Path) -> None:
    texts = ("audit: duplicate order: X", "audit: lost order: Y", "audit: invented fill: Z", "cash: 1 instead of 2")
    ledger = Ledger.at(tmp_path / "abc.jsonl")
    ledger.add(points(failures=[Failed(text=text, again="...") for text in texts]))

    assert ledger.line().endswith("1 duplicates, 1 lost, 1 invented; 4 failures in all")


def test_the_table_shows_what_was_met(tmp_path: Path) -> None:
    ledger = Ledger.at(tmp_path / "abc.jsonl")
    ledger.add(points())
    ledger.add(KILLS)

    rows = [line.split() for line in ledger.table().splitlines()]

    for row in (["busy", "40"], ["kills:", "kite", "3"], ["stale_book", "40"], ["commit", "40"], ["stale_book", "7"]):
        assert row in rows
    assert ["20", "points", "a", "second", "and", "worker"] in rows


def test_the_first_seeds_meet_every_day_under_every_fault_and_each_name_comes_once() -> None:
    first = list(islice(shards(), 600))

    assert {(shard.case.day, shard.case.faults) for shard in first} == PAIRS
    assert len({str(shard) for shard in first}) == len(first)


def test_every_stretch_of_a_day_is_met_under_every_fault_in_time() -> None:
    first = islice(shards(), 4_000)

    assert len({(shard.case.day, shard.case.faults, shard.part) for shard in first}) == PARTS * len(PAIRS)


def test_a_kill_is_made_again_by_its_name() -> None:
    for kill in (Kill(target="paper", seed=3, at="217"), Kill(target="kotak", seed=5, at="sendto.3")):
        assert Kill.named(str(kill)) == kill
    with pytest.raises(ValueError, match="TARGET:SEED:AT"):
        Kill.named("nse:1:3")


def test_a_migration_is_made_again_by_its_name_and_dies_well(tmp_path: Path) -> None:
    migration = Migration(seed=2, part=5)
    assert Migration.named(str(migration)) == migration
    done = do(migration, tmp_path)
    assert done.points > 20
    assert done.failures == []
    with pytest.raises(ValueError, match="SEED:PART"):
        Migration.named("migrate:none:1")
