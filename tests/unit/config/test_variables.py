"""Environment variables, .env and the command line: who wins, what is refused, and that passwords stay hidden."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from config import ConfigError
from config.keys import Key
from config.kinds import StrategyUse, in_file
from config.loading import load_settings
from config.reference import in_variable
from config.settings import KEYS
from tests.unit.config.homes import DELIVERED, a_home, place_of, problems_of, with_value
from tradebot.domain.policy import GuardMode

EVERY_KEY = pytest.mark.parametrize("key", list(KEYS), ids=lambda key: key.name)
URL = "postgresql+psycopg://bot:s3cr:e/t@db.example:5432/trade"
PASSWORD_URL = "postgresql+psycopg://bot:s3cr:et@db.example:5432/trade"
MASKED_URL = "postgresql+psycopg://bot:***@db.example:5432/trade"


def test_the_command_line_wins_over_environment_over_dotenv_over_file_over_default(tmp_path: Path) -> None:
    key = KEYS.by_name["MAX_POSITIONS"]
    home = a_home(tmp_path, "[run]\n", dotenv="")
    found = []
    for text, dotenv, environ, overrides in (
        ("[run]\n", "", {}, {}),
        (with_value(key, "2"), "", {}, {}),
        (with_value(key, "2"), "TRADEBOT_MAX_POSITIONS=3\n", {}, {}),
        (with_value(key, "2"), "TRADEBOT_MAX_POSITIONS=3\n", {key.variable: "4"}, {}),
        (with_value(key, "2"), "TRADEBOT_MAX_POSITIONS=3\n", {key.variable: "4"}, {key.name: 5}),
    ):
        settings = load_settings(a_home(home, text, dotenv=dotenv), environ, overrides)
        found.append((settings.risk.max_positions, settings.origins[key.name]))

    assert found == [(6, "default"), (2, place_of(key)), (3, ".env"), (4, "environment"), (5, "command line")]


@EVERY_KEY
@pytest.mark.parametrize("write", [in_file, in_variable])
def test_every_key_can_be_set_by_its_variable_with_quotes_or_without(key: Key, write: object, tmp_path: Path) -> None:
    text = in_variable(key.default) if key.is_text or write is in_variable else in_file(key.default)
    home = a_home(tmp_path, "[run]\n")

    settings = load_settings(home, {f"TRADEBOT_{key.name.upper()}": text})

    assert (settings.value(key.name), settings.origins[key.name]) == (key.default, "environment")


@EVERY_KEY
def test_a_wrong_variable_is_refused_by_its_name(key: Key, tmp_path: Path) -> None:
    home = a_home(tmp_path)

    for (problem,) in (
        problems_of(home, {key.variable: "no\nsense"}),
        problems_of(home, {}, {key.name: "no\nsense"}),
    ):
        assert problem.place in (key.variable, "command line")
        assert problem.key == key.name
        assert key.allowed in problem.text


@EVERY_KEY
def test_a_mistyped_variable_is_refused_with_the_right_name(key: Key, tmp_path: Path) -> None:
    wrong = key.variable + "S"
    (problem,) = problems_of(a_home(tmp_path), {wrong: "1"})
    assert (problem.place, problem.key, problem.nearest) == ("environment", wrong, key.variable)

    (problem,) = problems_of(a_home(tmp_path, dotenv=f"\n{wrong}=1"))
    assert (problem.place, problem.key, problem.nearest) == (".env:2", wrong, key.variable)


@pytest.mark.parametrize(
    "name", ["TRADBOT_SPEED", "TRADEBOTS_SPEED", "tradebot_speed", "Tradebot_SPEED", "TRADEBOT_SPED"]
)
def test_a_mistyped_prefix_or_case_is_refused_too(name: str, tmp_path: Path) -> None:
    (problem,) = problems_of(a_home(tmp_path), {name: "1"})

    assert (problem.key, problem.nearest) == (name, "TRADEBOT_SPEED")


def test_variables_of_others_and_of_the_tests_are_left_alone(tmp_path: Path) -> None:
    environ = {"HOME": "/", "MODE": "x", "SPEED": "x", "TRADE_SPEED": "x", "TRADEBOT_TEST_POSTGRES_URL": "x"}

    assert load_settings(a_home(tmp_path), environ).replay.speed == 1000


def test_an_unknown_key_on_the_command_line_is_refused(tmp_path: Path) -> None:
    (problem,) = problems_of(a_home(tmp_path), {}, {"sped": 5})

    assert (problem.place, problem.key, problem.nearest) == ("command line", "sped", "speed")


def test_the_command_line_gives_texts_or_values(tmp_path: Path) -> None:
    overrides = {"speed": "0", "from": date(2026, 9, 15), "opening_cash": Decimal(500_000), "user_id": "12"}

    settings = load_settings(a_home(tmp_path), {}, overrides)

    assert (settings.replay.speed, settings.replay.first_day) == (0, date(2026, 9, 15))
    assert (settings.run.opening_cash, settings.run.user_id) == (Decimal(500_000), "12")
    assert problems_of(a_home(tmp_path), {}, {"STOP_LOSS_PCT": 0.5})[0].value == "0.5"


def test_a_wrong_value_counts_even_where_a_higher_place_covers_it(tmp_path: Path) -> None:
    key = KEYS.by_name["MAX_POSITIONS"]

    (problem,) = problems_of(a_home(tmp_path, with_value(key, "60")), {key.variable: "6"})

    assert problem.place == place_of(key)


def test_a_guard_can_be_switched_by_a_bare_word(tmp_path: Path) -> None:
    for text, mode in (("shadow", GuardMode.SHADOW), ("false", GuardMode.OFF), ("true", GuardMode.ON)):
        settings = load_settings(a_home(tmp_path), {"TRADEBOT_ENABLE_DEPTH_GUARD_ENTRY": text})
        assert settings.policy().quotes.depth is mode


def test_the_strategies_are_one_line_of_toml(tmp_path: Path) -> None:
    settings = load_settings(a_home(tmp_path), {"TRADEBOT_STRATEGIES": '[{ name = "dip" }, { name = "own:X", a = 1 }]'})

    assert settings.strategies.use == (StrategyUse(name="dip"), StrategyUse(name="own:X", parameters=(("a", 1),)))


def test_the_environment_cannot_smuggle_in_a_second_key(tmp_path: Path) -> None:
    assert problems_of(a_home(tmp_path), {"TRADEBOT_MAX_POSITIONS": "5\nother = 1"})[0].key == "MAX_POSITIONS"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("TRADEBOT_USER_ID=me", "me"),
        ("  export TRADEBOT_USER_ID = me", None),
        ("export TRADEBOT_USER_ID=me # the owner", "me"),
        ('TRADEBOT_USER_ID="me" # the owner', "me"),
        ("TRADEBOT_USER_ID='me'", "me"),
        ("TRADEBOT_USER_ID='me", None),
        ('TRADEBOT_USER_ID="me"you', None),
        ("TRADEBOT_USER_ID", None),
        ("TRADEBOT_USER_ID: me", None),
        ("TRADEBOT_USER_ID=\r", None),
        ("# TRADEBOT_USER_ID=me", "owner"),
    ],
)
def test_dotenv_takes_plain_and_quoted_values_and_refuses_other_lines(
    line: str, value: str | None, tmp_path: Path
) -> None:
    home = a_home(tmp_path, dotenv=f"# first\n\n{line}\n")

    if value is None:
        assert [problem.place for problem in problems_of(home)] in ([".env:3"],)
    else:
        assert load_settings(home, {}).run.user_id == value


def test_a_variable_that_is_twice_in_dotenv_is_refused(tmp_path: Path) -> None:
    (problem,) = problems_of(a_home(tmp_path, dotenv="TRADEBOT_SPEED=1\nTRADEBOT_SPEED=2"))

    assert (problem.place, problem.key) == (".env:2", "TRADEBOT_SPEED")


def test_a_key_without_its_prefix_in_dotenv_is_refused(tmp_path: Path) -> None:
    (problem,) = problems_of(a_home(tmp_path, dotenv="MAX_POSITIONS=5"))

    assert problem.nearest == "TRADEBOT_MAX_POSITIONS"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610, 0o644, 0o666])
def test_a_dotenv_that_others_may_touch_is_refused(mode: int, tmp_path: Path) -> None:
    (problem,) = problems_of(a_home(tmp_path, dotenv="TRADEBOT_SPEED=1", mode=mode))

    assert problem.place == ".env"
    assert "chmod 600 .env" in problem.text


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_dotenv_of_the_owner_alone_is_taken(mode: int, tmp_path: Path) -> None:
    assert load_settings(a_home(tmp_path, dotenv="TRADEBOT_SPEED=1", mode=mode), {}).replay.speed == 1


def test_a_dotenv_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    (home / ".env").symlink_to(home / "gone")
    assert [problem.place for problem in problems_of(home)] == [".env"]

    (home / ".env").unlink()
    (home / ".env").write_bytes(b"TRADEBOT_USER_ID=\xff")
    (home / ".env").chmod(0o600)
    assert [problem.place for problem in problems_of(home)] == [".env"]


def test_a_dotenv_beyond_64_kb_is_refused(tmp_path: Path) -> None:
    (problem,) = problems_of(a_home(tmp_path, dotenv="#" * 65_537))

    assert (problem.place, "64 KB" in problem.text) == (".env", True)


def test_a_password_is_taken_from_dotenv_and_from_the_environment_and_never_shown(tmp_path: Path) -> None:
    for settings in (
        load_settings(a_home(tmp_path), {"TRADEBOT_DATABASE_URL": PASSWORD_URL}),
        load_settings(a_home(tmp_path, dotenv=f"TRADEBOT_DATABASE_URL='{PASSWORD_URL}'"), {}),
    ):
        assert settings.run.database_url_in(tmp_path) == PASSWORD_URL
        assert settings.effective()["database_url"].value == MASKED_URL
        assert "s3cr" not in repr(settings)


@pytest.mark.parametrize("url", ["postgresql+psycopg://b:s3@cr@h/d", "postgresql+psycopg://h/d?user=b&password=s3cr"])
def test_a_password_is_masked_wherever_it_stands_in_the_url(url: str, tmp_path: Path) -> None:
    settings = load_settings(a_home(tmp_path), {"TRADEBOT_DATABASE_URL": url})

    shown = str(settings.effective()["database_url"].value)
    assert "s3" not in shown
    assert "cr" not in shown


def test_a_password_in_the_file_or_on_the_command_line_is_refused_and_not_shown(tmp_path: Path) -> None:
    key = KEYS.by_name["database_url"]
    home = a_home(tmp_path, with_value(key, f'"{PASSWORD_URL}"', DELIVERED))

    with pytest.raises(ConfigError) as caught:
        load_settings(home, {}, {"database_url": PASSWORD_URL})

    assert [problem.place for problem in caught.value.problems] == ["command line", place_of(key)]
    assert "s3cr" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "postgres://bot:s3cr@h/d",
        "postgresql://bot:s3cr@h/d",
        "sqlite://",
        "sqlite:///:memory:",
        "s3cr",
        "mysql://h/d",
    ],
)
def test_a_database_that_cannot_be_used_is_refused_and_not_shown(url: str, tmp_path: Path) -> None:
    (problem,) = problems_of(a_home(tmp_path), {"TRADEBOT_DATABASE_URL": url})

    assert (problem.key, problem.value) == ("database_url", "***")
    assert "s3cr" not in str(problem)


def test_a_relative_sqlite_path_begins_at_the_home_folder(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    assert load_settings(home, {}).run.database_url_in(home) == f"sqlite:///{home}/state/tradebot.db"

    absolute = load_settings(home, {"TRADEBOT_DATABASE_URL": "sqlite:////var/lib/x.db"})
    assert absolute.run.database_url_in(home) == "sqlite:////var/lib/x.db"


def test_a_credential_is_read_from_the_environment_and_shown_to_nobody(tmp_path: Path) -> None:
    settings = load_settings(a_home(tmp_path), {"TRADEBOT_KITE_API_SECRET": "geheim7"})

    assert settings.broker.kite_api_secret == "geheim7"
    assert "geheim7" in settings.secrets()
    assert settings.effective()["KITE_API_SECRET"].value == "***"
    assert settings.effective()["KITE_API_KEY"].value == ""
    assert "geheim7" not in repr(settings)
    other = load_settings(a_home(tmp_path), {"TRADEBOT_KITE_API_SECRET": "another"})
    assert settings.hash() == other.hash()


def test_a_credential_in_the_file_or_on_the_command_line_is_refused_without_its_text(tmp_path: Path) -> None:
    key = KEYS.by_name["KOTAK_MPIN"]
    home = a_home(tmp_path, with_value(key, '"123456"', DELIVERED))

    for problem in (*problems_of(home), *problems_of(a_home(tmp_path), overrides={"KOTAK_MPIN": "123456"})):
        assert "a password belongs into .env" in str(problem)
        assert "123456" not in str(problem)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"mode": "live"}, "broker"),
        ({"mode": "live", "broker": "kite"}, "confirm_live"),
        ({"broker": "kite"}, "broker"),
        ({"mode": "live", "broker": "kite", "confirm_live": "true"}, "KITE_API_KEY"),
        ({"mode": "live", "broker": "kotak", "confirm_live": "true"}, "KOTAK_ACCESS_TOKEN"),
        ({"mode": "live", "broker": "kite", "confirm_live": "true"}, "data"),
    ],
)
def test_live_needs_a_broker_a_confirmation_credentials_and_bars(
    given: dict[str, str], names: str, tmp_path: Path
) -> None:
    environ = {f"TRADEBOT_{name.upper()}": value for name, value in given.items()}

    assert names in {problem.key for problem in problems_of(a_home(tmp_path), environ)}


def test_live_with_all_of_it_is_sound(tmp_path: Path) -> None:
    environ = {
        "TRADEBOT_MODE": "live",
        "TRADEBOT_BROKER": "kite",
        "TRADEBOT_CONFIRM_LIVE": "true",
        "TRADEBOT_KITE_API_KEY": "key",
        "TRADEBOT_KITE_API_SECRET": "secret",
        "TRADEBOT_BROKER_URL": "http://127.0.0.1:8800",
    }

    assert problems_of(a_home(tmp_path), environ) == ()
    assert problems_of(a_home(tmp_path), environ | {"TRADEBOT_BROKER_URL": "http://example.com:1"})
