"""The terminal as one thread may use it: painted with what has changed, read for keys, left as it was found."""

from __future__ import annotations

import os
import termios
from collections.abc import Callable, Sequence
from contextlib import suppress
from select import select
from typing import TextIO

from tradebot.interfaces.ui.guardian import Guardian

# Cleared before it is left: a terminal that has been resized since may fold the lines of the one screen into the other.
LEAVE = b"\x1b[?2026l\x1b[0m\x1b[2J\x1b[?7h\x1b[?25h\x1b[?1049l"

_ENTER = b"\x1b[?1049h\x1b[?25l\x1b[?7l"
_SYNC_BEGIN, _SYNC_END = b"\x1b[?2026h", b"\x1b[?2026l"
_CLEAR = b"\x1b[0m\x1b[2J"
_READ_BYTES = 4096
_LEAVE_S = 0.5
_SIZE_MAX = 500
_LOCAL, _CHARACTERS = 3, 6
_DISABLED = b"\x00"

Settings = list[int | list[bytes | int]]
"""Of a terminal, as `termios` gives them."""


class TerminalGone(Exception):
    """Nobody is at the terminal any more: it hung up, or its connection was lost."""


class Terminal:
    """Everything but `wake` belongs to one thread. No call waits for somebody to read the terminal.

    The terminal is opened a second time, so that not waiting is a property of our own file description and not of the
    one that the shell shares with us. What it does not take of a frame is kept, and no other frame begins before.
    `written` counts the bytes it took, `skipped` the frames that found the one before unfinished.
    """

    def __init__(self, path: str) -> None:
        """`path` is the terminal's device. Raises OSError when it cannot be opened."""
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._waker, self._woken = _pipe()
        self._guardian: Guardian | None = None
        self._found: Settings | None = None
        self._shown: list[bytes] = []
        self._left = b""
        self._is_blank = True
        self.written = 0
        self.skipped = 0

    @classmethod
    def behind(cls, stream: TextIO) -> Terminal:
        """The terminal that a stream writes to. Raises OSError when it is none, or is not to be opened."""
        return cls(os.ttyname(stream.fileno()))

    def size(self) -> tuple[int, int]:
        """Columns and lines; asked at each frame, so that a resize needs no signal."""
        try:
            columns, lines = os.get_terminal_size(self._descriptor)
        except OSError as cause:
            raise TerminalGone(str(cause)) from cause
        return min(columns or 80, _SIZE_MAX), min(lines or 24, _SIZE_MAX)

    def begin(self) -> None:
        """Take the terminal: other screen, no cursor, keys as they are pressed and not shown."""
        try:
            self._found = termios.tcgetattr(self._descriptor)
            self._guardian = Guardian.of(self._path, LEAVE)
            termios.tcsetattr(self._descriptor, termios.TCSANOW, _for_keys(self._found))
        except termios.error as cause:
            raise TerminalGone(str(cause)) from cause
        self._left = _ENTER
        self.forget()
        self._write_left()

    def take_again(self) -> None:
        """After a stop, in which the shell had the terminal. In the background it is left alone: it is not ours."""
        if self._found is None or not self._is_foreground():
            return
        with suppress(termios.error):
            termios.tcsetattr(self._descriptor, termios.TCSANOW, _for_keys(self._found))
        self._left += _ENTER
        self.forget()

    def forget(self) -> None:
        """Nothing is taken to be on the screen: the next frame is painted whole."""
        self._is_blank = True

    def paint(self, lines: Sequence[bytes]) -> bool:
        """Bring the screen to these lines, each as wide as the screen; only lines that differ are written.

        False when the frame before is not taken yet: this one is left out. Raises TerminalGone.
        """
        if self._left and not self._write_left():
            self.skipped += 1
            return False
        if len(lines) != len(self._shown):
            self.forget()
        changed = [
            b"\x1b[%d;1H%b" % (at, line)
            for at, line in enumerate(lines, start=1)
            if self._is_blank or line != self._shown[at - 1]
        ]
        if changed:
            clear = _CLEAR if self._is_blank else b""
            self._left = b"".join([_SYNC_BEGIN, clear, *changed, _SYNC_END])
        self._shown, self._is_blank = list(lines), False
        self._write_left()
        return True

    def read(self, timeout_s: float) -> bytes:
        """What was typed; empty after `timeout_s` or a `wake`. Raises TerminalGone at the end of input."""
        waiting = [self._descriptor] if self._left else []
        try:
            ready, writable, _ = select([self._descriptor, self._woken], waiting, [], timeout_s)
            if writable:
                self._write_left()
            if self._woken in ready:
                os.read(self._woken, _READ_BYTES)
            if self._descriptor not in ready:
                return b""
            typed = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as cause:
            raise TerminalGone(str(cause)) from cause
        if not typed:
            raise TerminalGone("end of input")
        return typed

    def wake(self) -> None:
        """From any thread: the wait that is on ends."""
        with suppress(BlockingIOError):
            os.write(self._waker, b"w")

    def end(self, farewell: bytes, now_s: Callable[[], float]) -> None:
        """Give the terminal back as it was found, with `farewell` in its normal screen.

        A terminal that takes nothing for half a second is left with its settings alone restored. Never raises.
        """
        with suppress(OSError, termios.error):
            if self._found is not None and self._is_foreground():
                # Output held by Ctrl-S goes on; a call that waits for it to be drained would wait for good.
                termios.tcflow(self._descriptor, termios.TCOON)
                termios.tcsetattr(self._descriptor, termios.TCSANOW, self._found)
        with suppress(TerminalGone, OSError):
            self._left += LEAVE + farewell
            deadline = now_s() + _LEAVE_S
            while not self._write_left() and now_s() < deadline:
                select([], [self._descriptor], [], _LEAVE_S)
        if self._guardian is not None:
            self._guardian.dismiss()

    def close(self) -> None:
        """After `end`, and when nobody calls `wake` any more."""
        for descriptor in (self._descriptor, self._waker, self._woken):
            os.close(descriptor)

    def _is_foreground(self) -> bool:
        """Whether the settings are ours to change: in the background they are those of somebody else by now."""
        try:
            return os.tcgetpgrp(self._descriptor) == os.getpgrp()
        except OSError:  # not the terminal that controls us: there is no background to be in
            return True

    def _write_left(self) -> bool:
        """Write what the terminal takes at once; True when nothing is left."""
        try:
            while self._left:
                count = os.write(self._descriptor, self._left)
                self.written += count
                self._left = self._left[count:]
        except BlockingIOError:
            return False
        except OSError as cause:
            raise TerminalGone(str(cause)) from cause
        return True


def _pipe() -> tuple[int, int]:
    """The writing and the reading end, neither of which waits."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    return writing, reading


def _for_keys(found: Settings) -> Settings:
    """The settings with keys unbuffered and not echoed, and no key that suspends us: Ctrl-C still interrupts."""
    local, characters = found[_LOCAL], found[_CHARACTERS]
    assert isinstance(local, int) and isinstance(characters, list)
    changed, characters = list(found), list(characters)
    characters[termios.VMIN], characters[termios.VTIME], characters[termios.VSUSP] = 1, 0, _DISABLED
    changed[_LOCAL], changed[_CHARACTERS] = local & ~(termios.ECHO | termios.ICANON), characters
    return changed
