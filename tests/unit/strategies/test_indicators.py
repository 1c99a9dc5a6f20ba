"""The indicators against vectors computed by hand, and what is true of them for any prices."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.strategies.builders import FIRST_DAY, a_bar, bars_of
from tradebot.domain.quotes import Bar
from tradebot.strategies.indicators import (
    BarIndicators,
    Ema,
    IndicatorCache,
    MeanOfLast,
    MeanTrueRange,
    Readings,
    Rsi,
    rsi_values,
)

PRICES = st.floats(min_value=0.05, max_value=200_000, allow_nan=False, allow_infinity=False)


def ema_of(length: int, values: list[float]) -> float | None:
    ema = Ema(length)
    for value in values:
        ema.push(value)
    return ema.value


def rsi_of(length: int, values: list[float]) -> float | None:
    rsi = Rsi(length)
    for value in values:
        rsi.push(value)
    return rsi.value


def batch(bars: list[Bar]) -> Readings:
    return IndicatorCache().readings("INFY", bars)


def test_an_average_starts_at_its_first_value_and_moves_by_its_factor() -> None:
    # Factor 2/4: 10, then 10 + (20 - 10)/2 = 15, then 15 + (11 - 15)/2 = 13, then 13 + (17 - 13)/2 = 15.
    assert ema_of(3, [10, 20, 11]) == 13
    assert ema_of(3, [10, 20, 11, 17]) == 15


def test_an_average_is_given_out_from_its_length_on() -> None:
    assert ema_of(3, [10, 20]) is None
    assert ema_of(3, [10, 20, 11]) is not None


def test_the_rsi_starts_with_plain_means_and_goes_on_with_wilders() -> None:
    # Length 3. Changes +2, -1, +4: gain 6/3 = 2, loss 1/3, so 100 x 2 / (2 + 1/3) = 600/7.
    assert rsi_of(3, [10, 12, 11, 15]) == pytest.approx(600 / 7)
    # Then -3: gain 2 x 2/3 = 4/3, loss (2 x 1/3 + 3)/3 = 11/9, so 100 x 12/9 / (12/9 + 11/9) = 1200/23.
    assert rsi_of(3, [10, 12, 11, 15, 12]) == pytest.approx(1200 / 23)


def test_the_rsi_needs_one_value_more_than_its_length() -> None:
    assert rsi_of(10, [100.0] * 10) is None
    assert rsi_of(10, [100.0] * 11) is not None


def test_the_rsi_is_100_when_prices_only_rose_and_0_when_they_only_fell() -> None:
    rising = [100.0 + i for i in range(30)]
    assert rsi_of(10, rising) == 100
    assert rsi_of(10, rising[::-1]) == 0


def test_the_rsi_of_prices_that_never_moved_is_50() -> None:
    assert rsi_of(10, [7.5] * 40) == 50


def test_the_true_range_reaches_to_the_close_before_it() -> None:
    # Ranges: inside 6; gap up 121 - 104 = 17; gap down 118 - 100 = 18. Their plain mean is 41/3.
    ranges = MeanTrueRange(3)
    for high, low, close in ((106, 98, 102), (107, 101, 104), (121, 115, 118), (110, 100, 105)):
        ranges.push(high, low, close)
    assert ranges.value == pytest.approx(41 / 3)


def test_the_mean_true_range_forgets_what_is_older_than_its_length() -> None:
    ranges = MeanTrueRange(2)
    ranges.push(10, 10, 10)
    ranges.push(1_000, 10, 10)
    ranges.push(12, 10, 10)
    ranges.push(14, 10, 10)
    assert ranges.value == 3


def test_a_mean_is_that_of_the_last_values_only() -> None:
    mean = MeanOfLast(2)
    mean.push(100)
    assert mean.value is None
    mean.push(2)
    mean.push(4)
    assert mean.value == 3


def test_each_reading_is_there_from_its_own_bar_on() -> None:
    bars = bars_of([100 + i % 7 for i in range(200)])

    def known(count: int) -> set[str]:
        readings = batch(bars[:count])
        names = ("ema_short", "rsi", "atr", "mean_volume", "ema_long")
        return {name for name in names if getattr(readings, name) is not None}

    assert known(8) == set()
    assert known(9) == {"ema_short"}
    assert known(11) == {"ema_short", "rsi"}
    assert known(15) == {"ema_short", "rsi", "atr"}
    assert known(20) == {"ema_short", "rsi", "atr", "mean_volume"}
    assert known(199) == {"ema_short", "rsi", "atr", "mean_volume"}
    assert known(200) == {"ema_short", "rsi", "atr", "mean_volume", "ema_long"}


def test_the_readings_of_a_constant_series_are_that_constant() -> None:
    readings = batch(bars_of([250] * 210))
    assert readings == Readings(bars=210, ema_long=250, ema_short=250, rsi=50, atr=0, mean_volume=1000)


def test_a_price_that_is_no_number_gives_no_reading() -> None:
    bars = bars_of([100] * 30)
    bars[20] = a_bar(bars[20].day, "NaN")
    readings = batch(bars)
    assert readings.ema_short is None
    assert readings.rsi is None


@given(st.lists(PRICES, min_size=11, max_size=60))
def test_the_rsi_stays_between_0_and_100(closes: list[float]) -> None:
    value = rsi_of(10, closes)
    assert value is not None
    assert 0 <= value <= 100


@given(st.lists(PRICES, min_size=9, max_size=60))
def test_an_average_stays_within_the_prices_it_was_made_from(closes: list[float]) -> None:
    value = ema_of(9, closes)
    assert value is not None
    assert min(closes) * (1 - 1e-9) <= value <= max(closes) * (1 + 1e-9)


@given(st.lists(PRICES, min_size=1, max_size=40, unique=True))
def test_the_average_of_rising_prices_stays_below_the_newest(closes: list[float]) -> None:
    rising = sorted(closes)
    value = ema_of(1 + len(rising) // 2, rising)
    assert value is not None
    assert value <= rising[-1] * (1 + 1e-9)


@given(st.lists(st.decimals(1, 5_000, places=2), min_size=1, max_size=60), st.data())
def test_day_by_day_and_all_at_once_give_the_same_floats(closes: list[Decimal], data: st.DataObject) -> None:
    bars = bars_of([str(close) for close in closes])
    stops = sorted(data.draw(st.sets(st.integers(1, len(bars)), max_size=8)) | {len(bars)})
    cache = IndicatorCache()
    carried = [cache.readings("INFY", bars[:stop]) for stop in stops]
    assert carried == [batch(bars[:stop]) for stop in stops]


def test_asking_again_for_the_same_day_changes_nothing() -> None:
    bars = bars_of([100 + i % 5 for i in range(40)])
    cache = IndicatorCache()
    assert cache.readings("INFY", bars) == cache.readings("INFY", bars)


def test_a_split_that_rebases_the_history_is_computed_anew() -> None:
    before = bars_of([1000 + i % 9 for i in range(30)])
    after = bars_of([(1000 + i % 9) / 2 for i in range(31)])
    cache = IndicatorCache()
    cache.readings("INFY", before)
    assert cache.readings("INFY", after) == batch(after)


def test_a_window_that_has_moved_on_is_computed_anew() -> None:
    bars = bars_of([100 + i % 9 for i in range(60)])
    cache = IndicatorCache()
    cache.readings("INFY", bars[:50])
    assert cache.readings("INFY", bars[1:51]) == batch(bars[1:51])


def test_a_bar_that_came_in_late_is_computed_anew() -> None:
    bars = bars_of([100 + i % 9 for i in range(40)])
    cache = IndicatorCache()
    cache.readings("INFY", bars[:20] + bars[21:39])
    assert cache.readings("INFY", bars) == batch(bars)


def test_an_earlier_day_is_computed_anew() -> None:
    bars = bars_of([100 + i % 9 for i in range(40)])
    cache = IndicatorCache()
    cache.readings("INFY", bars)
    assert cache.readings("INFY", bars[:25]) == batch(bars[:25])


def test_no_bars_give_no_readings() -> None:
    assert batch([]).bars == 0


def test_the_cache_drops_the_symbol_asked_for_longest_ago_at_its_bound() -> None:
    cache = IndicatorCache(symbols_max=2)
    bars = bars_of([100 + i % 9 for i in range(40)])
    for symbol in ("A", "B", "A", "C"):
        cache.readings(symbol, bars)
    assert len(cache) == 2
    assert cache.readings("B", bars) == batch(bars)


def test_only_new_bars_cost() -> None:
    class Counted(BarIndicators):
        pushed = 0

        def push(self, bar: Bar) -> None:
            Counted.pushed += 1
            super().push(bar)

    bars = bars_of([100] * 50)
    state = Counted()
    state.catch_up(bars[:49])
    state.catch_up(bars)
    assert Counted.pushed == 50


def test_the_series_of_rsi_values_ends_at_the_reading_of_the_day() -> None:
    bars = bars_of([100 + (i * 7) % 11 for i in range(40)])
    assert rsi_values([bar.close for bar in bars])[-1] == batch(bars).rsi
    assert rsi_values([bar.close for bar in bars])[:10] == [None] * 10


def test_bars_of_another_day_with_the_same_prices_are_not_taken_for_known_ones() -> None:
    cache = IndicatorCache()
    cache.readings("INFY", bars_of([100, 110] * 10))
    later = bars_of([100, 110] * 15, first=FIRST_DAY + timedelta(days=366))
    assert later[0].day == date(2025, 1, 1)
    assert cache.readings("INFY", later) == batch(later)
