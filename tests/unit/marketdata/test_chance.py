"""Chance: a pure function of its key."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.marketdata.builders import MONDAY
from tradebot.adapters.marketdata.chance import normals, uniforms


@given(seed=st.integers(), count=st.integers(0, 50), more=st.integers(0, 50))
def test_a_number_depends_on_its_index_and_not_on_how_many_are_asked_for(seed: int, count: int, more: int) -> None:
    longer = uniforms(count + more, seed, MONDAY, "INFY", "path")

    assert uniforms(count, seed, MONDAY, "INFY", "path") == longer[:count]
    assert all(0 < number < 1 for number in longer)


def test_every_part_of_the_key_matters() -> None:
    drawn = [
        tuple(uniforms(4, seed, day, symbol, purpose))
        for seed in (1, 2)
        for day in (MONDAY, MONDAY + timedelta(days=1))
        for symbol in ("INFY", "TCS")
        for purpose in ("path", "scores")
    ]

    assert len(set(drawn)) == len(drawn)


def test_normals_are_standard() -> None:
    drawn = normals(20_000, 1, MONDAY, "INFY", "test")

    assert abs(sum(drawn) / len(drawn)) < 0.03
    assert abs(sum(z * z for z in drawn) / len(drawn) - 1) < 0.05


def test_the_numbers_of_a_key_never_change() -> None:
    assert [round(number, 6) for number in uniforms(3, 1, MONDAY, "INFY", "path")] == [0.607884, 0.777705, 0.745454]
