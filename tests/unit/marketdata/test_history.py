"""History: the last bars before a day, in the prices of that day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.marketdata.builders import MONDAY, a_bonus, a_tape, flat_bars, weekdays
from tradebot.adapters.marketdata.history import TapeHistory
from tradebot.adapters.marketdata.tape import ListedTape
from tradebot.domain.corporate_actions import CorporateAction
from tradebot.domain.quotes import Bar, Print

TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (MONDAY + timedelta(days=number) for number in range(1, 5))
HALVED = flat_bars({MONDAY: "101.01", TUESDAY: "100", WEDNESDAY: "50", THURSDAY: "51"}, volume=1001)


class CountingTape:
    """A tape that counts how often it is asked for a bar."""

    def __init__(self, tape: ListedTape) -> None:
        self._tape = tape
        self.asked = 0

    @property
    def first_day(self) -> date:
        return self._tape.first_day

    @property
    def last_day(self) -> date:
        return self._tape.last_day

    @property
    def actions(self) -> Sequence[CorporateAction]:
        return self._tape.actions

    def all_symbols(self) -> Sequence[str]:
        return self._tape.all_symbols()

    def symbols(self, day: date) -> frozenset[str]:
        return self._tape.symbols(day)

    def bar(self, symbol: str, day: date) -> Bar | None:
        return self._tape.bar(symbol, day)

    def last_bar(self, symbol: str, before: date) -> Bar | None:
        self.asked += 1
        return self._tape.last_bar(symbol, before)

    def prints(self, symbol: str, day: date) -> Sequence[Print]:
        return self._tape.prints(symbol, day)

    def problems(self, symbol: str, day: date) -> str | None:
        return self._tape.problems(symbol, day)


def closes(history: TapeHistory, as_of: date, count: int = 10) -> Sequence[str]:
    return [str(bar.close) for bar in history.bars("INFY", as_of, count)]


def test_bars_end_before_the_day_and_are_at_most_as_many_as_asked_for() -> None:
    history = TapeHistory(a_tape(flat_bars({MONDAY: "100", TUESDAY: "101", WEDNESDAY: "102"})))

    assert closes(history, WEDNESDAY) == ["100", "101"]
    assert closes(history, FRIDAY, count=2) == ["101", "102"]
    assert closes(history, MONDAY) == []
    assert closes(history, FRIDAY, count=0) == []
    assert list(history.bars("NOSUCH", FRIDAY, 5)) == []


def test_prices_and_volume_are_adjusted_from_the_morning_of_the_ex_date() -> None:
    history = TapeHistory(a_tape(HALVED, [a_bonus(WEDNESDAY)]))

    assert closes(history, WEDNESDAY) == ["50.51", "50.00"]
    assert [bar.volume for bar in history.bars("INFY", THURSDAY, 3)] == [2002, 2002, 1001]


def test_prices_are_not_adjusted_before_the_ex_date() -> None:
    history = TapeHistory(a_tape(HALVED, [a_bonus(WEDNESDAY)]))

    assert closes(history, TUESDAY) == ["101.01"]
    assert history.bars("INFY", TUESDAY, 1)[0].volume == 1001


def test_the_previous_close_of_the_ex_date_is_in_new_shares() -> None:
    history = TapeHistory(a_tape(HALVED, [a_bonus(WEDNESDAY)]))

    adjusted = history.bars("INFY", FRIDAY, 2)

    assert [bar.previous_close for bar in adjusted] == [Decimal(50), Decimal(50)]


def test_several_actions_multiply() -> None:
    bars = flat_bars({MONDAY: "100", TUESDAY: "50", WEDNESDAY: "10"})
    history = TapeHistory(a_tape(bars, [a_bonus(TUESDAY), a_bonus(WEDNESDAY, of=4)]))

    assert {bar.close for bar in history.bars("INFY", THURSDAY, 3)} == {Decimal(10)}


def test_another_symbol_s_action_changes_nothing() -> None:
    history = TapeHistory(a_tape(flat_bars({MONDAY: "100", TUESDAY: "101"}), [a_bonus(TUESDAY, "TCS")]))

    assert closes(history, WEDNESDAY) == ["100", "101"]


@settings(max_examples=30)
@given(questions=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 45)), min_size=1, max_size=15))
def test_the_order_of_questions_does_not_matter(questions: list[tuple[int, int]]) -> None:
    days = weekdays(MONDAY, 40)
    bars = flat_bars({day: "100" if index < 20 else "50" for index, day in enumerate(days)})
    tape = a_tape(bars, [a_bonus(days[20])])
    history = TapeHistory(tape)

    for offset, count in questions:
        as_of = (days[0] + timedelta(days=offset)) if offset < 40 else days[-1]
        assert list(history.bars("INFY", as_of, count)) == list(TapeHistory(tape).bars("INFY", as_of, count))


def test_the_next_day_costs_a_constant_number_of_questions_to_the_tape() -> None:
    days = weekdays(MONDAY, 300)
    tape = CountingTape(a_tape(flat_bars(dict.fromkeys(days, "100"))))
    history = TapeHistory(tape)
    history.bars("INFY", days[250], 200)

    tape.asked = 0
    for day in days[251:]:
        history.bars("INFY", day, 200)

    assert tape.asked <= 2 * len(days[251:])


def test_a_jump_is_known_on_the_day_after_it() -> None:
    history = TapeHistory(a_tape(HALVED))

    assert history.halted(WEDNESDAY) == {}
    assert list(history.halted(THURSDAY)) == ["INFY"]
    assert "2025-03-05" in history.halted(FRIDAY)["INFY"]


def test_symbols_are_those_of_the_tape() -> None:
    bars = [*flat_bars({MONDAY: "100"}, "TCS"), *flat_bars({MONDAY: "100"}, "INFY")]

    assert TapeHistory(a_tape(bars)).symbols() == ["INFY", "TCS"]
