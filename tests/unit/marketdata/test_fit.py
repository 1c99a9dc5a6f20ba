"""Fitting: a market made with known numbers gives these numbers back, and the shipped ones are those of the data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from tests.unit.marketdata.builders import DAILY_FILE, MINUTE_FILE, a_bar, fitted_instruments, market, seeded, shared
from tradebot.adapters.marketdata.fit import fitted, main
from tradebot.adapters.marketdata.observations import observations
from tradebot.adapters.marketdata.parameters_toml import to_toml
from tradebot.adapters.marketdata.seeded_parameters import (
    SHIPPED,
    SeededParameters,
    Shape,
    load_parameters,
)
from tradebot.domain.quotes import Bar


@cache
def refitted() -> SeededParameters:
    """What fitting finds in a year of the seeded market."""
    return fitted(seeded_bars(), load_parameters().path)


def seeded_bars() -> Sequence[Bar]:
    days = market().calendar.trading_days_between(date(2024, 1, 1), date(2024, 12, 31))
    bars = (seeded(1).bar(symbol, day.day) for symbol in sorted(fitted_instruments()) for day in days)
    return [bar for bar in bars if bar is not None]


def test_fitting_finds_the_shapes_the_market_was_made_with() -> None:
    shipped = load_parameters()

    for name in ("gap", "range", "body", "volume"):
        made_with, found = getattr(shipped, name), getattr(refitted(), name)
        for probability in (0.5, 0.75, 0.9, 0.95):
            assert found.at(probability) == pytest.approx(made_with.at(probability), rel=0.12), (name, probability)


def test_fitting_finds_the_dependence_the_market_was_made_with() -> None:
    made_with, found = load_parameters().dependence, refitted().dependence

    for name in ("gap_market", "body_market", "gap_body", "gap_range", "body_range", "range_volume"):
        assert getattr(found, name) == pytest.approx(getattr(made_with, name), abs=0.08), name
    assert found.range_memory_market.persistent > 0.3
    assert found.range_memory_market.decay > 0.8


def test_fitting_finds_quiet_short_sessions_and_the_symbols_own_figures() -> None:
    made_with, found = load_parameters(), refitted()

    assert found.short_session_volume == pytest.approx(made_with.short_session_volume, rel=0.3)
    assert found.short_session_range == pytest.approx(made_with.short_session_range, rel=0.25)
    for symbol, figures in made_with.symbols.items():
        assert found.symbols[symbol].range_pct == pytest.approx(figures.range_pct, rel=0.3)


def test_what_is_written_is_read_back_the_same(tmp_path: Path) -> None:
    path = tmp_path / "parameters.toml"
    path.write_text(to_toml(refitted()), encoding="utf-8")

    assert load_parameters(path) == refitted()


def test_the_shipped_parameters_are_those_of_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(shared(DAILY_FILE)), str(shared(MINUTE_FILE))]

    assert main(arguments) == 0

    assert capsys.readouterr().out == SHIPPED.read_text(encoding="utf-8")


def test_a_wrong_call_says_how_to_call_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2

    assert "fit DAILY [MINUTES]" in capsys.readouterr().err


def test_a_split_is_left_out_and_volumes_are_compared_on_one_side_of_it() -> None:
    before = [a_bar(day=date(2025, 3, day), volume=100) for day in (3, 4)]
    split = a_bar(day=date(2025, 3, 5), open="10", high="11", low="9", close="10", volume=1000)
    after = a_bar(day=date(2025, 3, 6), open="10", high="11", low="9", close="10", previous_close="10", volume=1000)

    found = observations([*before, split, after])

    assert [one.day.day for one in found] == [3, 4, 6]
    assert {one.volume for one in found} == {1.0}


def test_a_shape_is_straight_between_its_quantiles() -> None:
    shape = Shape(probabilities=(0.0, 0.5, 1.0), quantiles=(1.0, 2.0, 10.0))

    assert [shape.at(probability) for probability in (0.0, 0.25, 0.5, 0.75, 1.0)] == [1.0, 1.5, 2.0, 6.0, 10.0]
    assert shape.of_score(0) == 2.0
    assert shape.of_signed_score(-8) == pytest.approx(-10.0)


def test_first_prices_are_rounded_to_two_figures() -> None:
    assert all(figures.price == Decimal(f"{figures.price:.1e}") for figures in load_parameters().symbols.values())
