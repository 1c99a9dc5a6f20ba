"""The way through a day: what every path keeps to, whatever the bar and the windows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.marketdata.builders import MONDAY, SHAPE, a_bar, a_window
from tradebot.adapters.marketdata.path import day_path
from tradebot.domain.market_rules import on_tick
from tradebot.domain.quotes import Bar, Print
from tradebot.domain.trading_day import Window

TICKS = [Decimal(tick) for tick in ("0.01", "0.05", "0.1", "0.5", "1", "5")]
TWO_WINDOWS = (a_window("09:15", 45), a_window("11:30", 60))


def path(bar: Bar, *, windows: Sequence[Window] = (a_window(),), tick: str = "0.05", seed: int = 1) -> Sequence[Print]:
    return day_path(bar, windows, Decimal(tick), seed=seed, shape=SHAPE)


@st.composite
def bars(draw: st.DrawFn) -> Bar:
    """Bars on and off every tick grid, also flat ones and ones without volume."""
    paise = st.integers(min_value=500, max_value=1_500_000)
    low = draw(paise)
    high = low + draw(st.integers(0, low // 5))
    within = st.integers(low, high)
    prices = [Decimal(number) / 100 for number in (draw(within), high, low, draw(within))]
    open_, top, bottom, close = (str(price) for price in prices)
    return a_bar(open=open_, high=top, low=bottom, close=close, volume=draw(st.integers(0, 10**9)))


windows_of_any_day = st.lists(st.integers(1, 180), min_size=1, max_size=3).map(
    lambda lengths: tuple(a_window(f"{9 + 3 * number:02}:15", minutes) for number, minutes in enumerate(lengths))
)


@given(bar=bars(), windows=windows_of_any_day, tick=st.sampled_from(TICKS), seed=st.integers(0, 99))
def test_a_path_fits_its_bar(bar: Bar, windows: tuple[Window, ...], tick: Decimal, seed: int) -> None:
    prints = day_path(bar, windows, tick, seed=seed, shape=SHAPE)

    prices = [one.price for one in prints]
    assert (prices[0], max(prices), min(prices), prices[-1]) == (bar.open, bar.high, bar.low, bar.close)
    given_prices = {bar.open, bar.high, bar.low, bar.close}
    assert all(price in given_prices or on_tick(price, tick) for price in prices)
    assert sum(one.quantity for one in prints) == (bar.volume if bar.volume >= 4 else sum_of_few(bar, prints))
    assert all(one.quantity >= 0 for one in prints)


def sum_of_few(bar: Bar, prints: Sequence[Print]) -> int:
    total = sum(one.quantity for one in prints)
    assert total <= bar.volume
    return total


@given(bar=bars(), windows=windows_of_any_day, seed=st.integers(0, 99))
def test_prints_come_in_order_of_time_within_the_windows(bar: Bar, windows: tuple[Window, ...], seed: int) -> None:
    prints = path(bar, windows=windows, seed=seed)

    assert prints[0].at == windows[0].start
    assert all(before.at < after.at for before, after in pairwise(prints))
    assert all(any(window.contains(one.at) for window in windows) for one in prints)


def test_three_windows_of_a_minute_are_enough_for_every_corner() -> None:
    windows = tuple(a_window(start, 1) for start in ("09:15", "11:30", "14:00"))

    for seed in range(50):
        prices = [one.price for one in path(a_bar(), windows=windows, seed=seed)]
        assert [prices[0], max(prices), min(prices), prices[-1]] == [Decimal(price) for price in (100, 102, 99, 101)]


def test_a_regular_day_has_about_one_print_a_minute() -> None:
    assert len(path(a_bar(volume=10_000_000))) == 375


def test_a_day_of_two_windows_has_prints_in_both_and_none_between() -> None:
    prints = path(a_bar(volume=10_000_000), windows=TWO_WINDOWS)

    in_each = [sum(window.contains(one.at) for one in prints) for window in TWO_WINDOWS]
    assert in_each == [45, 60]


def test_the_same_bar_and_seed_give_the_same_path_and_another_seed_another_one() -> None:
    bar = a_bar(volume=10_000_000)

    assert path(bar, seed=1) == path(bar, seed=1)
    assert path(bar, seed=1) != path(bar, seed=2)


def test_a_rising_day_is_mostly_at_its_low_first() -> None:
    rising = [
        a_bar(day=date(2025, 1, 1 + number), open="100", high="103", low="99", close="102.5") for number in range(31)
    ]

    low_first = sum(is_low_first(path(bar)) for bar in rising)

    assert 20 <= low_first < 31


def test_a_flat_day_stays_at_its_price() -> None:
    flat = a_bar(open="100.02", high="100.02", low="100.02", close="100.02")

    assert {one.price for one in path(flat)} == {Decimal("100.02")}


def test_a_low_and_high_between_two_ticks_are_all_that_is_printed() -> None:
    narrow = a_bar(open="100.01", high="100.04", low="100.01", close="100.02")

    assert {one.price for one in path(narrow)} == {Decimal("100.01"), Decimal("100.02"), Decimal("100.04")}


def test_more_is_traded_where_the_profile_is_higher() -> None:
    prints = path(a_bar(volume=10_000_000))

    thirds = [sum(one.quantity for one in prints[start : start + 125]) for start in (0, 125, 250)]
    assert thirds[0] > thirds[2] > thirds[1]


def is_low_first(prints: Sequence[Print]) -> bool:
    prices = [one.price for one in prints]
    return prices.index(min(prices)) < prices.index(max(prices))


def test_the_day_of_the_bar_decides_too() -> None:
    assert [one.price for one in path(a_bar(day=MONDAY))] != [one.price for one in path(a_bar(day=date(2025, 3, 4)))]
