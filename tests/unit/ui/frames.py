"""Frames of the screen kept as text; `python -m tests.unit.ui.frames` writes them anew, to be read in the diff."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.unit.ui.builders import a_busy_view, a_memory, a_view
from tradebot.engine.views import DaemonView
from tradebot.interfaces.ui.browsing import Browsing, Focus, Page
from tradebot.interfaces.ui.layout import frame
from tradebot.interfaces.ui.look import Line, Look, plain_text
from tradebot.interfaces.ui.panels.header import Moment

FOLDER = Path(__file__).parent / "accepted_frames"
MOMENT = Moment(age_s=0.0, up_s=8_000.0)


def scenes() -> dict[str, tuple[DaemonView, Browsing, tuple[int, int], Look]]:
    busy, main = a_busy_view(), Browsing()
    stopped = a_view(a_memory(entries_stopped="the last change could not be saved: disk full", is_reconciled=False))
    unicode, plain = Look(), Look(is_ascii=True)
    order = busy.orders[2].order.id
    return {
        "59x15": (busy, main, (59, 15), unicode),
        "60x16": (busy, main, (60, 16), unicode),
        "80x24": (busy, main, (80, 24), unicode),
        "80x24-ascii": (busy, main, (80, 24), plain),
        "80x24-schedule": (busy, replace(main, focus=Focus.SCHEDULE), (80, 24), unicode),
        "80x24-help": (busy, replace(main, page=Page.HELP), (80, 24), unicode),
        "80x24-detail": (busy, replace(main, page=Page.DETAIL, selected=order), (80, 24), unicode),
        "80x24-stopped": (stopped, main, (80, 24), unicode),
        "80x24-quitting": (busy, replace(main, is_quitting=True), (80, 24), unicode),
        "120x40": (busy, main, (120, 40), unicode),
        "200x60": (busy, main, (200, 60), unicode),
    }


def as_text(lines: list[Line], look: Look) -> str:
    return "".join(f"{plain_text(line, look)}\n" for line in lines)


def write() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, (view, browsing, size, look) in scenes().items():
        (FOLDER / f"{name}.txt").write_text(as_text(frame(view, browsing, size, MOMENT), look), encoding="utf-8")


if __name__ == "__main__":
    write()
