"""`main.py replay sessions/NAME` and `main.py what-if sessions/NAME` on a day that really ran."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.running import wait_until
from tests.simulator.killing import environment
from tests.unit.config.homes import ROOT


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sessions_home")
    ended = _main("replay", "--speed", "0", "--ui", "off", home=folder)
    assert ended.returncode == 0, ended.stderr
    return folder


def test_the_recorded_day_replays_without_a_difference(home: Path) -> None:
    ended = _main("replay", _session(home), home=home)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("no difference: ")


def test_a_run_that_was_killed_is_compared_as_far_as_it_was_written(tmp_path: Path) -> None:
    words = [sys.executable, "main.py", "replay", "--speed", "200", "--ui", "off", "--home", str(tmp_path)]
    with subprocess.Popen(
        words, cwd=ROOT, env=environment({}), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as run:
        wait_until(
            lambda: any("ORDER_ACCEPTED" in path.read_text() for path in tmp_path.glob("sessions/*/events.jsonl"))
        )
        run.kill()

    ended = _main("replay", _session(tmp_path), home=tmp_path)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("no difference: ")


def test_another_threshold_names_the_first_decision_that_differs(home: Path) -> None:
    ended = _main("replay", _session(home), "--set", "MAX_POSITIONS=3", home=home)

    assert (ended.returncode, ended.stderr) == (66, "")
    assert "is the first that differs" in ended.stdout
    assert "RISK_LIMIT_MAX_POSITIONS" in ended.stdout


def test_what_if_counts_the_entries_that_would_have_been_blocked(home: Path) -> None:
    ended = _main("what-if", _session(home), "--max-spread-bps", "8", "--set", "MAX_POSITIONS=3", home=home)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "with MAX_SPREAD_BPS_ENTRY = 8, MAX_POSITIONS = 3:" in ended.stdout
    assert "RISK_LIMIT_MAX_POSITIONS" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("replay", "nowhere"), 2, "nowhere is no run"),
        (("what-if", "SESSION"), 2, "name at least one threshold"),
        (("what-if", "SESSION", "--set", "MAX_SPREAD=8"), 2, "MAX_SPREAD is no key"),
        (("replay", "SESSION", "--set", "MAX_POSITIONS=0"), 78, "MAX_POSITIONS"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: tuple[str, ...], code: int, text: str, home: Path) -> None:
    named = [_session(home) if word == "SESSION" else word for word in arguments]

    ended = _main(*named, home=home)

    assert ended.returncode == code
    assert text in ended.stderr


def _session(home: Path) -> str:
    (session,) = home.glob("sessions/*")
    return str(session)


def _main(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "main.py", *arguments, "--home", str(home)]
    environ = {"PATH": "/usr/bin:/bin", "TRADEBOT_ENABLE_HTTP_API": "false"}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=300)
