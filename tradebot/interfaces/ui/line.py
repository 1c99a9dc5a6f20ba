"""Line mode: one plain line for each event, for logs of services, containers, CI and screen readers."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, Full, Queue
from select import select
from threading import Event as Flag
from threading import Thread
from typing import TextIO

from rich.segment import Segment

from tradebot.domain.calendar import IST
from tradebot.domain.events import Event, EventName, Level
from tradebot.interfaces.ui.look import ALARM, BAD, DIM, REVERSE, Look, encoded
from tradebot.interfaces.ui.printable import ascii_only, printable
from tradebot.ports import Clock

LINES_MAX = 10_000
STOP_S = 2.0

_POLL_S = 0.25
# A pipe that select() calls writable takes this much without blocking (PIPE_BUF on Linux; POSIX promises 512).
_PIECE_BYTES = 512
_CHATTY = frozenset({EventName.CYCLE, EventName.GUARD_PASS, EventName.GUARD_NOT_EVALUATED})
_CHATTY_EVERY_S = 1.0
_STYLES = {Level.DEBUG: DIM, Level.WARNING: BAD, Level.ERROR: ALARM, Level.CRITICAL: REVERSE}


class LineMode:
    """A listener of the bus that writes what it hears, with a thread of its own between them.

    Events of orders are all written; of the ones that come with every cycle at most one a second, with the number of
    those left out. Up to LINES_MAX lines wait for a reader that is slow; beyond that lines are dropped and counted in
    `lost`. A reader that has gone ends the writing, never the daemon.
    """

    def __init__(self, stream: TextIO, clock: Clock, look: Look | None = None) -> None:
        """`clock` is the machine's; `stream` needs a file descriptor, and nobody else writes to it before `stop`.
        With a `look` lines are coloured by their level, as far as it has colours."""
        self._stream = stream
        self._clock = clock
        self._look = look
        self._lines: Queue[bytes] = Queue(LINES_MAX)
        self._stopping = Flag()
        self._gone = Flag()
        self._thread = Thread(target=self._write_lines, name="line-mode", daemon=True)
        self._chatty_at: float | None = None
        self._skipped = 0
        self.lost = 0

    def __call__(self, event: Event) -> None:
        """Never blocks: called on the engine thread."""
        is_chatty = event.name in _CHATTY or event.level is Level.DEBUG
        if is_chatty and self._is_too_soon():
            self._skipped += 1
            return
        line = event_line(event)
        if is_chatty and self._skipped:
            line += f" (+{self._skipped} more)"
            self._skipped = 0
        self._put(line, event.level)

    def say(self, text: str) -> None:
        """A line that is no event's. Never blocks."""
        self._put(printable(text), Level.INFO)

    def start(self) -> None:
        self._stream.flush()
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, for at most STOP_S seconds."""
        self._stopping.set()
        with suppress(Full):  # wakes the thread; where there is no room it is awake
            self._lines.put_nowait(b"")
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        self._gone.set()

    def _put(self, line: str, level: Level) -> None:
        if self._gone.is_set():
            self.lost += 1
            return
        try:
            self._lines.put_nowait(self._encoded(self._styled(line, level)))
        except Full:
            self.lost += 1

    def _is_too_soon(self) -> bool:
        now = self._clock.monotonic()
        if self._chatty_at is not None and now - self._chatty_at < _CHATTY_EVERY_S:
            return True
        self._chatty_at = now
        return False

    def _styled(self, line: str, level: Level) -> str:
        if self._look is None or level not in _STYLES:
            return line
        return encoded([Segment(line, _STYLES[level])], self._look).decode()

    def _encoded(self, line: str) -> bytes:
        encoding = self._stream.encoding or "ascii"
        try:
            return f"{line}\n".encode(encoding)
        except UnicodeEncodeError:
            return f"{ascii_only(line)}\n".encode("ascii")

    def _write_lines(self) -> None:
        descriptor = self._stream.fileno()
        try:
            while not self._gone.is_set():
                try:
                    line = self._lines.get(timeout=_POLL_S)
                except Empty:
                    if not self._stopping.is_set():
                        continue
                    if self.lost:
                        text = f"{self.lost} lines left out: nobody read them in time"
                        write_all(descriptor, self._encoded(text), self._gone.is_set)
                    return
                write_all(descriptor, line, self._gone.is_set)
        except OSError:
            self._gone.set()


def event_line(event: Event) -> str:
    """`2026-09-16 09:15:00 IST  WARNING   ORDER_REJECTED       INFY buy 10 ...`, without control characters."""
    at = event.at.astimezone(IST)
    return printable(f"{at:%Y-%m-%d %H:%M:%S} IST  {event.level:<8}  {event.name:<19}  {event.message}")


def write_all(descriptor: int, data: bytes, is_over: Callable[[], bool]) -> None:
    """Write piece by piece, each only when it is taken at once; gives up when `is_over`. Raises OSError."""
    left = memoryview(data)
    while left and not is_over():
        if select([], [descriptor], [], _POLL_S)[1]:
            left = left[os.write(descriptor, left[:_PIECE_BYTES]) :]
