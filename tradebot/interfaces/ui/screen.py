"""The dashboard: one thread that paints the newest view, reads the keys, and can be lost without harm."""

from __future__ import annotations

import atexit
import math
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event as Flag
from threading import Thread

from tradebot.engine.answers import Answer, Outcome
from tradebot.engine.commands import Command
from tradebot.engine.view_feed import ViewSlot
from tradebot.engine.views import DaemonView
from tradebot.interfaces.ui.browsing import Browsing, Wish, press
from tradebot.interfaces.ui.keys import decode
from tradebot.interfaces.ui.layout import body, frame, top
from tradebot.interfaces.ui.look import Line, Look, encoded, plain_text
from tradebot.interfaces.ui.panels.header import Moment
from tradebot.interfaces.ui.printable import ascii_only
from tradebot.interfaces.ui.screenshots import save_screenshot
from tradebot.interfaces.ui.summary import summary
from tradebot.interfaces.ui.terminal import Terminal, TerminalGone
from tradebot.ports import Clock

STOP_S = 2.0

_LOOK_S = 0.25
_CLOCK_S = 1.0
_NOTICE_S = 10.0
_VIEWS_PER_REFRESH = 0.5
"""A view is at most half a refresh old when it is painted."""
_TERMINAL_SIGNALS = {signal.SIGTTOU, signal.SIGTTIN, signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardOptions:
    """`refresh_s` is LIVE_MONITOR_REFRESH_S (0.5 to 5); `screenshots` the folder for them, the session's. Without
    `has_panels` there is the header alone, with the keys."""

    refresh_s: float = 2.0
    look: Look = field(default_factory=Look)
    screenshots: Path = Path()
    is_read_only: bool = False
    has_panels: bool = True


class Dashboard:
    """`start` takes the terminal, `stop` gives it back with a summary; so does the end of the process.

    The thread is the only one that writes to the terminal, and it waits for nobody: when the terminal takes nothing,
    frames are left out. When the terminal has gone or the thread fails, `fault` says so and the daemon goes on;
    `is_terminal_gone` tells the two apart.
    """

    def __init__(
        self,
        slot: ViewSlot,
        terminal: Terminal,
        on_quit: Callable[[], None],
        clock: Clock,
        options: DashboardOptions | None = None,
        on_end: Callable[[], None] | None = None,
        on_command: Callable[[Command], Future[Answer] | None] = lambda _: None,
    ) -> None:
        """`on_quit` is called on the dashboard's thread and only sets a flag; `clock` is the machine's. `on_command`
        is given there what the keys want of the engine, and only passes it on; its answer is shown when it comes.

        `on_end` is called on the dashboard's thread when it has ended without being stopped, after the terminal was
        given back. With nobody there to be called, the reason is left in the terminal.
        """
        self._slot = slot
        self._terminal = terminal
        self._on_quit = on_quit
        self._on_command = on_command
        self._clock = clock
        self._options = options or DashboardOptions()
        self._on_end = on_end
        self._browsing = Browsing(
            refresh_s=self._options.refresh_s,
            is_read_only=self._options.is_read_only,
            has_panels=self._options.has_panels,
        )
        self._slot.every_s = self._browsing.refresh_s * _VIEWS_PER_REFRESH
        self._awaited: list[Future[Answer]] = []
        self._stopping = Flag()
        self._is_stopped = False
        self._is_left = self._is_back = False
        self._is_silent = False
        self._thread = Thread(target=self._run, name="dashboard", daemon=True)
        self._unread = b""
        self._view: DaemonView | None = None
        self._size = (0, 0)
        self._painted_s = self._taken_s = self._noticed_s = -math.inf
        self._body: list[bytes] = []
        self._body_made_of: tuple[DaemonView, Browsing, tuple[int, int]] | None = None
        self.frames = 0
        self.fault = ""
        self.is_terminal_gone = False

    def start(self) -> None:
        atexit.register(self.stop)
        self._thread.start()

    def stop(self, *, is_silent: bool = False) -> None:
        """The terminal is as it was found on return, unless it takes nothing, and holds the summary, unless
        `is_silent`. May be called twice."""
        atexit.unregister(self.stop)
        if self._is_stopped:
            return
        self._is_stopped, self._is_silent = True, is_silent
        self._stopping.set()
        self._terminal.wake()
        if self._thread.ident is not None:
            self._thread.join(STOP_S)
        if not self._thread.is_alive():
            self._terminal.close()

    def leave(self, why: str = "") -> None:
        """End soon, and wait for nobody: for a signal handler, or where the view cannot be made (`why` says so)."""
        if self._is_stopped:
            return
        self.fault = self.fault or why
        self._is_left = True
        self._terminal.wake()

    def come_back(self) -> None:
        """The process was stopped and goes on: take the terminal anew. For a signal handler."""
        self._is_back = True
        self._terminal.wake()

    def _run(self) -> None:
        # A terminal that was taken from us in the background must not stop the process; signals belong to the main
        # thread.
        signal.pthread_sigmask(signal.SIG_BLOCK, _TERMINAL_SIGNALS)
        try:
            self._terminal.begin()
            while not self._stopping.is_set() and not self._is_left:
                self._turn()
            self._paint_last()
        except TerminalGone as gone:
            self.fault, self.is_terminal_gone = f"the terminal has gone: {gone}", True
        except Exception as fault:  # the daemon outlives its face
            self.fault = f"{type(fault).__name__}: {fault}"
        finally:
            self._terminal.end(self._farewell(), self._clock.monotonic)
        if self._on_end is not None and not self._stopping.is_set():
            self._on_end()

    def _turn(self) -> None:
        """Wait a moment for keys, then paint if something is there to be painted."""
        typed = self._terminal.read(_LOOK_S)
        keys, self._unread = decode(self._unread + typed, is_all=not typed)
        is_due = bool(keys) or self._is_answered() or self._is_back
        if self._is_back:
            self._is_back = False
            self._terminal.take_again()
        for key in keys:
            self._press(key)
        now_s = self._clock.monotonic()
        is_due = self._is_notice_over(now_s, is_new=is_due) or is_due
        if self._slot.latest is not self._view and now_s - self._taken_s >= self._browsing.refresh_s:
            self._take(now_s)
            is_due = True
        size = self._terminal.size()
        if size != self._size:
            self._size, is_due = size, True
            self._terminal.forget()
        if is_due or now_s - self._painted_s >= _CLOCK_S:
            self._paint(now_s)

    def _is_notice_over(self, now_s: float, *, is_new: bool) -> bool:
        """A word of what was done stands for a while; then the keys have the last line again."""
        if is_new or not self._browsing.notice:
            self._noticed_s = now_s
        if now_s - self._noticed_s < _NOTICE_S:
            return False
        self._browsing = replace(self._browsing, notice="")
        return True

    def _take(self, now_s: float) -> None:
        self._view, self._taken_s = self._slot.latest, now_s

    def _paint_last(self) -> None:
        """How it ended, whatever the refresh says."""
        now_s = self._clock.monotonic()
        self._take(now_s)
        self._size = self._terminal.size()
        self._paint(now_s)

    def _paint(self, now_s: float) -> None:
        if self._view is None:
            return
        head = top(self._view, self._moment(self._view, now_s), self._size)
        if self._terminal.paint([*self._encoded(head), *self._body_of(self._view)]):
            self.frames += 1
        self._painted_s = now_s

    def _body_of(self, view: DaemonView) -> list[bytes]:
        """Made anew only when something of it may have changed: the clock above it ticks each second."""
        made_of = (view, self._browsing, self._size)
        if self._body_made_of is None or any(
            old is not new for old, new in zip(self._body_made_of, made_of, strict=True)
        ):
            self._body = self._encoded(body(*made_of))
            self._body_made_of = made_of
        return self._body

    def _encoded(self, lines: Sequence[Line]) -> list[bytes]:
        return [encoded(line, self._options.look) for line in lines]

    def _press(self, key: str) -> None:
        if self._view is None:
            return
        step = press(self._browsing, key, self._view)
        self._browsing = step.after
        self._slot.every_s = self._browsing.refresh_s * _VIEWS_PER_REFRESH
        if step.command is not None:
            self._hand_in(step.command)
        match step.wish:
            case Wish.QUIT:
                self._on_quit()
            case Wish.REPAINT:
                self._terminal.forget()
            case Wish.SCREENSHOT:
                self._save(self._view)
            case None:
                pass

    def _hand_in(self, command: Command) -> None:
        """The engine decides; the keys go on meanwhile."""
        try:
            awaited = self._on_command(command)
        except Exception as refusal:  # a full inbox is no reason to lose the screen
            self._browsing = replace(self._browsing, notice=f"not taken: {refusal}")
            return
        if awaited is not None:
            self._awaited.append(awaited)
            self._browsing = replace(self._browsing, notice="asked for ...")

    def _is_answered(self) -> bool:
        """The newest answer that has come is shown in the last line."""
        come = [future for future in self._awaited if future.done()]
        self._awaited = [future for future in self._awaited if not future.done()]
        if come:
            self._browsing = replace(self._browsing, notice=_in_words(come[-1].result()))
        return bool(come)

    def _save(self, view: DaemonView) -> None:
        lines = frame(view, self._browsing, self._size, self._moment(view, self._clock.monotonic()))
        try:
            path = save_screenshot(self._options.screenshots, [plain_text(line, self._options.look) for line in lines])
            notice = f"saved: {path}"
        except OSError as cause:
            notice = f"not saved: {cause}"
        self._browsing = replace(self._browsing, notice=notice)

    def _moment(self, view: DaemonView, now_s: float) -> Moment:
        return Moment(age_s=max(0.0, now_s - view.made_s), up_s=max(0.0, now_s - view.facts.started_s))

    def _farewell(self) -> bytes:
        is_told_of = self._on_end is not None and not self._stopping.is_set()
        if self._is_silent or is_told_of:
            return b""
        try:
            lines = summary(self._slot.latest)
        except Exception as fault:  # the terminal must be given back all the same
            lines = [f"no summary: {type(fault).__name__}"]
        if self.fault:
            lines = [*lines, f"the dashboard ended: {self.fault}"]
        text = "".join(f"{line}\r\n" for line in lines)
        return (ascii_only(text) if self._options.look.is_ascii else text).encode()


_WORDS = {
    Outcome.DONE: "done",
    Outcome.ASKED: "asked for; the broker decides",
    Outcome.UNKNOWN_ID: "there is no such order",
    Outcome.CONFLICT: "not possible",
    Outcome.BLOCKED: "blocked",
    Outcome.FAULT: "failed",
    Outcome.UNSAVED: "not saved, so not done",
}


def _in_words(answer: Answer) -> str:
    text = _WORDS.get(answer.outcome, str(answer.outcome))
    return f"{text}: {answer.text}" if answer.text else text
