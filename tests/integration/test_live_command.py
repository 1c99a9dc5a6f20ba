"""Mode live as it is typed: the question, the login, and an orderly end, at an exchange process on loopback."""

from __future__ import annotations

import os
import pty
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.desks import credentials, small_market
from tests.simulator.killing import run_main
from tests.venue import ROOT, Venue, running_venue

WITHIN_S = 60


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    folder = tmp_path_factory.mktemp("venue")
    data = small_market(folder)
    options = ("--data", str(data), "--rate", "20", "--no-rate-limits")
    with running_venue(folder / "state", *options, at="2026-09-15T15:45:00", clock="scaled") as found:
        yield found


def variables(venue: Venue, **more: str) -> Mapping[str, str]:
    return {**credentials("kite", venue.url), "UI": "off", "ENABLE_HTTP_API": "false", **more}


def test_without_a_terminal_and_without_the_flag_nothing_starts(venue: Venue, tmp_path: Path) -> None:
    ended = run_main("--home", tmp_path / "home", variables=variables(venue))
    assert ended.returncode == 78
    assert "--yes-live" in ended.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("word", ["no", ""])
def test_anything_but_a_typed_yes_starts_nothing(word: str, venue: Venue, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "main.py", "--home", str(tmp_path / "home")],
        cwd=ROOT,
        env=os.environ | {f"TRADEBOT_{name}": value for name, value in variables(venue).items()},
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.write(ours, f"{word}\n".encode())
    out, err = process.communicate(timeout=WITHIN_S)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 78
    assert "Type yes to begin" in out and "not confirmed" in err
    assert not (tmp_path / "home").exists()


def test_a_login_a_run_and_an_orderly_end(venue: Venue, tmp_path: Path) -> None:
    home = tmp_path / "home"
    token = venue.admin("POST", "/kite/request-token")["request_token"]
    address = f"http://127.0.0.1/?request_token={token}&action=login&status=success"
    logged_in = run_main("login", "--home", home, "--request-token", address, variables=variables(venue))
    assert logged_in.returncode == 0, logged_in.stderr
    assert "logged in at kite as AB1234" in logged_in.stdout
    assert stat.S_IMODE((home / "state" / "kite_session.json").stat().st_mode) == 0o600

    lines = []
    with subprocess.Popen(
        [sys.executable, "main.py", "--yes-live", "--home", str(home)],
        cwd=ROOT,
        env=os.environ | {f"TRADEBOT_{name}": value for name, value in variables(venue, UI="line").items()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if "BROKER_SESSION" in line:
                process.send_signal(signal.SIGTSTP)
            if "ctrl-z is ignored" in line:
                process.send_signal(signal.SIGTERM)
    assert process.returncode == 0
    text = "".join(lines)
    assert "RECONCILE_RESULT" in text and "cash      Rs 1,000,000.00" in text
    assert token not in text


def test_a_used_request_token_is_refused_and_no_session_is_left(venue: Venue, tmp_path: Path) -> None:
    refused = run_main("login", "--home", tmp_path, "--request-token", "used", variables=variables(venue))
    assert refused.returncode == 69
    assert not (tmp_path / "state" / "kite_session.json").exists()


def test_a_clock_that_stands_still_is_refused(tmp_path: Path) -> None:
    with running_venue(tmp_path / "venue") as still:
        ended = run_main("--yes-live", "--home", tmp_path / "home", variables=variables(still))
    assert ended.returncode == 69
    assert "stands still" in ended.stderr
