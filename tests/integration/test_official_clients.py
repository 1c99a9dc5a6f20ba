"""The brokers' own clients, unmodified, drive the exchange process through a whole order life.

They live in `.venv-clients` (`make clients`), with the old packages that they pin, and run as processes of it.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.venue import ROOT, running_venue, small_market

PYTHON = ROOT / ".venv-clients" / "bin" / "python"
EVENING = "2026-09-15T17:30:00"
ENDS_WITHIN_S = 300
INTERIM = ["PUT ORDER REQ RECEIVED", "VALIDATION PENDING", "OPEN PENDING", "OPEN"]
CHANGED = ["MODIFY VALIDATION PENDING", "MODIFY PENDING", "MODIFIED", "OPEN"]


def test_the_official_client_of_kite_lives_through_an_order(tmp_path: Path) -> None:
    seen = _life("kite_life.py", tmp_path)
    assert (seen["user"], seen["cash"], seen["instruments"], seen["close"]) == ("AB1234", 1_000_000, True, True)
    assert (seen["bad_tag"], seen["dead"], seen["logged_out"]) == (
        "InputException",
        "TokenException",
        "TokenException",
    )
    assert (seen["parked"], seen["amo_cancelled"], seen["released"]) == ("AMO REQ RECEIVED", "CANCELLED", "COMPLETE")
    assert seen["history"] == [*INTERIM, *CHANGED, "CANCEL PENDING", "CANCELLED"]
    assert (seen["cancelled"], seen["filled"], seen["bought"], seen["stop"]) == (
        "CANCELLED",
        "COMPLETE",
        5,
        "TRIGGER PENDING",
    )
    assert (seen["trades"], seen["position"]) == (True, 10)
    assert seen["events"][-1] == "COMPLETE"
    assert (seen["tick"], seen["depth"]) == (["full", True], 5)
    assert seen["held"] == [[0, 10]]


def test_the_official_client_of_kotak_lives_through_an_order(tmp_path: Path) -> None:
    seen = _life("kotak_life.py", tmp_path)
    assert seen["login"] == ["View", "Trade", True]
    assert (seen["empty"], seen["ip"], seen["net"], seen["dead"]) == (5203, "127.0.0.1", "1000000.00", 100022)
    assert (seen["parked"], seen["amo_cancelled"]) == (
        "after market order req received",
        "cancelled after market order",
    )
    assert seen["released"] == ["complete", "LIFE1"]
    words = [*INTERIM, *CHANGED, "CANCEL PENDING", "CANCELLED"]
    assert seen["history"] == [word.lower() for word in reversed(words)]
    assert (seen["cancelled"], seen["again"], seen["stop"]) == ("cancelled", 1021, "trigger pending")
    assert (seen["events"][-1], seen["filled"], seen["bought"], seen["position"]) == ("complete", 5, 5, "10")
    assert seen["held"] == [10]


def _life(program: str, folder: Path) -> Any:
    _need_clients()
    with running_venue(folder / "venue", "--no-rate-limits", "--data", str(small_market(folder)), at=EVENING) as venue:
        ended = subprocess.run(
            [str(PYTHON), str(ROOT / "tests" / "clients" / program), venue.url],
            capture_output=True,
            text=True,
            timeout=ENDS_WITHIN_S,
            cwd=folder,
            env=dict(os.environ),
        )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


def _need_clients() -> None:
    if (PYTHON.parent.parent / "installed.lock").exists():
        return
    missing = "the official clients are not installed: `make clients` builds .venv-clients"
    if os.environ.get("TRADEBOT_TEST_CLIENTS") == "required":
        pytest.fail(missing)
    pytest.skip(missing)
