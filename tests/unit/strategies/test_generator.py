"""What the generator promises to those who load the daemon with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.strategies.builders import FakeHistory, a_bar, a_position, bars_of, day_after
from tests.unit.strategies.nse_daily import nse_history
from tradebot.domain.orders import EntryType, Side
from tradebot.domain.quotes import Bar
from tradebot.domain.signals import Signal
from tradebot.strategies.generator import Generator

DAY = date(2026, 11, 23)


def a_history(
    symbols: Sequence[str] = ("IDEA", "INFY", "MRF"), closes: Sequence[str] = ("6.53", "1500", "100450")
) -> FakeHistory:
    eve = DAY - timedelta(days=1)
    return FakeHistory(*([a_bar(eve, close, symbol=symbol)] for symbol, close in zip(symbols, closes, strict=True)))


def a_day(seed: int = 1, signals_per_day: int = 500, day: date = DAY) -> Sequence[Signal]:
    return Generator(seed=seed, signals_per_day=signals_per_day).signals(day, a_history(), [])


def distance_pct(signal: Signal) -> Decimal:
    assert signal.limit_price is not None
    return (signal.limit_price / signal.reference_close - 1) * 100


@pytest.mark.parametrize("wanted", [0, 1, 10, 500])
def test_a_day_has_as_many_signals_as_wanted(wanted: int) -> None:
    signals = a_day(signals_per_day=wanted)
    assert [signal.id for signal in signals] == [f"gen:{DAY}:{n}" for n in range(1, wanted + 1)]


def test_the_same_seed_and_day_give_the_same_signals_whatever_is_held() -> None:
    generator = Generator(seed=7, signals_per_day=50)
    first = generator.signals(DAY, a_history(), [])
    generator.signals(DAY + timedelta(days=1), a_history(), [])
    assert generator.signals(DAY, a_history(), [a_position()]) == first
    assert Generator(seed=7, signals_per_day=50).signals(DAY, a_history(), []) == first


def test_a_smaller_day_is_the_beginning_of_a_larger_one() -> None:
    assert list(a_day(signals_per_day=5)) == list(a_day(signals_per_day=500))[:5]


def test_another_seed_and_another_day_give_other_signals() -> None:
    def drawn(signals: Sequence[Signal]) -> Sequence[object]:
        return [(signal.symbol, signal.limit_price, signal.quantity) for signal in signals]

    assert drawn(a_day(seed=1)) != drawn(a_day(seed=2))
    assert drawn(a_day()) != drawn(a_day(day=DAY + timedelta(days=1)))


def test_every_symbol_gets_its_share() -> None:
    counts = Counter(signal.symbol for signal in a_day())
    assert set(counts) == {"IDEA", "INFY", "MRF"}
    assert min(counts.values()) > 500 / 3 * 0.75


def test_limits_stand_above_the_market_below_it_and_out_of_reach() -> None:
    signals = [signal for signal in a_day() if signal.symbol == "INFY"]
    kinds = Counter(
        "none"
        if signal.limit_price is None
        else "open"
        if distance_pct(signal) > 0
        else "later"
        if distance_pct(signal) > -2
        else "never"
        for signal in signals
    )
    share = {kind: count / len(signals) for kind, count in kinds.items()}
    assert share["open"] == pytest.approx(0.40, abs=0.12)
    assert share["later"] == pytest.approx(0.35, abs=0.12)
    assert share["never"] == pytest.approx(0.15, abs=0.10)
    assert share["none"] == pytest.approx(0.10, abs=0.09)


def test_prices_are_positive_whole_paise_and_inside_the_daily_band() -> None:
    for signal in a_day():
        if signal.limit_price is not None:
            assert signal.limit_price.as_tuple().exponent == -2
            assert abs(distance_pct(signal)) < 10
        assert Decimal(signal.metadata["target"]).as_tuple().exponent == -2
        assert Decimal(signal.metadata["target"]) > 0


def test_a_share_of_one_paisa_still_gets_a_price() -> None:
    history = a_history(("PENNY",), ("0.01",))
    signals = Generator(signals_per_day=100).signals(DAY, history, [])
    assert {signal.limit_price for signal in signals} <= {None, Decimal("0.01")}


def test_sizes_are_small_and_some_are_left_to_the_capital_per_trade() -> None:
    signals = a_day()
    sized = [signal for signal in signals if signal.quantity is not None]
    assert 0 < len(sized) < len(signals)
    for signal in sized:
        assert signal.quantity is not None
        assert signal.quantity >= 1
        assert signal.quantity == 1 or signal.quantity * signal.reference_close <= 50_000


def test_a_second_signal_for_a_symbol_on_a_day_is_a_re_entry() -> None:
    seen: set[str] = set()
    for signal in a_day():
        assert signal.side is Side.BUY
        if signal.symbol in seen:
            assert signal.entry_type is EntryType.REENTRY
        seen.add(signal.symbol)
    firsts = [a_day(signals_per_day=1, seed=seed)[0].entry_type for seed in range(40)]
    assert set(firsts) == {EntryType.INITIAL, EntryType.REENTRY}


def test_symbols_that_are_halted_or_did_not_trade_are_not_drawn() -> None:
    eve = DAY - timedelta(days=1)
    history = FakeHistory(
        [a_bar(eve, 100, symbol="GOOD")],
        [a_bar(eve, 100, symbol="HALTED")],
        [a_bar(eve - timedelta(days=3), 100, symbol="STALE")],
        halted={"HALTED": "fell 50 %"},
    )
    signals = Generator(signals_per_day=100).signals(DAY, history, [])
    assert {signal.symbol for signal in signals} == {"GOOD"}


def test_without_prices_there_are_no_signals() -> None:
    assert not Generator().signals(DAY, FakeHistory(), [])


def test_the_target_lies_the_positions_own_per_cent_above_its_average_price() -> None:
    bars = bars_of([100, 101, 102])
    position = a_position(first_fill=bars[-1].day, average="200", metadata={"target_pct": "1.5", "holding_days": "2"})
    assert Generator().target(position, day_after(bars), FakeHistory(bars)) == Decimal("203.00")


def test_what_was_held_long_enough_is_offered_below_the_market() -> None:
    bars = bars_of([100] * 10)
    metadata = {"target_pct": "1.0", "holding_days": "2"}

    def target(days_ago: int) -> Decimal | None:
        position = a_position(first_fill=bars[-days_ago].day, average="100", metadata=metadata)
        return Generator().target(position, day_after(bars), FakeHistory(bars))

    assert [target(days_ago) for days_ago in (1, 2, 3, 9)] == [
        Decimal("101.00"),
        Decimal("101.00"),
        Decimal("98.00"),
        Decimal("98.00"),
    ]


def test_a_position_that_came_another_way_has_a_target_too() -> None:
    bars = bars_of([100])
    plain = a_position(first_fill=day_after(bars), average="100")
    odd = a_position(first_fill=day_after(bars), average="100", metadata={"target_pct": "soon"})
    nan = a_position(first_fill=day_after(bars), average="100", metadata={"target_pct": "NaN"})
    for position in (plain, odd, nan):
        assert Generator().target(position, day_after(bars), FakeHistory(bars)) == Decimal("101.50")


def test_a_closed_position_and_a_halted_symbol_have_no_target() -> None:
    bars = bars_of([100])
    halted = FakeHistory(bars, halted={"INFY": "fell 50 %"})
    assert Generator().target(a_position(quantity=0), day_after(bars), FakeHistory(bars)) is None
    assert Generator().target(a_position(), day_after(bars), halted) is None


@pytest.mark.parametrize("wanted", [-1, 501, True, 2.5, "10"])
def test_a_number_of_signals_out_of_bounds_is_refused_with_what_is_allowed(wanted: object) -> None:
    with pytest.raises(ValueError, match=r"signals_per_day .* whole number from 0 to 500"):
        Generator(signals_per_day=wanted)  # type: ignore[arg-type]


@given(seed=st.integers(0, 2**63 - 1), day=st.dates())
def test_any_seed_and_day_give_sound_signals(seed: int, day: date) -> None:
    history = FakeHistory([a_bar(date.min, "1234.55")]) if day > date.min else FakeHistory()
    for signal in Generator(seed=seed, signals_per_day=5).signals(day, history, []):
        assert signal.limit_price is None or signal.limit_price > 0
        assert signal.quantity is None or signal.quantity >= 1
        assert signal.trading_day == day


def test_on_two_years_of_nse_prices_limits_fill_at_the_open_later_or_never() -> None:
    history, generator = nse_history(adjusted=True), Generator(signals_per_day=20)
    kinds: Counter[str] = Counter()
    targets_reached = 0
    for day in history.days()[1:]:
        for signal in generator.signals(day, history, []):
            bar = history.bars(signal.symbol, day + timedelta(days=1), 1)[-1]
            if signal.limit_price is None or bar.day != day:
                continue
            kind = _kind_of_fill(signal.limit_price, bar)
            kinds[kind] += 1
            targets_reached += kind != "never" and Decimal(signal.metadata["target"]) <= bar.high
    share = {kind: count / kinds.total() for kind, count in kinds.items()}
    assert 0.35 < share["open"] < 0.50
    assert 0.15 < share["later"] < 0.30
    assert 0.25 < share["never"] < 0.45
    assert 0.25 < targets_reached / (kinds["open"] + kinds["later"]) < 0.55


def _kind_of_fill(limit: Decimal, bar: Bar) -> str:
    if limit >= bar.open:
        return "open"
    return "later" if limit >= bar.low else "never"
