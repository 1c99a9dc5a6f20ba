"""Line mode on real pipes, and the choice of a face."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TextIO

import pytest

from tests.unit.ui.builders import an_event
from tests.unit.ui.test_views import SteppedClock
from tradebot.domain.events import EventName, Level
from tradebot.interfaces.ui.choice import Switches, by_switches, choose_ui
from tradebot.interfaces.ui.line import LINES_MAX, LineMode, event_line
from tradebot.interfaces.ui.look import Look


@contextmanager
def a_pipe(encoding: str = "utf-8") -> Iterator[tuple[TextIO, int]]:
    """A stream into a pipe, and the descriptor of its reading end."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding=encoding) as stream:
        yield stream, reading
    os.close(reading)


def read_all(stream: TextIO, reading: int) -> str:
    stream.close()
    parts = []
    while part := os.read(reading, 65536):
        parts.append(part)
    return b"".join(parts).decode()


def test_each_event_is_one_line_with_its_time_in_india() -> None:
    event = an_event(EventName.ORDER_REJECTED, "INFY buy 10:\n\x1b[31mmargin", level=Level.WARNING)

    assert event_line(event) == ("2026-11-16 12:00:00 IST  WARNING   ORDER_REJECTED       INFY buy 10: ?[31mmargin")


def test_all_lines_are_written_by_the_time_it_has_stopped() -> None:
    with a_pipe() as (stream, reading):
        line = LineMode(stream, SteppedClock())
        line.start()
        for number in range(300):
            line(an_event(EventName.ORDER_SENT, f"number {number}"))
        line.stop()
        found = read_all(stream, reading).splitlines()

    assert [text.rsplit(maxsplit=1)[1] for text in found] == [str(number) for number in range(300)]


def test_events_of_every_cycle_come_once_a_second_with_the_number_left_out() -> None:
    clock = SteppedClock()
    with a_pipe() as (stream, reading):
        line = LineMode(stream, clock)
        for _ in range(5):
            line(an_event(EventName.CYCLE, "9 checked"))
            line(an_event(EventName.ORDER_SENT, "an order"))
        clock.seconds += 1.0
        line(an_event(EventName.CYCLE, "last"))
        line.start()
        line.stop()
        found = read_all(stream, reading)

    assert found.count("ORDER_SENT") == 5
    assert found.count("CYCLE") == 2
    assert "last (+4 more)" in found


def test_a_reader_that_never_reads_costs_lines_and_never_the_caller() -> None:
    with a_pipe() as (stream, _):
        line = LineMode(stream, SteppedClock())
        line.start()
        for _ in range(LINES_MAX + 5_000):
            line(an_event(EventName.ORDER_SENT, "x" * 100))
        kept = line.lost
        stopper = Thread(target=line.stop, daemon=True)
        stopper.start()
        stopper.join(10)

        assert not stopper.is_alive()
        assert 0 < kept <= 5_000


def test_a_reader_that_has_gone_ends_the_lines_alone() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        line = LineMode(stream, SteppedClock())
        line.start()
        line(an_event(EventName.ORDER_SENT, "nobody"))
        line.stop()
        line(an_event(EventName.ORDER_SENT, "nobody"))

    assert line.lost == 1


def test_a_stream_of_ascii_gets_ascii(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    with path.open("w", encoding="ascii") as stream:
        line = LineMode(stream, SteppedClock())
        line(an_event(EventName.ORDER_SENT, "cut… ₹"))
        line.start()
        line.stop()

    assert path.read_text("ascii").endswith("cut~ ?\n")


@pytest.mark.parametrize("requested", ["auto", "full", "line"])
def test_without_a_terminal_there_are_lines(requested: str, tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as stream:
        assert choose_ui(requested, Switches(), stream, {"TERM": "xterm"}) == "line"


def test_off_is_off_and_anything_else_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as stream:
        assert choose_ui("off", Switches(), stream, {}) == "off"
        with pytest.raises(ValueError, match="allowed are auto, full, line, off"):
            choose_ui("none", Switches(), stream, {})


@pytest.mark.flag("ENABLE_LIVE_MONITORS")
@pytest.mark.flag("ENABLE_LIVE_DASHBOARD")
@pytest.mark.flag("ENABLE_LIVE_HEARTBEAT")
@pytest.mark.flag("ENABLE_RICH_LOGGING")
@pytest.mark.parametrize(
    ("switches", "face"),
    [
        (Switches(), "full"),
        (Switches(dashboard=False), "heartbeat"),
        (Switches(dashboard=False, heartbeat=False), "rich"),
        (Switches(monitors=False), "rich"),
        (Switches(monitors=False, rich_lines=False), "line"),
    ],
)
def test_the_switches_choose_the_face(switches: Switches, face: str) -> None:
    assert by_switches(switches) == face


def test_rich_lines_are_coloured_by_their_level_and_the_words_are_the_same() -> None:
    warning = an_event(EventName.ORDER_REJECTED, "INFY buy 10: margin", level=Level.WARNING)
    with a_pipe() as (stream, reading):
        line = LineMode(stream, SteppedClock(), Look())
        line.start()
        line(warning)
        line(an_event(EventName.ORDER_SENT, "INFY buy 10"))
        line.stop()
        coloured, plain = read_all(stream, reading).splitlines()

    assert coloured == f"\x1b[33m{event_line(warning)}\x1b[0m"
    assert "\x1b" not in plain
