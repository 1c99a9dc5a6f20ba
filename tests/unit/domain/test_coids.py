"""Client order ids: known values, their form, and that no two intents share one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradebot.domain.coids import ATTEMPTS_MAX, IntentKey, attempt_of, derive
from tradebot.domain.orders import Coid, DecisionId, Side


def a_key(account: str = "primary", decision: str = "signal-1", leg: int = 0, side: Side = Side.BUY) -> IntentKey:
    return IntentKey(account, DecisionId(decision), leg, side)


keys = st.builds(
    a_key,
    account=st.text(min_size=1, max_size=20).filter(lambda text: "\x1f" not in text),
    decision=st.text(min_size=1, max_size=40).filter(lambda text: "\x1f" not in text),
    leg=st.integers(0, 999),
    side=st.sampled_from(Side),
)


@pytest.mark.parametrize(
    ("key", "attempt", "coid"),
    [
        (a_key(), 1, "AQF60VKXTKY6QXDD01"),
        (a_key(decision="csv:2026-11-16:INFY", side=Side.SELL), 36, "A75RBW1XQGPF07OP10"),
        (a_key(account="second", leg=3), ATTEMPTS_MAX, "AHJHYUMDWAPEO42KZZ"),
    ],
)
def test_the_same_intent_has_the_same_id_for_ever(key: IntentKey, attempt: int, coid: str) -> None:
    """Ids stand in registries and at brokers: a change of the derivation would send orders twice."""
    assert derive(key, attempt) == coid


@settings(deadline=None)
@given(keys, st.integers(1, ATTEMPTS_MAX))
def test_an_id_fits_every_tag_and_tells_its_attempt(key: IntentKey, attempt: int) -> None:
    coid = derive(key, attempt)

    assert re.fullmatch("A[A-Z0-9]{17}", coid)
    assert attempt_of(coid) == attempt


@settings(deadline=None)
@given(keys)
def test_the_attempts_of_an_intent_share_all_but_their_end(key: IntentKey) -> None:
    first, last = derive(key, 1), derive(key, ATTEMPTS_MAX)

    assert first[:16] == last[:16]
    assert (first[16:], last[16:]) == ("01", "ZZ")


@pytest.mark.parametrize("attempt", [-1, 0, ATTEMPTS_MAX + 1])
def test_an_attempt_out_of_its_range_is_refused(attempt: int) -> None:
    with pytest.raises(ValueError, match="1 to 1295"):
        derive(a_key(), attempt)


@pytest.mark.parametrize(
    "other",
    [a_key(account="primary2"), a_key(decision="signal-2"), a_key(leg=1), a_key(side=Side.SELL)],
    ids=["account", "decision", "leg", "side"],
)
def test_each_part_of_the_intent_counts(other: IntentKey) -> None:
    assert derive(other, 1) != derive(a_key(), 1)


def test_what_moves_from_one_part_to_the_next_makes_another_id() -> None:
    assert derive(a_key(account="ab", decision="c"), 1) != derive(a_key(account="a", decision="bc"), 1)
    assert derive(a_key(decision="s1", leg=1), 1) != derive(a_key(decision="s", leg=11), 1)


def test_a_hundred_thousand_intents_have_as_many_ids() -> None:
    ids: set[Coid] = {
        derive(a_key(decision=f"signal-{number // 4}", leg=number % 2, side=list(Side)[number % 4 // 2]), 1)
        for number in range(100_000)
    }

    assert len(ids) == 100_000
