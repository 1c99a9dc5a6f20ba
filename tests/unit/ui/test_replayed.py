"""What is written to the terminal, replayed through a terminal emulator: its screen is what the frame says."""

from __future__ import annotations

import os
import pty
import select
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import pyte
import pytest

from tests.unit.ui.frames import MOMENT, SIZES, as_text, views
from tradebot.engine.views import DaemonView
from tradebot.interfaces.ui.asking import about_killing
from tradebot.interfaces.ui.browsing import Browsing, Focus, Page
from tradebot.interfaces.ui.layout import frame
from tradebot.interfaces.ui.look import Line, Look, encoded, plain_text
from tradebot.interfaces.ui.terminal import Terminal

LOOKS = (Look(), Look(is_coloured=False), Look(is_ascii=True))


class Emulator:
    """A pseudo-terminal with the emulator at its other end."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self._master, self._slave = pty.openpty()
        self.terminal = Terminal(os.ttyname(self._slave))

    def show(self, lines: Sequence[Line], look: Look) -> list[str]:
        """Paint one frame, as the dashboard does, and read the emulator's screen."""
        wanted = [encoded(line, look) for line in lines]
        while not self.terminal.paint(wanted):
            self._take()
        while self._take():
            self.terminal.read(0)
        return [line.rstrip() for line in self.screen.display]

    def _take(self) -> bool:
        is_there = bool(select.select([self._master], [], [], 0.05)[0])
        if is_there:
            self._stream.feed(os.read(self._master, 65536))
        return is_there

    def close(self) -> None:
        self.terminal.close()
        os.close(self._master)
        os.close(self._slave)


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    opened = Emulator(request.param)
    yield opened
    opened.close()


def _size(emulator: Emulator) -> tuple[int, int]:
    return emulator.screen.columns, emulator.screen.lines


@pytest.mark.parametrize("look", LOOKS, ids=["colour", "plain", "ascii"])
def test_from_any_scene_to_the_next_the_screen_is_what_the_frame_says(emulator: Emulator, look: Look) -> None:
    scenes = list(views().values())
    for _, view in pairwise([scenes[-1], *scenes, *reversed(scenes)]):
        lines = frame(view, Browsing(), _size(emulator), MOMENT)

        assert emulator.show(lines, look) == [plain_text(line, look) for line in lines]


def test_every_panel_page_and_question_is_shown_as_it_is_drawn(emulator: Emulator) -> None:
    view: DaemonView = views()["busy"]
    places = [Browsing(focus=focus) for focus in Focus] + [Browsing(page=page) for page in Page]
    places += [Browsing(question=about_killing(is_killed=False)), replace(Browsing(), typing="sbin")]
    for browsing in places:
        lines = frame(view, browsing, _size(emulator), MOMENT)

        found = "".join(f"{line}\n" for line in emulator.show(lines, Look()))

        assert found == as_text(lines, Look())
