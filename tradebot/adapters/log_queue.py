"""What waits for the log's writer: bounded, and when it is full the least important goes first."""

from __future__ import annotations

from collections import deque
from threading import Condition, RLock
from typing import Literal

from tradebot.domain.events import Event, Level

OnFull = Literal["drop", "wait"]

GATHER_S = 0.02
"""How long the writer lets events gather before it takes them. Woken by each one, its thread took the interpreter from
the engine in the middle of a placement, whenever that one waited for the disk or the database."""

_MINOR = frozenset({Level.DEBUG, Level.INFO})
_URGENT = frozenset({Level.ERROR, Level.CRITICAL})


class LogQueue:
    """Events in order of arrival, at most `bound` of them, for many who put and one who takes.

    When it is full: with "wait", `put` first waits up to `wait_s` for room, unless the writer stands still; then, and
    with "drop" at once, the oldest DEBUG or INFO event goes, or the new one if it is of that kind itself, and only
    when nothing but WARNING and above waits, the oldest of those. `take_dropped` tells how many went.
    """

    def __init__(self, bound: int, on_full: OnFull, wait_s: float = 5.0, gather_s: float = GATHER_S) -> None:
        self._bound = bound
        self._gather_s = gather_s
        self._waits = on_full == "wait"
        self._wait_s = wait_s
        self._minor: deque[tuple[int, Event]] = deque()
        self._major: deque[tuple[int, Event]] = deque()
        self._arrived = 0
        self._dropped = 0
        self._in_hand = 0
        self._is_standing = False
        self._is_closed = False
        self._is_hurried = False
        lock = RLock()
        self._change = Condition(lock)
        self._arrival = Condition(lock)

    def __len__(self) -> int:
        return len(self._minor) + len(self._major)

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def put(self, event: Event) -> None:
        with self._change:
            if self._waits and len(self) >= self._bound:
                self._change.wait_for(self._has_room, self._wait_s)
            if self._is_closed or not self._make_room(event):
                self._dropped += 1
                return
            self._arrived += 1
            waiting = self._minor if event.level in _MINOR else self._major
            waiting.append((self._arrived, event))
            if event.level in _URGENT or len(self) * 2 >= self._bound:
                self._hurry()
            elif len(self) == 1:
                self._arrival.notify()

    def take(self, most: int) -> list[Event]:
        """Wait for events and take up to `most`; an empty list means that the queue is closed and empty."""
        with self._change:
            self._arrival.wait_for(lambda: len(self) or self._is_closed)
            self._arrival.wait_for(lambda: self._is_hurried or self._is_closed, self._gather_s)
            self._is_hurried = False
            taken = [self._pop_oldest() for _ in range(min(most, len(self)))]
            self._in_hand = len(taken)
            self._change.notify_all()
            return taken

    def done(self) -> None:
        """What was taken last is in the file, or lost."""
        with self._change:
            self._in_hand = 0
            self._change.notify_all()

    def stand(self, is_standing: bool) -> None:
        """The writer cannot write, or can again: nobody waits for one that stands still."""
        with self._change:
            self._is_standing = is_standing
            self._change.notify_all()

    def take_dropped(self) -> int:
        """How many were dropped since the last call."""
        with self._change:
            dropped, self._dropped = self._dropped, 0
            return dropped

    def wait_for_close(self, timeout_s: float) -> bool:
        with self._change:
            return self._change.wait_for(lambda: self._is_closed, timeout_s)

    def wait_until_empty(self, timeout_s: float) -> bool:
        with self._change:
            self._hurry()
            return self._change.wait_for(lambda: not len(self) and not self._in_hand, timeout_s)

    def close(self) -> None:
        """Take no more; what waits can still be taken."""
        with self._change:
            self._is_closed = True
            self._change.notify_all()
            self._arrival.notify_all()

    def _hurry(self) -> None:
        self._is_hurried = True
        self._arrival.notify()

    def _has_room(self) -> bool:
        return len(self) < self._bound or self._is_standing or self._is_closed

    def _make_room(self, event: Event) -> bool:
        if len(self) < self._bound:
            return True
        if self._minor:
            self._minor.popleft()
        elif event.level in _MINOR:
            return False
        else:
            self._major.popleft()
        self._dropped += 1
        return True

    def _pop_oldest(self) -> Event:
        if not self._major or (self._minor and self._minor[0][0] < self._major[0][0]):
            return self._minor.popleft()[1]
        return self._major.popleft()[1]
