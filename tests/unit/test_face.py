"""What the operator sees of a run, and that a run outlives what can happen to it."""

from __future__ import annotations

import logging
import os
import pty
import select
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from threading import Event as Flag
from typing import TextIO

import pytest

from config.loading import load_settings
from tests.unit.ui.builders import an_event
from tradebot import __version__
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.app.replay import Replay, open_replay
from tradebot.cli.face import WARNINGS_MAX, Face, LateWarnings
from tradebot.domain.alerts import AlertAction
from tradebot.domain.events import EventName
from tradebot.engine.views import Marks
from tradebot.interfaces.ui.choice import Face as Kind
from tradebot.interfaces.ui.look import Look

ROOT = Path(__file__).parents[2]
PATIENCE_S = 10.0
SETTINGS = load_settings(ROOT, {}, {"mode": "replay", "speed": "0"})
AN_EVENT = an_event(EventName.ORDER_FILLED, "INFY buy 10 @1000.00")


class Pty:
    """A terminal whose reader we are; `stdout` writes to it."""

    def __init__(self) -> None:
        self.master, slave = pty.openpty()
        self.stdout: TextIO = os.fdopen(slave, "w", encoding="utf-8")

    def read_until(self, wanted: bytes) -> bytes:
        found = b""
        while wanted not in found:
            assert select.select([self.master], [], [], PATIENCE_S)[0], f"{wanted!r} not in {found[-300:]!r}"
            found += os.read(self.master, 65536)
        return found

    def hang_up(self) -> None:
        os.close(self.master)
        self.master = os.open(os.devnull, os.O_RDONLY)


