"""Tapes over files: what was recorded, the tick of the day, and symbols that an undeclared jump keeps out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.unit.marketdata.builders import MONDAY, SHAPE, a_bar, a_bonus, a_tape, at, flat_bars, market, weekdays
from tradebot.adapters.marketdata.bar_series import BarSeries
from tradebot.adapters.marketdata.minute_files import MinuteBar
from tradebot.adapters.marketdata.tape import PATHS_MAX, RecordedTape, daily_tape, minute_tape, month_tick, tick_tape
from tradebot.adapters.marketdata.tick_files import TickDay
from tradebot.domain.market_rules import on_tick
from tradebot.domain.quotes import Print

TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (MONDAY + timedelta(days=number) for number in range(1, 5))


def a_minute(clock: str, prices: str, volume: int = 40, symbol: str = "INFY", day: date = MONDAY) -> MinuteBar:
    open_, high, low, close = (Decimal(price) for price in prices.split())
    return MinuteBar(symbol=symbol, at=at(f"{day} {clock}"), open=open_, high=high, low=low, close=close, volume=volume)


def test_a_tape_knows_its_bars_days_and_symbols() -> None:
    tape = a_tape([a_bar("INFY", MONDAY), a_bar("INFY", WEDNESDAY), a_bar("TCS", WEDNESDAY)])

    assert tape.symbols(MONDAY) == {"INFY"}
    assert tape.symbols(TUESDAY) == frozenset()
    assert tape.symbols(WEDNESDAY) == {"INFY", "TCS"}
    assert tape.bar("INFY", TUESDAY) is None
    assert tape.bar("NOSUCH", MONDAY) is None
    assert (tape.first_day, tape.last_day, tape.all_symbols()) == (MONDAY, WEDNESDAY, ["INFY", "TCS"])


def test_the_last_bar_is_the_newest_one_before_the_day() -> None:
    monday, wednesday = a_bar(day=MONDAY), a_bar(day=WEDNESDAY)
    tape = a_tape([monday, wednesday])

    assert [tape.last_bar("INFY", day) for day in (MONDAY, TUESDAY, WEDNESDAY, THURSDAY)] == [
        None,
        monday,
        monday,
        wednesday,
    ]
    assert tape.last_bar("NOSUCH", FRIDAY) is None


def test_bars_of_a_symbol_must_come_in_order_of_day() -> None:
    with pytest.raises(ValueError, match="INFY 2025-03-03 is not after 2025-03-04"):
        a_tape([a_bar(day=TUESDAY), a_bar(day=MONDAY)])


def test_prints_of_a_daily_tape_stand_on_the_tick_of_the_month() -> None:
    before = a_bar("TCS", date(2025, 4, 30), open="5100", high="5200", low="4900", close="5100")
    today = a_bar("TCS", date(2025, 5, 2), open="4900.5", high="4990", low="4850.5", close="4950", volume=10**7)

    prints = a_tape([before, today]).prints("TCS", date(2025, 5, 2))

    assert len(prints) > 300
    assert all(on_tick(one.price, Decimal("0.5")) for one in prints)


def test_the_tick_follows_the_last_close_of_the_month_before_not_the_price_of_the_day() -> None:
    series = BarSeries([a_bar(day=date(2025, 4, 30), close="100.5"), a_bar(day=date(2025, 5, 2), close="99")])
    rules, infy = market().rules, market().instruments["INFY"]
    cheap = BarSeries([a_bar(day=date(2025, 5, 2), previous_close="90")])

    assert month_tick(rules, infy, date(2025, 5, 30), series) == Decimal("0.01")
    assert month_tick(rules, infy, date(2025, 5, 30), cheap) == Decimal("0.01")
    assert month_tick(rules, market().instruments["NIFTYBEES"], date(2025, 5, 30), series) == Decimal("0.01")
    with pytest.raises(LookupError, match="INFY"):
        month_tick(rules, infy, date(2025, 5, 30), BarSeries())


def test_a_day_with_two_windows_is_printed_in_both() -> None:
    saturday = date(2024, 3, 2)
    trading_day = market().calendar.trading_day(saturday)
    assert trading_day is not None
    windows = trading_day.derivatives.continuous

    prints = a_tape([a_bar(day=saturday, volume=10**6)]).prints("INFY", saturday)

    assert len(windows) == 2
    assert [any(window.contains(one.at) for one in prints) for window in windows] == [True, True]
    assert all(any(window.contains(one.at) for window in windows) for one in prints)


def test_there_are_no_prints_without_a_session() -> None:
    tape = a_tape([a_bar()])

    assert tape.prints("INFY", TUESDAY) == ()
    assert tape.prints("NOSUCH", MONDAY) == ()


def test_a_path_that_fell_out_of_the_cache_is_made_again_the_same() -> None:
    days = weekdays(date(2024, 4, 1), PATHS_MAX + 40)
    tape = a_tape([a_bar(day=day) for day in days if market().calendar.is_trading_day(day)])

    first = tape.prints("INFY", tape.first_day)
    for day in days:
        tape.prints("INFY", day)

    again = tape.prints("INFY", tape.first_day)
    assert again == first
    assert again is not first


@pytest.mark.parametrize(("today", "is_out"), [("120", False), ("120.1", True), ("80", False), ("79.9", True)])
def test_a_jump_of_more_than_twenty_per_cent_keeps_a_symbol_out(today: str, is_out: bool) -> None:
    tape = a_tape(flat_bars({MONDAY: "100", TUESDAY: today}))

    assert (tape.problems("INFY", TUESDAY) is not None) == is_out


def test_a_halted_symbol_is_named_with_day_and_size_from_that_day_on() -> None:
    tape = a_tape(flat_bars({MONDAY: "100", TUESDAY: "50", WEDNESDAY: "50", THURSDAY: "50"}))

    assert tape.problems("INFY", MONDAY) is None
    for day in (TUESDAY, WEDNESDAY, FRIDAY):
        problem = tape.problems("INFY", day)
        assert problem is not None
        assert all(word in problem for word in ("INFY", "2025-03-04", "-50.0 %"))
    assert tape.problems("TCS", FRIDAY) is None


def test_a_declared_bonus_is_no_jump_also_when_the_symbol_missed_its_ex_date() -> None:
    bars = flat_bars({MONDAY: "100", WEDNESDAY: "50"})

    assert a_tape(bars, [a_bonus(WEDNESDAY)]).problems("INFY", FRIDAY) is None
    assert a_tape(bars, [a_bonus(TUESDAY)]).problems("INFY", FRIDAY) is None
    assert a_tape(bars, [a_bonus(MONDAY)]).problems("INFY", FRIDAY) is not None
    assert a_tape(bars, [a_bonus(WEDNESDAY, "TCS")]).problems("INFY", FRIDAY) is not None


def test_an_action_that_the_prices_do_not_show_is_a_jump_too() -> None:
    tape = a_tape(flat_bars({MONDAY: "100", TUESDAY: "100"}), [a_bonus(TUESDAY)])

    assert tape.problems("INFY", TUESDAY) is not None


def test_the_first_bar_is_held_against_the_previous_close_it_states() -> None:
    assert a_tape([a_bar(previous_close="100")]).problems("INFY", MONDAY) is None
    assert a_tape([a_bar(previous_close="200")]).problems("INFY", MONDAY) is not None


def test_a_minute_tape_prints_every_price_of_its_minutes() -> None:
    minutes = (a_minute("09:15", "100 103 99 102", 41), a_minute("09:17", "102 104 101 103", 7))
    tape = minute_tape({("INFY", MONDAY): minutes}, seed=1, actions=())

    prints = tape.prints("INFY", MONDAY)
    bar = tape.bar("INFY", MONDAY)

    assert bar is not None
    assert [bar.open, bar.high, bar.low, bar.close] == [Decimal(price) for price in (100, 104, 99, 103)]
    assert bar.volume == 48
    assert [sorted(one.price for one in prints[start : start + 4]) for start in (0, 4)] == [
        [99, 100, 102, 103],
        [101, 102, 103, 104],
    ]
    assert [prints[index].price for index in (0, 3, -1)] == [Decimal(price) for price in (100, 102, 103)]
    assert [one.at for one in prints] == sorted(one.at for one in prints)
    assert [sum(one.quantity for one in prints[start : start + 4]) for start in (0, 4)] == [41, 7]


def test_which_extreme_of_a_minute_comes_first_is_seeded() -> None:
    minutes = tuple(a_minute(f"10:{number:02}", "100 101 99 100") for number in range(60))

    def order(seed: int) -> Sequence[Decimal]:
        prints = minute_tape({("INFY", MONDAY): minutes}, seed=seed, actions=()).prints("INFY", MONDAY)
        return [one.price for one in prints[1::4]]

    assert order(1) == order(1) != order(2)
    assert set(order(1)) == {Decimal(99), Decimal(101)}


def test_a_recorded_day_without_one_before_takes_its_open_for_the_previous_close() -> None:
    days: Mapping[tuple[str, date], Sequence[MinuteBar]] = {
        ("INFY", MONDAY): (a_minute("09:15", "100 103 99 102"),),
        ("INFY", TUESDAY): (a_minute("09:15", "101 103 99 101", day=TUESDAY),),
        ("TCS", TUESDAY): (a_minute("09:15", "50 51 49 50", symbol="TCS", day=TUESDAY),),
    }
    tape = minute_tape(days, seed=1, actions=())

    found = [tape.bar(symbol, day) for symbol, day in days]

    assert [bar.previous_close for bar in found if bar] == [100, 102, 50]


def test_a_tick_tape_prints_the_ticks_as_they_came() -> None:
    prints = (
        Print(at=at("2025-03-03 09:20:13"), price=Decimal("100.05"), quantity=1),
        Print(at=at("2025-03-03 09:20:15"), price=Decimal("99.95"), quantity=40),
    )
    tape = tick_tape({("INFY", MONDAY): TickDay(symbol="INFY", prints=prints, volume=900)}, actions=())

    bar = tape.bar("INFY", MONDAY)

    assert tape.prints("INFY", MONDAY) == prints
    assert bar is not None
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (
        Decimal("100.05"),
        Decimal("100.05"),
        Decimal("99.95"),
        Decimal("99.95"),
        900,
    )


def test_a_daily_tape_of_another_seed_has_the_same_bars_and_other_paths() -> None:
    def tape(seed: int) -> RecordedTape:
        facts = market()
        return daily_tape(
            [a_bar(volume=10**6)],
            seed=seed,
            shape=SHAPE,
            calendar=facts.calendar,
            rules=facts.rules,
            actions=(),
            instruments=facts.instruments,
        )

    assert tape(1).bar("INFY", MONDAY) == tape(2).bar("INFY", MONDAY)
    assert tape(1).prints("INFY", MONDAY) != tape(2).prints("INFY", MONDAY)
