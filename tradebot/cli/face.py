"""What the operator sees of a run: the dashboard, a line for each event, or nothing; and what follows a lost one."""

from __future__ import annotations

import logging
import os
import sys
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from config.kinds import Mode
from config.settings import Settings
from tradebot.app.facts import run_facts
from tradebot.app.live import Live
from tradebot.app.paper import Paper
from tradebot.app.replay import Replay
from tradebot.cli.banner import banner
from tradebot.cli.progress import Progress
from tradebot.domain.alerts import AlertAction
from tradebot.domain.events import Event, EventName
from tradebot.engine.answers import Answer
from tradebot.engine.bus import Listener
from tradebot.engine.commands import Command
from tradebot.engine.engine import Engine
from tradebot.engine.flags_view import flags_in_force
from tradebot.engine.inbox import InboxFull
from tradebot.engine.view_feed import Sources, ViewFeed, ViewMaker, ViewSlot
from tradebot.interfaces.ui.choice import Face as Kind
from tradebot.interfaces.ui.choice import Switches, choose_ui
from tradebot.interfaces.ui.line import LineMode
from tradebot.interfaces.ui.look import Look
from tradebot.interfaces.ui.screen import Dashboard, DashboardOptions
from tradebot.interfaces.ui.terminal import Terminal
from tradebot.ports import Clock

WARNINGS_MAX = 100
NOT_SUSPENDED = "ctrl-z is ignored in live mode: a suspended tradebot looks after nothing"
LINES = "lines.txt"
"""In the session's folder: the lines of a run whose terminal has gone."""


