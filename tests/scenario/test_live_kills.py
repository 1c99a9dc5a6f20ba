"""kill -9 of the live daemon in the middle of its placements; `python -m tests.kills` does it at length."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.desks import FACES
from tests.kills.__main__ import kill_many, summary
from tests.kills.stage import SIGNALS
from tests.kills.trial import Outcome

KILLS_ON_EACH = 4
KILLS_TO_SEE = 8
SEED = 20_261_128


@pytest.mark.parametrize("face", FACES)
def test_killed_while_it_places_nothing_stands_twice_and_nothing_is_unknown(
    face: str, tmp_path: Path, say: Callable[[str], None]
) -> None:
    outcomes = kill_many(KILLS_ON_EACH, tmp_path, faces=[face], seed=SEED, jobs=2, has_coids=True)
    say(f"live, {face}: {summary(outcomes)}")
    assert not [text for outcome in outcomes for text in outcome.findings]
    assert summary(outcomes) == f"{KILLS_ON_EACH} kills: 0 duplicates, 0 unknown to the daemon"
    assert any(outcome.stood < SIGNALS for outcome in outcomes), "every kill came too late to matter"


def test_without_client_order_ids_the_same_kills_place_orders_twice(tmp_path: Path, say: Callable[[str], None]) -> None:
    """The check can fail: random tags, no reservation and no look-up are what freqtrade and others do.

    One kill in a few meets an answer that is lost: it is tried until one does."""
    outcomes: list[Outcome] = []
    while len(outcomes) < KILLS_TO_SEE and not sum(outcome.duplicates for outcome in outcomes):
        place = tmp_path / str(len(outcomes))
        outcomes += kill_many(1, place, faces=["kite"], seed=SEED + len(outcomes), jobs=1, has_coids=False)
    say(f"live, kite, without ids of its own: {summary(outcomes)}")
    assert sum(outcome.duplicates for outcome in outcomes) > 0
