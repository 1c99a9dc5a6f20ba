"""What tests have to say beside passing (how many crash points, at what rate) is printed at the end of the run."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from hypothesis import settings

from tests.postgresql import server

# Two runs at a time cannot have the same port: a test that wants the HTTP interface asks for a free one.
os.environ.setdefault("TRADEBOT_ENABLE_HTTP_API", "false")

_SAID = "said"

# How long an example takes says how busy the machine is.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture
def say(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Says a line at the end of the run, also from a worker process."""
    return lambda line: record_property(_SAID, line)


def pytest_report_header() -> str:
    return f"PostgreSQL: {server.described()}"


def pytest_unconfigure() -> None:
    server.stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for found in terminalreporter.stats.values() for report in found]
    for report in reports:
        if getattr(report, "when", "") == "call":
            for name, line in report.user_properties:
                if name == _SAID:
                    terminalreporter.write_line(str(line))