class Face:
    """A listener of the bus that also is called at each turn of the loop; around the whole run as a context.

    The daemon outlives it. A dashboard that fails says why on the error stream and is followed by lines; one whose
    terminal has hung up is followed by lines in the session's `lines.txt`. When the context has ended, output that
    would go to a terminal that has hung up goes nowhere, so that the end of a run without a terminal is an orderly one.
    """

    def __init__(
        self,
        kind: Kind,
        settings: Settings,
        clock: Clock,
        *,
        look: Look,
        stdout: TextIO,
        stderr: TextIO,
        is_read_only: bool = False,
    ) -> None:
        """`clock` is the machine's. `is_read_only`: the screen's keys change nothing."""
        self._settings = settings
        self._clock = clock
        self._stdout = stdout
        self._stderr = stderr
        self._look = look
        self._is_read_only = is_read_only
        self._kind = kind
        self._on_terminal = [stream for stream in (stdout, stderr) if stream.isatty()]
        self._listener: Listener = _nothing
        self._feed = ViewFeed()
        self._maker: ViewMaker | None = None
        self._dashboard: Dashboard | None = None
        self._lines: list[LineMode] = []
        self._session: Path | None = None
        self._file: TextIO | None = None
        self._warnings = LateWarnings()
        self._is_hung_up = self._is_in_file = self._is_suspension_refused = False
        self._is_fault_told = False

    @classmethod
    def of_process(
        cls, settings: Settings, clock: Clock, *, is_ascii: bool = False, is_read_only: bool = False
    ) -> Self:
        """What the settings ask for, as far as this process has a terminal that is fit for it."""
        kind = choose_ui(settings.screen.ui, _switches(settings), sys.stdout, os.environ)
        look = Look.of(os.environ, is_ascii=is_ascii)
        return cls(kind, settings, clock, look=look, stdout=sys.stdout, stderr=sys.stderr, is_read_only=is_read_only)

    def __enter__(self) -> Self:
        replay = self._settings.replay
        match self._kind:
            case "full" | "heartbeat":
                self._listener = self._feed
                logging.getLogger().addHandler(self._warnings)
            case "line" | "rich":
                self._begin_lines()
            case "off":
                if self._settings.run.mode is Mode.REPLAY:
                    self._listener = Progress(self._stderr, self._clock, replay.first_day, replay.last_day)
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        """A run that ends well has a summary of its own; after any other end the dashboard's stays."""
        if self._dashboard is not None:
            self._dashboard.stop(is_silent=fault is None)
            self._say_why_it_ended(self._dashboard)
        for lines in self._lines:
            lines.stop()
        if self._file is not None:
            self._file.close()
        with Path(os.devnull).open("wb") as nowhere:
            for stream in self._on_terminal:
                if not stream.isatty():
                    os.dup2(nowhere.fileno(), stream.fileno())
        logging.getLogger().removeHandler(self._warnings)
        self._warnings.tell(self._stderr)

    def __call__(self, event: Event) -> None:
        self._listener(event)
        if event.name is EventName.ALERT_FIRING and event.fields.get("action") == AlertAction.MONITORS_OFF:
            self._give_up(event.message)

    def show(self, run: Replay | Paper | Live, stop: Callable[[], None]) -> None:
        """The run is open and about to begin. `stop` ends it, from any thread; the dashboard's key does so."""
        self._session = run.session
        if self._is_hung_up:
            return
        self._introduce(run)
        if self._kind not in ("full", "heartbeat"):
            return
        try:
            terminal = Terminal.behind(self._stdout)
        except OSError as cause:
            print(f"tradebot: no dashboard, but lines: {cause}", file=self._stderr)
            self._begin_lines()
            return
        slot = ViewSlot()
        self._maker = ViewMaker(
            memory=run.engine.memory,
            setting=run.engine.setting,
            facts=run_facts(self._settings, run, self._clock.monotonic()),
            feed=self._feed,
            slot=slot,
            clock=run.clock,
            real=self._clock,
            sources=Sources(marks=run.marks, vitals=run.vitals),
        )
        options = DashboardOptions(
            refresh_s=float(self._settings.screen.live_monitor_refresh_s),
            look=self._look,
            screenshots=run.session,
            is_read_only=self._is_read_only,
            has_panels=self._kind == "full",
        )
        hand_in = _handing_in(run.engine, run.session.name)
        self._dashboard = Dashboard(slot, terminal, stop, self._clock, options, self._dashboard_ended, hand_in)
        self._dashboard.start()

    def _introduce(self, run: Replay | Paper | Live) -> None:
        """In the lines, or in the normal screen, where it stands again when the dashboard has gone."""
        flags = flags_in_force(run.engine.setting.policy)
        lines = banner(self._settings.run.mode, run.session, self._clock.now(), flags)
        if self._lines:
            for line in lines:
                self._lines[-1].say(line)
        elif self._kind != "off":
            print("\n".join(lines), file=self._stdout, flush=True)

    def turn(self) -> None:
        """On the engine's thread, whenever something may have changed."""
        if self._is_hung_up and self._dashboard is None and self._stdout in self._on_terminal:
            self._go_on_in_file()
        if self._is_suspension_refused and self._lines:
            self._is_suspension_refused = False
            self._lines[-1].say(NOT_SUSPENDED)
        self._make_view(ViewMaker.refresh)

    def finish(self) -> None:
        """On the engine's thread, when the run has come to its end: the last picture is of the end."""
        self._make_view(ViewMaker.refresh_now)

    def hang_up(self) -> None:
        """For the signal of that name: whatever is on a terminal goes, the daemon stays."""
        self._is_hung_up = True
        if self._dashboard is not None:
            self._dashboard.leave()
        elif self._stdout in self._on_terminal:
            self._listener = _nothing

    def refuse_suspension(self) -> None:
        """For the signal of Ctrl-Z where it is not obeyed: the next turn says so in the lines. To the dashboard it is
        a key."""
        self._is_suspension_refused = True

    def come_back(self) -> None:
        """For the signal that ends a stop: whoever had the terminal meanwhile has changed it."""
        if self._dashboard is not None:
            self._dashboard.come_back()

    def _give_up(self, why: str) -> None:
        """The screen costs too much; lines take its place."""
        self._maker = None
        if self._dashboard is not None:
            self._dashboard.leave(why)

    def _make_view(self, make: Callable[[ViewMaker], None]) -> None:
        maker = self._maker
        if maker is None:
            return
        try:
            make(maker)
        except Exception as fault:  # the daemon outlives its face
            self._give_up(f"{type(fault).__name__}: {fault}")

    def _dashboard_ended(self) -> None:
        """On the dashboard's thread, which has given the terminal back."""
        self._maker = None
        if self._dashboard is None:
            return
        if self._has_lost_terminal(self._dashboard):
            self._go_on_in_file()
            return
        self._begin_lines()
        self._say_why_it_ended(self._dashboard)

    def _say_why_it_ended(self, dashboard: Dashboard) -> None:
        if dashboard.fault and not self._is_fault_told and not self._has_lost_terminal(dashboard):
            self._is_fault_told = True
            print(f"tradebot: the dashboard ended, lines go on: {dashboard.fault}", file=self._stderr, flush=True)

    def _has_lost_terminal(self, dashboard: Dashboard) -> bool:
        return self._is_hung_up or dashboard.is_terminal_gone

    def _begin_lines(self) -> None:
        is_rich = self._kind == "rich" and self._stdout in self._on_terminal
        self._write_lines(self._stdout, self._look if is_rich else None)

    def _go_on_in_file(self) -> None:
        """Nobody is at the terminal any more: what would be told there can be read in the session's folder."""
        if self._is_in_file:
            return
        self._is_in_file, self._listener = True, _nothing
        if self._session is None or self._kind == "off":
            return
        with suppress(OSError):  # a refusing disk has alerts of its own
            self._file = (self._session / LINES).open("a", encoding="utf-8")
            self._write_lines(self._file)

    def _write_lines(self, stream: TextIO, look: Look | None = None) -> None:
        lines = LineMode(stream, self._clock, look)
        lines.start()
        self._lines.append(lines)
        self._listener = lines


class LateWarnings(logging.Handler):
    """Keeps what libraries warn of while the dashboard has the terminal; `tell` writes it down.

    The newest WARNINGS_MAX are kept.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._kept: deque[str] = deque(maxlen=WARNINGS_MAX)

    def emit(self, record: logging.LogRecord) -> None:
        self._kept.append(self.format(record))

    def tell(self, stream: TextIO) -> None:
        while self._kept:
            print(self._kept.popleft(), file=stream)


def _nothing(event: Event) -> None:
    """For who shows nothing."""


def _handing_in(engine: Engine, session: str) -> Callable[[Command], Future[Answer]]:
    """Commands of the keys, each under an id of its own; the answer comes when what it changed is saved."""
    numbers = count(1)

    def hand_in(command: Command) -> Future[Answer]:
        correlation_id = f"dashboard:{session}:{next(numbers)}"
        awaited = engine.answers.expect(correlation_id)
        try:
            engine.inbox.put(replace(command, correlation_id=correlation_id))
        except InboxFull:
            engine.answers.forget(correlation_id)
            raise
        return awaited

    return hand_in


def _switches(settings: Settings) -> Switches:
    return Switches(
        monitors=bool(settings.in_force("ENABLE_LIVE_MONITORS")),
        dashboard=bool(settings.in_force("ENABLE_LIVE_DASHBOARD")),
        heartbeat=bool(settings.in_force("ENABLE_LIVE_HEARTBEAT")),
        rich_lines=bool(settings.in_force("ENABLE_RICH_LOGGING")),
    )
