"""When the dip strategy buys, buys again and sells."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from math import sin

import pytest

from tests.unit.strategies.builders import FakeHistory, a_bar, a_position, bars_of, day_after
from tests.unit.strategies.nse_daily import nse_history
from tradebot.domain.orders import EntryType, Side
from tradebot.domain.quotes import Bar
from tradebot.domain.signals import Signal
from tradebot.strategies.dip import WARM_UP_BARS, Dip
from tradebot.strategies.indicators import rsi_values

RISE = [100.0 + i for i in range(220)]


def signals_after(bars: Sequence[Bar], *held: object) -> Sequence[Signal]:
    return Dip().signals(day_after(bars), FakeHistory(bars), held)  # type: ignore[arg-type]


def rsi_after(closes: Sequence[float]) -> float:
    value = rsi_values([Decimal(str(close)) for close in closes])[-1]
    assert value is not None
    return value


def falling_to(closes: Sequence[float], rsi_below: float) -> list[float]:
    """The closes with one more, just low enough for the RSI to fall clearly below the value."""
    paise_max = int(closes[-1] * 100) - 1
    paise = bisect_left(
        range(paise_max),
        True,
        key=lambda fall: rsi_after([*closes, closes[-1] - fall / 100]) < rsi_below - 0.1,
    )
    return [*closes, round(closes[-1] - paise / 100, 2)]


def test_a_dip_in_a_rising_share_is_bought() -> None:
    bars = bars_of(falling_to(RISE, 30))
    (signal,) = signals_after(bars)
    assert signal.id == f"dip:INFY:{day_after(bars)}:initial"
    assert (signal.side, signal.entry_type, signal.strategy) == (Side.BUY, EntryType.INITIAL, "dip")
    assert signal.trading_day == day_after(bars)
    assert signal.reference_close == bars[-1].close
    assert signal.quantity is None
    assert signal.limit_price is None


def test_a_share_that_is_not_oversold_is_left_alone() -> None:
    closes = falling_to(RISE, 30)
    just_above = [*closes[:-1], closes[-1] + 0.4]
    assert rsi_after(just_above) >= 30
    assert signals_after(bars_of(just_above)) == []


def test_a_share_below_its_long_average_is_left_alone() -> None:
    bars = bars_of([1000 - i for i in range(220)])
    assert rsi_after([1000 - i for i in range(220)]) < 30
    assert signals_after(bars) == []


def test_a_close_at_the_long_average_is_left_alone() -> None:
    bars = bars_of([100] * 220)
    assert signals_after(bars) == []


def test_no_signal_comes_before_the_long_average_has_warmed_up() -> None:
    closes = falling_to(RISE[: WARM_UP_BARS - 1], 30)
    assert len(closes) == WARM_UP_BARS
    assert signals_after(bars_of(closes)) == []
    one_more = falling_to(RISE[:WARM_UP_BARS], 30)
    assert len(signals_after(bars_of(one_more))) == 1


def test_a_signal_carries_target_range_and_indicators_as_plain_numbers() -> None:
    (signal,) = signals_after(bars_of(falling_to(RISE, 30)))
    figures = {key: signal.metadata[key] for key in ("target", "atr", "rsi", "ema200", "mean_volume")}
    assert all(Decimal(text).is_finite() for text in figures.values())
    assert Decimal(figures["target"]).as_tuple().exponent == -2
    assert Decimal(figures["rsi"]) < 30
    assert Decimal(figures["ema200"]) < signal.reference_close
    assert signal.metadata["mean_volume"] == "1000.0000"


def test_the_range_is_the_plain_mean_of_the_last_fourteen_true_ranges() -> None:
    closes = falling_to(RISE, 30)
    bars = bars_of(closes)
    ranges = [abs(Decimal(str(a)) - Decimal(str(b))) for a, b in zip(closes[-15:-1], closes[-14:], strict=True)]
    (signal,) = signals_after(bars)
    assert Decimal(signal.metadata["atr"]) == (sum(ranges, Decimal(0)) / 14).quantize(Decimal("0.0001"))


def test_the_target_is_the_nine_day_average_of_the_closes() -> None:
    bars = bars_of([100] * 30 + [110])
    target = Dip().target(a_position(), day_after(bars), FakeHistory(bars))
    assert target == Decimal("102.00")


def test_the_target_knows_nothing_of_the_day_it_is_for() -> None:
    bars = bars_of([100] * 30 + [110])
    assert Dip().target(a_position(), bars[-1].day, FakeHistory(bars)) == Decimal("100.00")


def test_there_is_no_target_without_nine_bars() -> None:
    bars = bars_of([100] * 8)
    assert Dip().target(a_position(), day_after(bars), FakeHistory(bars)) is None


def test_a_halted_symbol_has_neither_signal_nor_target() -> None:
    bars = bars_of(falling_to(RISE, 30))
    history = FakeHistory(bars, halted={"INFY": "fell 50 % without a declared cause"})
    assert Dip().signals(day_after(bars), history, []) == []
    assert Dip().target(a_position(), day_after(bars), history) is None


def test_a_symbol_that_did_not_trade_on_the_last_session_gives_no_signal() -> None:
    dipped = bars_of(falling_to(RISE, 30))
    other = bars_of([100] * (len(dipped) + 1), symbol="TCS")
    history = FakeHistory(dipped, other)
    assert Dip().signals(day_after(other), history, []) == []
    assert [signal.symbol for signal in Dip().signals(other[-1].day, history, [])] == ["INFY"]


def test_a_price_that_is_no_number_gives_no_signal() -> None:
    bars = bars_of(falling_to(RISE, 30))
    bars[-3] = a_bar(bars[-3].day, "NaN")
    assert signals_after(bars) == []


def test_what_is_held_is_not_entered_again_at_the_first_level() -> None:
    bars = bars_of(falling_to(RISE, 30))
    assert signals_after(bars, a_position(first_fill=bars[-1].day)) == []


def test_a_closed_position_does_not_stand_in_the_way() -> None:
    bars = bars_of(falling_to(RISE, 30))
    assert len(signals_after(bars, a_position(quantity=0))) == 1


def test_a_held_share_is_bought_again_below_twenty() -> None:
    closes = falling_to(falling_to(RISE, 30), 20)
    bars = bars_of(closes)
    (signal,) = signals_after(bars, a_position(first_fill=bars[-1].day))
    assert signal.entry_type is EntryType.REENTRY
    assert signal.id == f"dip:INFY:{day_after(bars)}:reentry20"


def test_a_re_entry_needs_no_long_average() -> None:
    closes = falling_to(RISE[:40], 20)
    bars = bars_of(closes)
    assert len(signals_after(bars, a_position(first_fill=bars[-1].day))) == 1


def test_the_second_fall_below_twenty_is_not_bought() -> None:
    closes = falling_to(falling_to(RISE, 30), 20)
    filled = bars_of(closes)[-1].day
    recovered = [*closes, closes[-1] + 8]
    assert rsi_after(recovered) > 20
    again = bars_of(falling_to(recovered, 20))
    assert signals_after(again, a_position(first_fill=filled)) == []


def test_below_ten_is_bought_after_below_twenty() -> None:
    closes = falling_to(falling_to(RISE, 30), 20)
    filled = bars_of(closes)[-1].day
    deeper = bars_of(falling_to(closes, 10))
    (signal,) = signals_after(deeper, a_position(first_fill=filled))
    assert signal.id == f"dip:INFY:{day_after(deeper)}:reentry10"


def test_a_fall_through_both_levels_in_one_day_is_one_re_entry() -> None:
    closes = falling_to(RISE, 30)
    deep = bars_of(falling_to(closes, 10))
    filled = a_position(first_fill=deep[-1].day)
    (signal,) = signals_after(deep, filled)
    assert signal.id.endswith("reentry10")
    later = bars_of([*(float(bar.close) for bar in deep), float(deep[-1].close) - 1])
    assert signals_after(later, filled) == []


def test_a_low_before_the_first_fill_uses_up_no_level() -> None:
    closes = falling_to(RISE, 20)
    bars = bars_of([*closes, closes[-1] - 0.5])
    assert rsi_after([float(bar.close) for bar in bars]) < 20
    assert len(signals_after(bars, a_position(first_fill=bars[-1].day))) == 1
    assert signals_after(bars, a_position(first_fill=bars[-2].day)) == []


def test_a_fill_that_no_close_has_followed_yet_gives_no_re_entry() -> None:
    bars = bars_of(falling_to(RISE, 20))
    assert signals_after(bars, a_position(first_fill=day_after(bars))) == []


def test_of_two_positions_in_a_symbol_the_older_one_counts() -> None:
    closes = falling_to(RISE, 20)
    bars = bars_of([*closes, closes[-1] - 0.5])
    older, newer = a_position(first_fill=bars[-2].day), a_position(first_fill=bars[-1].day)
    assert signals_after(bars, newer, older) == signals_after(bars, older, newer) == []


def test_a_restart_on_any_evening_gives_the_same_signals() -> None:
    closes = [100 + i + 30 * sin(i / 9) for i in range(320)]
    bars = bars_of([round(close, 2) for close in closes])
    history, carried = FakeHistory(bars), Dip()
    held = [a_position(first_fill=bars[205].day)]
    evenings = [bar.day + timedelta(days=1) for bar in bars[200:]]
    for holding in ([], held):
        kept = [carried.signals(evening, history, holding) for evening in evenings]
        anew = [Dip().signals(evening, history, holding) for evening in evenings]
        assert kept == anew
        assert any(kept)


def signal_days(adjusted: bool) -> Sequence[tuple[date, str]]:
    """The day of the close that each signal of the two years was made from, with nothing ever held."""
    history, dip = nse_history(adjusted=adjusted), Dip()
    days = history.days()
    mornings = [*days[1:], days[-1] + timedelta(days=1)]
    found = [signal for morning in mornings for signal in dip.signals(morning, history, [])]
    return [(date.fromisoformat(signal.metadata["reference_day"]), signal.symbol) for signal in found]


@pytest.mark.parametrize(("adjusted", "signals", "days"), [(False, 68, 50), (True, 84, 61)])
def test_two_years_of_nse_prices_give_as_many_dips_as_they_should(adjusted: bool, signals: int, days: int) -> None:
    found = signal_days(adjusted)
    assert len(found) == signals
    assert len({day for day, _ in found}) == days
    assert min(found)[0] == date(2024, 10, 21)


def test_a_split_does_not_look_like_a_fall_below_the_long_average() -> None:
    found = signal_days(adjusted=True)
    assert (date(2025, 12, 9), "NESTLEIND") in found
    assert (date(2025, 12, 9), "NESTLEIND") not in signal_days(adjusted=False)
