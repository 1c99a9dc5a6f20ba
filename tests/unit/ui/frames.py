"""Frames of the screen kept as text; `python -m tests.unit.ui.frames` writes them anew, to be read in the diff.

Four scenes at four sizes, each as text, with its colours (escape sequences begin with ␛) and in ASCII; and pages and
questions at the smallest usual size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from tests.unit.ui.builders import a_busy_view, a_killed_view, a_quiet_view, an_outage
from tradebot.engine.views import DaemonView
from tradebot.interfaces.ui.asking import about_killing, about_quitting, about_retrying
from tradebot.interfaces.ui.browsing import Browsing, Focus, Page
from tradebot.interfaces.ui.layout import frame
from tradebot.interfaces.ui.look import Line, Look, encoded, plain_text
from tradebot.interfaces.ui.panels.header import Moment

FOLDER = Path(__file__).parent / "accepted_frames"
MOMENT = Moment(age_s=0.0, up_s=8_000.0)
SIZES = ((59, 15), (80, 24), (120, 40), (200, 60))

Scene = tuple[DaemonView, Browsing, tuple[int, int], str]
"""What is shown, where the reader is, columns and lines, and the look's name."""


@cache
def views() -> Mapping[str, DaemonView]:
    return {"quiet": a_quiet_view(), "busy": a_busy_view(), "outage": an_outage(), "killed": a_killed_view()}


@cache
def scenes() -> Mapping[str, Scene]:
    main, small = Browsing(), (80, 24)
    busy = views()["busy"]
    order = busy.orders[2].order.id
    failed = next(row for row in busy.orders if row.order.status == "failed")
    retrying = about_retrying(failed)
    assert not isinstance(retrying, str)
    places = {
        "help": replace(main, page=Page.HELP),
        "detail": replace(main, page=Page.DETAIL, selected=order),
        "quitting": replace(main, question=about_quitting()),
        "killing": replace(main, question=about_killing(is_killed=False)),
        "retrying": replace(main, selected=failed.order.id, question=retrying),
        "header-alone": replace(main, has_panels=False),
        **{f"panel-{focus}": replace(main, focus=focus) for focus in Focus},
    }
    found = {
        f"{name}-{columns}x{lines}-{look}": (view, main, (columns, lines), look)
        for name, view in views().items()
        for columns, lines in SIZES
        for look in _WRITERS
    }
    return found | {f"busy-80x24-{name}": (busy, browsing, small, "text") for name, browsing in places.items()}


def as_text(lines: list[Line], look: Look) -> str:
    return "".join(f"{plain_text(line, look)}\n" for line in lines)


def written(scene: Scene) -> str:
    view, browsing, size, look = scene
    return _WRITERS[look](frame(view, browsing, size, MOMENT))


def write() -> None:
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.txt"):
        old.unlink()
    for name, scene in scenes().items():
        (FOLDER / f"{name}.txt").write_text(written(scene), encoding="utf-8")


def _in_colour(lines: list[Line]) -> str:
    return "".join(f"{encoded(line, Look()).decode().rstrip()}\n" for line in lines).replace("\x1b", "␛")


_WRITERS: Mapping[str, Callable[[list[Line]], str]] = {
    "text": lambda lines: as_text(lines, Look(is_coloured=False)),
    "colour": _in_colour,
    "ascii": lambda lines: as_text(lines, Look(is_ascii=True)),
}


if __name__ == "__main__":
    write()
