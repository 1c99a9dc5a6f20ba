"""How the configuration's name of a strategy becomes one, and what is said when it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.strategies.builders import FakeHistory, a_bar, a_position
from tradebot.domain.errors import TradebotError
from tradebot.strategies.csv_signals import CsvSignals
from tradebot.strategies.dip import Dip
from tradebot.strategies.generator import Generator
from tradebot.strategies.loading import StrategyNotLoaded, load_strategy

OWN = "tests.unit.strategies.own_strategies"
DAY = date(2026, 11, 23)


def refusal_of(name: str, parameters: Mapping[str, object] | None = None) -> str:
    with pytest.raises(StrategyNotLoaded) as caught:
        load_strategy(name, parameters or {})
    return str(caught.value)


def test_the_built_in_names_give_the_built_in_strategies(tmp_path: Path) -> None:
    assert isinstance(load_strategy("dip", {}), Dip)
    assert isinstance(load_strategy("csv", {"path": tmp_path / "signals.csv"}), CsvSignals)
    assert isinstance(load_strategy("generator", {"seed": 3, "signals_per_day": 20}), Generator)


def test_every_built_in_strategy_needs_no_parameter_and_bears_its_name() -> None:
    assert [load_strategy(name, {}).name for name in ("csv", "dip", "generator")] == [
        "csv",
        "dip",
        "generator",
    ]


def test_parameters_reach_the_strategy() -> None:
    strategy = load_strategy("generator", {"signals_per_day": 3})
    assert len(strategy.signals(DAY, FakeHistory([a_bar(date(2026, 11, 20))]), [])) == 3


def test_a_class_of_the_operators_own_is_loaded() -> None:
    strategy = load_strategy(f"{OWN}:Patient", {"price": Decimal(7), "label": "mine"})
    assert strategy.name == "mine"
    assert strategy.target(a_position(), DAY, FakeHistory()) == Decimal(7)


def test_a_class_that_takes_any_parameter_gets_them_all() -> None:
    strategy = load_strategy(f"{OWN}:TakesAnything", {"a": 1, "b": 2})
    assert strategy.target(a_position(), DAY, FakeHistory()) == Decimal(3)


def test_an_unknown_name_is_answered_with_the_nearest_and_all_allowed_ones() -> None:
    refusal = refusal_of("generater")
    assert "did you mean generator?" in refusal
    assert "csv, dip, generator, or package.module:Class" in refusal


@pytest.mark.parametrize("name", ["", "my.module", "my.module:", ":Class", "a b:C", "../x:C", "a:b:c"])
def test_what_is_no_name_at_all_is_refused(name: str) -> None:
    assert "package.module:Class" in refusal_of(name)


def test_a_module_that_is_not_there_is_named() -> None:
    assert "no module nowhere;" in refusal_of("nowhere.at_all:Class")
    assert "no module tests.unit.absent;" in refusal_of("tests.unit.absent:Class")


def test_a_module_whose_own_import_fails_is_told_apart_from_a_missing_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needs_more_7.py").write_text("import a_library_that_is_not_installed\n")
    (tmp_path / "cannot_be_read_7.py").write_text("def (\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "ModuleNotFoundError: No module named 'a_library" in refusal_of("needs_more_7:Any")
    assert "raises SyntaxError" in refusal_of("cannot_be_read_7:Any")


def test_a_class_that_is_not_there_is_answered_with_those_that_are() -> None:
    assert "Patient" in refusal_of(f"{OWN}:Patiente")
    assert "no class NOT_A_CLASS" in refusal_of(f"{OWN}:NOT_A_CLASS")


@pytest.mark.parametrize(
    ("own_class", "missing"),
    [("WithoutTarget", "target"), ("WithoutName", "name"), ("WithOtherArguments", "target")],
)
def test_a_class_that_is_no_strategy_is_told_what_it_lacks(own_class: str, missing: str) -> None:
    refusal = refusal_of(f"{OWN}:{own_class}")
    assert "is no strategy" in refusal
    assert f"it has no {missing}" in refusal


@pytest.mark.parametrize("name", ["builtins:dict", "builtins:object", "builtins:int"])
def test_a_class_from_anywhere_else_is_no_strategy(name: str) -> None:
    assert "is no strategy" in refusal_of(name)


def test_an_unknown_parameter_is_answered_with_those_it_takes() -> None:
    refusal = refusal_of("generator", {"per_day": 5})
    assert "per_day is no parameter" in refusal
    assert "seed, signals_per_day" in refusal
    assert "it takes none" in refusal_of("dip", {"rsi": 30})


def test_a_missing_parameter_is_named() -> None:
    assert "the parameter price is missing" in refusal_of(f"{OWN}:Patient")


def test_a_bad_value_is_answered_with_what_is_allowed() -> None:
    assert "whole number from 0 to 500" in refusal_of("generator", {"signals_per_day": 501})
    assert "whole number from 0 to" in refusal_of("generator", {"seed": "one"})
    assert "the path of a file" in refusal_of("csv", {"path": 5})
    assert "a price above 0" in refusal_of(f"{OWN}:Patient", {"price": Decimal(0)})


def test_a_class_that_fails_to_be_made_is_told_with_its_own_words() -> None:
    assert "OSError: no such model" in refusal_of(f"{OWN}:Unmakeable")


def test_a_refusal_is_one_of_our_own_errors() -> None:
    with pytest.raises(TradebotError):
        load_strategy("nothing", {})
