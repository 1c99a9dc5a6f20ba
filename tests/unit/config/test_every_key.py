"""Every key of the delivered file is deleted, misspelt, given other types, units and magnitudes: nothing slips by."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

import pytest

from config.keys import Key
from config.kinds import in_file, plain
from config.loading import load_settings
from config.settings import KEYS
from tests.unit.config.homes import DELIVERED, a_home, place_of, problems_of, with_line, with_value
from tradebot.domain.policy import GuardMode

SINGLE = [key for key in KEYS if key.name != "strategies"]
EVERY_KEY = pytest.mark.parametrize("key", SINGLE, ids=lambda key: key.name)
# A tenth or the tenfold of the default that can be meant; docs/configuration.md names the same.
MEANT = {
    ("opening_cash", "10000000"),
    ("speed", "100"),
    ("seed", "10"),
    ("MAX_ORDER_NOTIONAL", "100000"),
    ("MAX_TRADES_PER_DAY", "12"),
    ("TRADE_TTL_MIN", "12"),
    ("TRADE_TTL_MIN", "1200"),
    ("HTTP_PORT", "800"),
}


@EVERY_KEY
def test_the_delivered_file_gives_every_key_at_its_default(key: Key, tmp_path: Path) -> None:
    settings = load_settings(a_home(tmp_path), {})

    assert settings.value(key.name) == key.default
    assert settings.origins[key.name] == place_of(key)


@EVERY_KEY
def test_a_key_that_is_deleted_takes_its_default_and_says_so(key: Key, tmp_path: Path) -> None:
    settings = load_settings(a_home(tmp_path, with_line(key, "")), {})

    assert settings.value(key.name) == key.default
    assert settings.origins[key.name] == "default"


@EVERY_KEY
def test_a_misspelt_key_is_refused_with_its_line_and_the_right_name(key: Key, tmp_path: Path) -> None:
    home, name = a_home(tmp_path), key.in_file
    for wrong in (name + name[-1], name[:-1], name.swapcase()):
        a_home(home, with_line(key, f"{wrong} = {in_file(key.default)}"))
        (problem,) = problems_of(home)
        assert (problem.place, problem.key) == (place_of(key), wrong)
        # Of a name with two letters one is too little to go by.
        assert key.in_file in problem.nearest or wrong == "t"


@EVERY_KEY
def test_another_type_is_refused_with_its_line_and_what_is_allowed(key: Key, tmp_path: Path) -> None:
    home = a_home(tmp_path)
    for value in _of_another_type(key):
        a_home(home, with_value(key, value))
        (problem,) = problems_of(home)
        assert (problem.place, problem.key) == (place_of(key), key.name), value
        assert key.allowed in problem.text
        assert problem.value == ("***" if key.is_secret else problem.value) != ""


@pytest.mark.parametrize("key", [key for key in SINGLE if not isinstance(key.default, str)], ids=lambda key: key.name)
def test_a_value_with_a_unit_in_its_text_is_refused(key: Key, tmp_path: Path) -> None:
    home = a_home(tmp_path)
    for unit in ("%", " bps", " min", " INR", "x", ",00"):
        a_home(home, with_value(key, f'"{plain(key.default)}{unit}"'))
        (problem,) = problems_of(home)
        assert (problem.place, problem.key) == (place_of(key), key.name)


NUMBERS = [key for key in SINGLE if isinstance(key.default, int | Decimal) and not isinstance(key.default, bool)]


@pytest.mark.parametrize("factor", ["0.1", "10"])
@pytest.mark.parametrize("key", [key for key in NUMBERS if key.default], ids=lambda key: key.name)
def test_a_digit_too_many_or_too_few_is_refused_unless_it_can_be_meant(key: Key, factor: str, tmp_path: Path) -> None:
    assert isinstance(key.default, int | Decimal)
    value = in_file(key.default * Decimal(factor))

    problems = problems_of(a_home(tmp_path, with_value(key, value)))

    if (key.name, value) in MEANT:
        assert problems == ()
    else:
        (problem,) = problems
        # Where a rule between two keys refuses it, the message names this one's line beside the other's.
        assert f"{place_of(key)}: {key.name} = {value}:" in str(problem) or (
            f"{key.name} is {value} ({place_of(key)})" in str(problem)
        )


@pytest.mark.parametrize("key", [key for key in SINGLE if key.low is not None], ids=lambda key: key.name)
def test_a_range_holds_its_ends_and_nothing_beyond(key: Key) -> None:
    for end, beyond in ((key.low, -1), (key.high, +1)):
        assert key.read(end) == end
        with pytest.raises(ValueError, match=r".+"):
            key.read(_moved(end, beyond))


def _moved(end: object, direction: int) -> object:
    if isinstance(end, time):
        minutes = end.hour * 60 + end.minute + direction
        return time(minutes // 60, minutes % 60)
    assert isinstance(end, int | Decimal)
    return end + (direction if isinstance(end, int) else direction * Decimal("0.01"))


def _of_another_type(key: Key) -> list[str]:
    never = ["[1]", "{ a = 1 }", "[]", '"\\u0000"']
    match key.default:
        case bool():
            return [*never, "1", "0", '"true"', '"yes"', "1.0"]
        case GuardMode():
            return [*never, "1", '"true"', '"false"', '"off"', '"Shadow"']
        case int():
            return [*never, "true", f'"{key.default}"', f"{key.default}.0", f"{key.default}.5", "nan", "2026-09-16"]
        case Decimal():
            return [*never, "true", '"1e1"', "nan", "inf", "-inf", "1e999999", "10.123", '"१०"', '" 10"', "16:05:00"]
        case date():
            return [*never, "20260916", '"16.09.2026"', "2026-09-16T00:00:00", '"2026-13-01"', "true", '"2026-9-16"']
        case time():
            return [*never, "1605", '"4pm"', "16:05:30", '"24:00"', "true", '"16:5"', '"16:05 "']
        case StrEnum():
            return [*never, "true", "1", '""', f'"{str(key.default).upper()}"']
        case _:
            return [*never, "true", "1", "1.5", "2026-09-16"]


def test_the_delivered_file_holds_nothing_but_the_keys() -> None:
    lines = [line for line in DELIVERED.splitlines() if " = " in line and not line.startswith("#")]
    strategies = {"name", "path", "signals_per_day"}
    assert sorted(line.split(" = ")[0] for line in lines if line.split(" = ")[0] not in strategies) == sorted(
        key.in_file for key in SINGLE
    )
