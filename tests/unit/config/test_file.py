"""config/tradebot.toml as a whole: missing, empty, broken, with unknown parts; strategies; rules between keys."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from config import ConfigError
from config.kinds import StrategyUse, from_text
from config.loading import load_settings
from config.settings import KEYS
from tests.unit.config.homes import DELIVERED, a_home, place_of, problems_of, with_value

FILE = "config/tradebot.toml"


def test_a_missing_file_is_named_with_its_path_and_the_way_to_get_it_back(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path)

    assert problem.place == str(tmp_path / FILE)
    assert f"git checkout -- {FILE}" in problem.text
    assert f"python3 -m config.reference > {FILE}" in problem.text


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", ":1:1"),
        ("# nothing\n\n", ":1:1"),
        ("[run]\nmode = \n", ":2:8"),
        ('[run]\nmode = "replay"\nmode = "paper"\n', ":3:15"),
        ("[run]\n[run]\n", ":2:5"),
        ("[run", ":1:5"),
        ('[run]\nmode = "rep', ":2:12"),
    ],
)
def test_an_empty_or_broken_file_is_refused_with_line_and_column(text: str, place: str, tmp_path: Path) -> None:
    (problem,) = problems_of(a_home(tmp_path, text))

    assert problem.place == FILE + place


@pytest.mark.parametrize("value", ["[" * 5000, "1" + "0" * 5000])
def test_a_value_beyond_what_can_be_read_is_refused(value: str, tmp_path: Path) -> None:
    (problem,) = problems_of(a_home(tmp_path, f"[run]\nopening_cash = {value}"))

    assert problem.place.startswith(f"{FILE}:2")


def test_a_file_that_is_no_utf_8_is_refused_with_line_and_column(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    (home / FILE).write_bytes(b"[run]\n# Rs \xe2\x82\xb9 and \xff\n")

    (problem,) = problems_of(home)

    assert (problem.place, "UTF-8" in problem.text) == (f"{FILE}:2:14", True)


def test_a_file_beyond_64_kb_is_refused(tmp_path: Path) -> None:
    (problem,) = problems_of(a_home(tmp_path, DELIVERED + "#" * 65_536))

    assert "64 KB" in problem.text


def test_a_file_that_an_editor_began_with_a_byte_order_mark_is_the_same_file(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    plain = load_settings(home, {})
    (home / FILE).write_bytes(b"\xef\xbb\xbf" + DELIVERED.encode())

    assert load_settings(home, {}) == plain


def test_a_file_with_other_line_ends_is_the_same_file(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    plain = load_settings(home, {})
    (home / FILE).write_bytes(DELIVERED.replace("\n", "\r\n").encode())

    assert load_settings(home, {}).origins == plain.origins


@pytest.mark.parametrize(
    ("text", "line", "key", "nearest"),
    [
        ("[riskk]\nMAX_POSITIONS = 6", 1, "riskk", "[risk]"),
        ("[run]\n\n[zebra]\nx = 1", 3, "zebra", ""),
        ("MAX_POSITIONS = 6\n", 1, "MAX_POSITIONS", "MAX_POSITIONS in [risk]"),
        ("[guards]\nMAX_POSITIONS = 6\n", 2, "MAX_POSITIONS", "MAX_POSITIONS in [risk]"),
        ("[guards]\nMAX_POSITIONSS = 6\n", 2, "MAX_POSITIONSS", "MAX_POSITIONS in [risk]"),
        ("run = 5", 1, "run", ""),
        ("[[run]]", 1, "run", ""),
        ("run.mod = 5", 1, "mod", "mode"),
        ("[strategies]\nuses = []", 2, "uses", "use"),
    ],
)
def test_what_is_no_key_is_refused_with_its_line_and_the_nearest_one(
    text: str, line: int, key: str, nearest: str, tmp_path: Path
) -> None:
    (problem,) = problems_of(a_home(tmp_path, text))

    assert (problem.place, problem.key, problem.nearest) == (f"{FILE}:{line}", key, nearest)


def test_all_problems_are_named_at_once_and_in_one_message(tmp_path: Path) -> None:
    text = "\n".join(
        [
            "[run]",
            'mode = "papper"',
            "[risk]",
            "MAX_POSITION = 6",
            "MAX_SYMBOL_EXPOSURE_PCT = 50",
            "MAX_EXPOSURE_PCT = 40",
            "[guards]",
            "MAX_SPREAD_BPS_ENTRY = 0.1",
        ]
    )
    home = a_home(tmp_path, text, dotenv="TRADEBOT_SPED=5", mode=0o644)

    with pytest.raises(ConfigError) as caught:
        load_settings(home, {"TRADEBOT_SEED": "x"}, {"user_id": "a b"})

    assert [(problem.place, problem.key) for problem in caught.value.problems] == [
        ("command line", "user_id"),
        ("TRADEBOT_SEED", "seed"),
        (".env", ""),
        (".env:1", "TRADEBOT_SPED"),
        (f"{FILE}:2", "mode"),
        (f"{FILE}:4", "MAX_POSITION"),
        (f"{FILE}:8", "MAX_SPREAD_BPS_ENTRY"),
        (f"{FILE}:5", "MAX_SYMBOL_EXPOSURE_PCT"),
    ]
    assert str(caught.value).splitlines()[4] == (
        f'{FILE}:2: mode = "papper": is not allowed; it must be "replay", "paper" or "live"; did you mean paper?'
    )


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"to": "2026-09-15"}, "to"),
        ({"from": '"2026-09-17"'}, "to"),
        ({"CAPITAL_PER_TRADE": "60000", "MAX_ORDER_NOTIONAL": "59999"}, "CAPITAL_PER_TRADE"),
        ({"CAPITAL_PER_TRADE": "200_000.01"}, "CAPITAL_PER_TRADE"),
        ({"MAX_SYMBOL_EXPOSURE_PCT": "4.99"}, "CAPITAL_PER_TRADE"),
        ({"opening_cash": "249_999"}, "CAPITAL_PER_TRADE"),
        ({"MAX_EXPOSURE_PCT": "19.99"}, "MAX_SYMBOL_EXPOSURE_PCT"),
        ({"MIN_CASH_RESERVE": "950_001"}, "MIN_CASH_RESERVE"),
        ({"STOP_LOSS_PCT": "0.1"}, "STOP_LOSS_PCT"),
        ({"TRAILING_ARM_PCT": "0.12"}, "TRAILING_ARM_PCT"),
        ({"TRAILING_GIVEBACK_PCT": "0.2", "MAX_SLIPPAGE_BPS_EXIT": "20"}, "TRAILING_GIVEBACK_PCT"),
        ({"LOG_FILE_MB_MAX": "129", "LOG_ARCHIVE_MB_MAX": "128"}, "LOG_FILE_MB_MAX"),
        ({"END_OF_DAY_AT": '"16:30"', "AMO_PLACEMENT_AT": '"16:30"'}, "END_OF_DAY_AT"),
    ],
)
def test_values_that_make_no_sense_together_are_refused(changes: dict[str, str], named: str, tmp_path: Path) -> None:
    text = DELIVERED
    for name, value in changes.items():
        text = with_value(KEYS.by_name[name], value, text)

    (problem,) = problems_of(a_home(tmp_path, text))

    assert (problem.key, problem.place) == (named, place_of(KEYS.by_name[named]))
    assert problem.value == KEYS.by_name[named].shown(KEYS.by_name[named].read(_raw(changes, named)))


def _raw(changes: dict[str, str], name: str) -> object:
    raw = changes.get(name)
    if raw is None:
        return KEYS.by_name[name].default
    return from_text(raw.replace("_", ""))


@pytest.mark.parametrize(
    ("flag", "changes"),
    [
        ("ENABLE_STOP_LOSS", {"STOP_LOSS_PCT": "0.1"}),
        ("ENABLE_TRAILING_STOP", {"TRAILING_ARM_PCT": "0.1", "TRAILING_GIVEBACK_PCT": "0.2"}),
    ],
)
def test_a_rule_about_what_is_switched_off_does_not_count(flag: str, changes: dict[str, str], tmp_path: Path) -> None:
    text = with_value(KEYS.by_name[flag], "false")
    for name, value in changes.items():
        text = with_value(KEYS.by_name[name], value, text)

    assert problems_of(a_home(tmp_path, text)) == ()


def test_nothing_is_said_of_a_rule_with_a_value_that_is_wrong_by_itself(tmp_path: Path) -> None:
    problems = problems_of(a_home(tmp_path, '[risk]\nMAX_EXPOSURE_PCT = 15\nMAX_SYMBOL_EXPOSURE_PCT = "x"'))
    assert [problem.place for problem in problems] == [f"{FILE}:3"]

    problems = problems_of(a_home(tmp_path, "[exits]\nSTOP_LOSS_PCT = 0.1\nENABLE_STOP_LOSS = 0"))
    assert [problem.place for problem in problems] == [f"{FILE}:3"]


def test_a_rule_broken_by_a_default_is_told_at_the_line_that_breaks_it(tmp_path: Path) -> None:
    (problem,) = problems_of(a_home(tmp_path, "[risk]\nMAX_EXPOSURE_PCT = 15"))

    assert (problem.place, problem.key) == (f"{FILE}:2", "MAX_SYMBOL_EXPOSURE_PCT")
    assert "MAX_EXPOSURE_PCT is 15 (config/tradebot.toml:2)" in problem.text


def test_market_data_that_is_not_there_is_refused(tmp_path: Path) -> None:
    home = a_home(tmp_path, '[replay]\ndata = "bars.csv"')
    (problem,) = problems_of(home)
    assert (problem.place, problem.key) == (f"{FILE}:2", "data")

    (home / "bars.csv").touch()
    settings = load_settings(home, {})
    assert settings.replay.data_in(home) == home / "bars.csv"


def test_without_data_the_market_is_the_seeded_one(tmp_path: Path) -> None:
    assert load_settings(a_home(tmp_path), {}).replay.data_in(tmp_path) is None


def test_money_is_exactly_what_the_file_says(tmp_path: Path) -> None:
    settings = load_settings(
        a_home(tmp_path, '[guards]\nMAX_SPREAD_BPS_ENTRY = 10.1\nDEPTH_MIN_NOTIONAL = "40000.10"'), {}
    )

    assert settings.guards.max_spread_bps_entry == Decimal("10.1")
    assert settings.guards.depth_min_notional == Decimal("40000.10")


def test_each_strategy_knows_its_own_line(tmp_path: Path) -> None:
    text = '[[strategies.use]]\nname = "dip"\n\n[[strategies.use]]\nname = "own.turn:Turn"\ndays = 3\nat = [0.5, "x"]\n'

    uses = load_settings(a_home(tmp_path, text), {}).strategies.use

    assert uses == (
        StrategyUse(name="dip"),
        StrategyUse(name="own.turn:Turn", parameters=(("days", 3), ("at", (Decimal("0.5"), "x")))),
    )
    assert [use.place for use in uses] == [f"{FILE}:1", f"{FILE}:4"]


def test_no_strategy_at_all_can_be_wanted(tmp_path: Path) -> None:
    assert load_settings(a_home(tmp_path, "[strategies]\nuse = []"), {}).strategies.use == ()


@pytest.mark.parametrize(
    "text",
    [
        '[[strategies.use]]\nnam = "dip"',
        "[[strategies.use]]\nname = 5",
        '[[strategies.use]]\nname = "di p"',
        '[[strategies.use]]\nname = "os:"',
        '[strategies]\nuse = "dip"',
        '[strategies]\nuse = ["dip"]',
        '[strategies.use]\nname = "dip"',
        '[[strategies.use]]\nname = "dip"\nx = { y = 1 }',
        '[[strategies.use]]\nname = "dip"\nx = nan',
        '[[strategies.use]]\nname = "dip"\nx = 2026-09-16',
        '[[strategies.use]]\nname = "dip"\n[[strategies.use]]\nname = "dip"',
        "\n".join(f'[[strategies.use]]\nname = "dip"\nx = {x}' for x in range(21)),
    ],
)
def test_a_strategy_that_cannot_be_one_is_refused(text: str, tmp_path: Path) -> None:
    (problem,) = problems_of(a_home(tmp_path, text))

    assert problem.key == "strategies"
    assert problem.place.startswith(FILE)
