"""Order ids: they grow whatever the clock does, and fit 63 bits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import NOON
from tradebot.domain.orders import OrderId
from tradebot.engine.ids import OrderIds

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
STEPS = st.lists(st.integers(-3_600_000, 3_600_000), max_size=60)


def many(ids: OrderIds, count: int, now: datetime = NOON) -> list[int]:
    return [int(ids.next(now)) for _ in range(count)]


def test_an_id_is_milliseconds_worker_and_sequence() -> None:
    number = int(OrderIds(None, worker=5).next(NOON))

    assert number >> 22 == (NOON - EPOCH) // timedelta(milliseconds=1)
    assert number >> 12 & 0x3FF == 5
    assert number & 0xFFF == 0


@settings(deadline=None)
@given(STEPS)
def test_ids_grow_whatever_the_clock_does(steps: list[int]) -> None:
    ids, now, given_out = OrderIds(None), NOON, []

    for step in steps:
        now += timedelta(milliseconds=step)
        given_out += many(ids, 3, now)

    assert given_out == sorted(set(given_out))


def test_a_full_millisecond_borrows_from_the_next_and_keeps_its_worker() -> None:
    given_out = many(OrderIds(None, worker=1023), 10_000)

    assert given_out == sorted(set(given_out))
    assert {number >> 12 & 0x3FF for number in given_out} == {1023}
    assert given_out[-1] >> 22 == (given_out[0] >> 22) + 2


def test_what_was_borrowed_is_not_given_out_again_when_the_clock_arrives() -> None:
    ids = OrderIds(None)
    borrowed = many(ids, 5_000)

    assert int(ids.next(NOON + timedelta(milliseconds=1))) > borrowed[-1]


@settings(deadline=None)
@given(STEPS)
def test_a_restart_goes_on_above_the_highest_id_stored(steps: list[int]) -> None:
    before = many(OrderIds(None), 5_000)
    ids, now = OrderIds(OrderId(str(before[-1]))), NOON

    for step in steps:
        now += timedelta(milliseconds=step)
        assert int(ids.next(now)) > before[-1]


def test_an_old_id_with_leading_zeros_is_a_number_like_any_other() -> None:
    assert int(OrderIds(OrderId("000123")).next(NOON)) > 123


@pytest.mark.parametrize("worker", [0, 1023])
def test_an_id_fits_63_bits_for_decades(worker: int) -> None:
    number = int(OrderIds(None, worker).next(datetime(2093, 1, 1, tzinfo=UTC)))

    assert number.bit_length() <= 63


def test_a_clock_before_the_epoch_gives_ids_all_the_same() -> None:
    given_out = many(OrderIds(None), 3, EPOCH - timedelta(days=1))

    assert given_out == sorted(set(given_out))
    assert given_out[0] > 0
