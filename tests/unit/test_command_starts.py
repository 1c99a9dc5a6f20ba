"""A question that somebody types does not wait for the daemon's parts to be loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.simulator.killing import ROOT

HEAVY = ("tradebot.engine.engine", "tradebot.exchange.exchange", "requests", "fastapi", "rich", "alembic")
"""What these load took three times as long as to answer."""


@pytest.mark.parametrize(
    "module", ["tradebot.cli.orders", "tradebot.cli.ids", "tradebot.cli.config", "tradebot.cli.commanding"]
)
def test_a_question_loads_no_part_that_only_a_daemon_needs(module: str) -> None:
    program = f"import sys, {module}; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert not set(HEAVY) & set(loaded.stdout.split())


def test_what_serves_loads_its_framework_on_a_thread_of_its_own() -> None:
    program = "import sys, tradebot.app.http_parts, tradebot.interfaces.api.server; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert not {"fastapi", "uvicorn", "starlette.applications"} & set(loaded.stdout.split())
