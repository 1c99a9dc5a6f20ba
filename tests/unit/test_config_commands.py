"""`main.py config check` and `config show`, as somebody types them; the same check at the start of a run."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from config.loading import load_settings
from config.settings import KEYS
from tests.simulator.killing import ROOT, environment, run_main
from tests.unit.config.homes import DELIVERED, place_of, with_value
from tradebot.cli.exit_codes import ExitCode

CANARY = "canary-7f3a91"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tradebot folder with the delivered configuration."""
    shutil.copytree(ROOT / "config", tmp_path / "config", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return tmp_path


def test_a_sound_configuration_is_valid(folder: Path) -> None:
    ended = run_main("config", "check", "--config", folder / "config")

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "Configuration is valid\n", "")


def test_everything_that_is_wrong_is_named_at_once(folder: Path) -> None:
    spoil(folder)

    ended = run_main("config", "check", "--config", folder / "config", variables={"SPED": "1"})

    assert ended.returncode == ExitCode.CONFIGURATION
    assert ended.stdout == ""
    lines = ended.stderr.splitlines()
    assert "environment: TRADEBOT_SPED: is no variable of tradebot; did you mean TRADEBOT_SPEED?" in lines
    assert any(line.startswith(f"{place_of(KEYS.by_name['MAX_POSITIONS'])}: MAX_POSITIONS = 800") for line in lines)
    assert any(line.startswith("config/market/ticks.toml:1: oops") for line in lines)
    assert any(
        re.match(r"config/tradebot.toml:\d+: strategy 'dipp' is unknown; did you mean dip", line) for line in lines
    )
    assert any(re.match(r"config/tradebot.toml:\d+: strategy generator: signals_a_day is no", line) for line in lines)
    assert len(lines) == 5


def test_a_strategys_line_is_that_of_its_own_table(folder: Path) -> None:
    spoil(folder)

    ended = run_main("config", "check", "--config", folder / "config")

    number = int(re.search(r"toml:(\d+): strategy generator", ended.stderr)[1])  # type: ignore[index]
    text = (folder / "config" / "tradebot.toml").read_text().splitlines()
    assert text[number - 1 : number + 1] == ["[[strategies.use]]", 'name = "generator"']


def test_a_strategy_of_a_variable_names_the_environment(folder: Path) -> None:
    ended = run_main("config", "check", "--config", folder / "config", variables={"STRATEGIES": '[{ name = "dipp" }]'})

    assert ended.stderr.startswith("environment: strategy 'dipp' is unknown")


def test_a_start_makes_the_same_check_and_writes_nothing(folder: Path) -> None:
    spoil(folder)
    checked = run_main("config", "check", "--config", folder / "config")

    ended = run_main("replay", "--config", folder / "config", "--home", folder / "home")

    assert ended.returncode == ExitCode.CONFIGURATION
    assert ended.stderr == f"tradebot: {checked.stderr}"
    assert not (folder / "home").exists()


@pytest.mark.parametrize("what", ["market", "strategy"])
def test_a_start_with_sound_settings_still_finds_the_rest(what: str, folder: Path) -> None:
    if what == "market":
        spoil_market(folder)
    else:
        (folder / "config" / "tradebot.toml").write_text(DELIVERED.replace('name = "dip"', 'name = "dipp"'))
    checked = run_main("config", "check", "--config", folder / "config")

    ended = run_main("replay", "--config", folder / "config", "--home", folder / "home")

    assert (ended.returncode, ended.stderr) == (ExitCode.CONFIGURATION, f"tradebot: {checked.stderr}")
    assert not (folder / "home").exists()


def test_every_key_is_shown_with_its_value_its_origin_and_when_a_change_counts(folder: Path) -> None:
    (folder / ".env").write_text("TRADEBOT_MAX_TRADES_PER_DAY=60\n")
    (folder / ".env").chmod(0o600)
    text = with_value(KEYS.by_name["MAX_POSITIONS"], "8").replace("speed = 1000\n", "\n")
    (folder / "config" / "tradebot.toml").write_text(text)

    ended = run_main("config", "show", "--config", folder / "config", variables={"COOLDOWN_MIN": "20"})

    rows = {words[0]: words[1:] for words in map(str.split, ended.stdout.splitlines())}
    assert ended.returncode == 0
    assert {key.name for key in KEYS} <= set(rows)
    assert rows["MAX_POSITIONS"] == ["live", place_of(KEYS.by_name["MAX_POSITIONS"], text), "8"]
    assert rows["MAX_TRADES_PER_DAY"] == ["live", ".env", "60"]
    assert rows["COOLDOWN_MIN"] == ["live", "environment", "20"]
    assert rows["speed"] == ["restart", "default", "1000"]
    assert rows["hash"] == [load_settings(folder, environment({"COOLDOWN_MIN": "20"})).hash()]


def test_every_row_says_when_a_change_counts(folder: Path) -> None:
    ended = run_main("config", "show", "--config", folder / "config")

    said = {words[0]: words[1] for words in map(str.split, ended.stdout.splitlines()) if len(words) > 1}
    assert {key.name: said[key.name] for key in KEYS} == {key.name: "live" if key.live else "restart" for key in KEYS}


@pytest.mark.parametrize("command", ["check", "show"])
def test_a_password_is_never_shown(command: str, folder: Path) -> None:
    url = f"postgresql+psycopg://tradebot:{CANARY}@127.0.0.1:1/tradebot"

    ended = run_main("config", command, "--config", folder / "config", variables={"DATABASE_URL": url})

    assert CANARY not in ended.stdout + ended.stderr
    assert "***" in ended.stdout + ended.stderr or ended.returncode == 0


def test_a_configuration_that_is_wrong_is_not_shown(folder: Path) -> None:
    ended = run_main("config", "show", "--config", folder / "config", variables={"MAX_POSITIONS": "0"})

    assert (ended.returncode, ended.stdout) == (ExitCode.CONFIGURATION, "")
    assert "MAX_POSITIONS = 0" in ended.stderr


def spoil(folder: Path) -> None:
    """A setting, a market file, the name of a strategy and a parameter of another one are wrong."""
    text = with_value(KEYS.by_name["MAX_POSITIONS"], "800")
    text = text.replace('name = "dip"', 'name = "dipp"').replace("signals_per_day = ", "signals_a_day = ")
    (folder / "config" / "tradebot.toml").write_text(text)
    spoil_market(folder)


def spoil_market(folder: Path) -> None:
    path = folder / "config" / "market" / "ticks.toml"
    path.write_text(f"oops = 3\n{path.read_text()}")