class FlaggedText(StringIO):
    """An error stream that says when something was written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.is_written = Flag()

    def write(self, text: str) -> int:
        length = super().write(text)
        self.is_written.set()
        return length


@pytest.fixture
def tty() -> Iterator[Pty]:
    opened = Pty()
    yield opened
    opened.stdout.close()
    os.close(opened.master)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    with open_replay(SETTINGS, home=tmp_path_factory.mktemp("home"), folder=ROOT) as replay:
        yield replay


def a_face(stdout: TextIO, stderr: TextIO | None = None, kind: Kind = "full") -> Face:
    return Face(kind, SETTINGS, RealClock(), look=Look(), stdout=stdout, stderr=stderr or StringIO())


def failing(symbols: Sequence[str]) -> Marks:
    raise ValueError("no marks today")


def never() -> None:
    raise AssertionError("nobody asked for the end")


def test_a_run_that_ends_well_leaves_the_terminal_to_its_own_summary(tty: Pty, run: Replay) -> None:
    with a_face(tty.stdout) as face:
        face.show(run, never)
        face.turn()
        tty.read_until(b"REPLAY")
        face(AN_EVENT)
        face.finish()
    tty.stdout.write("the summary")
    tty.stdout.flush()
    last = tty.read_until(b"the summary")

    assert b"INFY buy 10 @1000.00" in last, "the last picture is of the end"
    assert last.endswith(b"\x1b[?1049lthe summary")


def test_a_run_that_fails_leaves_the_summary_of_the_dashboard(tty: Pty, run: Replay) -> None:
    with pytest.raises(RuntimeError, match="the run failed"), a_face(tty.stdout) as face:
        face.show(run, never)
        face.turn()
        tty.read_until(b"REPLAY")
        raise RuntimeError("the run failed")

    assert b"orders: 0 pending" in tty.read_until(b"session:")


def test_a_picture_that_cannot_be_made_ends_the_dashboard_and_lines_go_on(tty: Pty, run: Replay) -> None:
    stderr = FlaggedText()
    with a_face(tty.stdout, stderr) as face:
        face.show(replace(run, marks=failing), never)
        face.turn()
        assert stderr.is_written.wait(PATIENCE_S)
        face.turn()
        face(AN_EVENT)
        found = tty.read_until(b"@1000.00")

    assert stderr.getvalue() == "tradebot: the dashboard ended, lines go on: ValueError: no marks today\n"
    assert found.split(b"\x1b[?1049l")[1].startswith(b"2026-11-16 12:00:00 IST")


def test_a_screen_that_costs_too_much_is_given_up_and_lines_go_on(tty: Pty, run: Replay) -> None:
    firing = replace(
        AN_EVENT,
        name=EventName.ALERT_FIRING,
        message="ui_cpu: 31 per cent",
        fields={"alert": "ui_cpu", "action": AlertAction.MONITORS_OFF},
    )
    stderr = FlaggedText()
    with a_face(tty.stdout, stderr) as face:
        face.show(run, never)
        face.turn()
        tty.read_until(b"REPLAY")
        face(firing)
        assert stderr.is_written.wait(PATIENCE_S)
        face(AN_EVENT)
        found = tty.read_until(b"\n")

    assert stderr.getvalue() == "tradebot: the dashboard ended, lines go on: ui_cpu: 31 per cent\n"
    assert b"INFY buy 10 @1000.00" in found.split(b"\x1b[?1049l")[1]


def test_after_a_hang_up_nothing_is_said_and_what_is_printed_goes_nowhere(tty: Pty, run: Replay) -> None:
    stderr = StringIO()
    with a_face(tty.stdout, stderr) as face:
        face.show(run, never)
        face.turn()
        tty.read_until(b"REPLAY")
        tty.hang_up()
        face.hang_up()
        lines, until = run.session / "lines.txt", RealClock().monotonic() + PATIENCE_S
        while not lines.exists() or "INFY buy 10 @1000.00" not in lines.read_text(encoding="utf-8"):
            assert RealClock().monotonic() < until
            face.turn()
            face(AN_EVENT)
        face.finish()
    print("the summary", file=tty.stdout, flush=True)

    assert stderr.getvalue() == ""


def test_lines_of_a_terminal_that_has_hung_up_go_on_in_the_folder_of_the_session(tty: Pty, run: Replay) -> None:
    with a_face(tty.stdout, kind="line") as face:
        face.show(run, never)
        face(AN_EVENT)
        tty.read_until(b"INFY buy 10 @1000.00")
        tty.hang_up()
        face.hang_up()
        face.turn()
        face(replace(AN_EVENT, message="after it"))
        face.turn()

    assert "after it" in (run.session / "lines.txt").read_text(encoding="utf-8")


def test_hung_up_while_the_run_was_opened_no_dashboard_begins(tty: Pty, run: Replay) -> None:
    with a_face(tty.stdout) as face:
        face.hang_up()
        face.show(run, never)
        face.turn()
        face(AN_EVENT)
    tty.stdout.write("end")
    tty.stdout.flush()

    assert tty.read_until(b"end") == b"end"


def test_the_signal_silences_lines_on_a_terminal(tty: Pty) -> None:
    with a_face(tty.stdout, kind="line") as face:
        face(AN_EVENT)
        face.hang_up()
        face(replace(AN_EVENT, message="after it"))
    tty.stdout.write("end")
    tty.stdout.flush()

    found = tty.read_until(b"end")
    assert b"ORDER_FILLED" in found
    assert b"after it" not in found


def test_the_signal_leaves_lines_in_a_file_alone(tmp_path: Path) -> None:
    with (
        (tmp_path / "lines").open("w", encoding="utf-8") as file,
        a_face(file, kind="line") as face,
    ):
        face.hang_up()
        face(AN_EVENT)

    assert "ORDER_FILLED" in (tmp_path / "lines").read_text(encoding="utf-8")


def test_warnings_of_libraries_wait_until_the_dashboard_has_gone(tty: Pty) -> None:
    stderr = StringIO()
    with a_face(tty.stdout, stderr):
        logging.getLogger("a.library").warning("a run was missed")
        during = stderr.getvalue()

    assert during == ""
    assert stderr.getvalue() == "a run was missed\n"


def test_of_too_many_warnings_the_newest_are_kept() -> None:
    warnings, stream = LateWarnings(), StringIO()
    for number in range(WARNINGS_MAX + 5):
        warnings.emit(logging.LogRecord("x", logging.WARNING, "x", 1, f"{number}", None, None))

    warnings.tell(stream)

    assert stream.getvalue().splitlines() == [str(number) for number in range(5, WARNINGS_MAX + 5)]


def test_a_run_begins_with_what_it_is_where_it_writes_and_what_is_switched_on(tmp_path: Path, run: Replay) -> None:
    with (
        (tmp_path / "lines").open("w", encoding="utf-8") as file,
        a_face(file, kind="line") as face,
    ):
        face.show(run, never)
    first, folder, on, off, _ = (tmp_path / "lines").read_text(encoding="utf-8").splitlines()

    assert first.startswith(f"tradebot {__version__}, mode replay, session {run.session.name}, started ")
    assert folder == f"session folder: {run.session}"
    assert "ENABLE_COID_MANAGER" in on
    assert "OBSERVE_ONLY" in off


def test_the_beginning_stands_in_the_normal_screen_before_the_dashboard(tty: Pty, run: Replay) -> None:
    with a_face(tty.stdout) as face:
        face.show(run, never)
        found = tty.read_until(b"\x1b[?1049h")

    assert f"session folder: {run.session}".encode() in found
