"""A process with a dashboard on its terminal and a scripted daemon behind it: what the tests of the terminal start.

Its first argument is a file: a line of how the run goes on is added to it for each turn of the daemon, and at its end.
A second one says what fails: `raise` the daemon, `panel` one panel, `keys` whatever key is pressed.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import cast

from tests.unit.ui.builders import a_busy_view
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.engine.view_feed import ViewSlot
from tradebot.engine.views import BlockCount, DaemonView, OrderRow
from tradebot.interfaces.ui.choice import Switches, choose_ui
from tradebot.interfaces.ui.look import Look
from tradebot.interfaces.ui.screen import Dashboard, DashboardOptions
from tradebot.interfaces.ui.terminal import Terminal

TURN_S = 0.05


def run(diary: Path) -> None:
    stopped, clock, slot = Event(), RealClock(), ViewSlot()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    face = choose_ui("auto", Switches(), sys.stdout, os.environ)
    options = DashboardOptions(refresh_s=0.5, look=Look.of(os.environ), screenshots=diary.parent)
    dashboard = Dashboard(slot, Terminal.behind(sys.stdout), stopped.set, clock, options)
    dashboard.start()
    busy = _broken(a_busy_view())
    for turn in range(1200):
        slot.put(replace(busy, made_s=clock.monotonic()))
        with diary.open("a") as file:
            file.write(f"{face} turn {turn} {dashboard.fault}\n")
        if stopped.wait(TURN_S):
            break
        if "raise" in sys.argv and turn == 20:
            raise RuntimeError("the daemon failed")
    dashboard.stop()
    with diary.open("a") as file:
        file.write(f"ended {dashboard.fault}\n")


def _broken(view: DaemonView) -> DaemonView:
    """What no daemon makes: a panel fails at the one, and the keys at the other."""
    if "panel" in sys.argv:
        block = BlockCount(reason="X", count=1, symbol="", at=cast("datetime", None))
        return replace(view, tail=replace(view.tail, blocks=(block,)))
    if "keys" in sys.argv:
        return replace(view, orders=cast("tuple[OrderRow, ...]", None))
    return view


if __name__ == "__main__":
    run(Path(sys.argv[1]))
