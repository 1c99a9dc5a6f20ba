"""Time at another rate: a pacer that holds a replay back, and a clock for an exchange process that runs faster."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from threading import Event

from tradebot.ports import Clock

_LONGEST_WAIT_S = 3600.0


class Waited(StrEnum):
    """How a wait ended: the instant has come, somebody woke the pacer before, or it is to end."""

    REACHED = "reached"
    WOKEN = "woken"
    STOPPED = "stopped"


class Pacer:
    """Holds one thread until real time has reached a virtual instant; any thread may wake or stop it.

    `rate` is virtual seconds per real second, 0 for no waiting at all. Virtual time begins to run with the first wait.
    Who falls behind catches up without waiting.
    """

    def __init__(self, rate: float, clock: Clock, start: datetime) -> None:
        """`clock` is the real one, `start` the virtual instant of the first wait. ValueError for a negative rate."""
        if rate < 0:
            raise ValueError(f"a rate of {rate}: time does not run backwards")
        self._rate = rate
        self._clock = clock
        self._start = start
        self._began: float | None = None
        self._signal = Event()
        self._is_stopped = False

    def virtual_now(self) -> datetime:
        """The virtual instant that goes with the real one; before the first wait, and at rate 0, the start."""
        if self._began is None:
            return self._start
        return self._start + timedelta(seconds=(self._clock.monotonic() - self._began) * self._rate)

    def wait(self, at: datetime) -> Waited:
        """Until the virtual instant `at`. A wake-up from before the call counts."""
        if self._began is None:
            self._began = self._clock.monotonic()
        while True:
            is_woken = self._signal.is_set()
            self._signal.clear()
            if self._is_stopped:
                return Waited.STOPPED
            delay_s = self._delay_s(at)
            if delay_s <= 0:
                return Waited.REACHED
            if is_woken:
                return Waited.WOKEN
            self._signal.wait(min(delay_s, _LONGEST_WAIT_S))

    def wait_until(self, at: datetime) -> bool:
        """The same through every wake-up; False when the pacer was stopped."""
        while (waited := self.wait(at)) is Waited.WOKEN:
            pass
        return waited is Waited.REACHED

    def wake(self) -> None:
        """Something came in: the wait ends, or the next one does."""
        self._signal.set()

    def stop(self) -> None:
        """This wait and all later ones end at once."""
        self._is_stopped = True
        self._signal.set()

    def _delay_s(self, at: datetime) -> float:
        if self._rate == 0:
            return 0.0
        return (at - self.virtual_now()).total_seconds() / self._rate


class ScaledClock:
    """`ports.Clock` that is `offset` ahead of the real one when it is made and then runs `rate` times as fast.

    It follows the real clock's monotonic time, so that a step of the wall clock does not move it. `monotonic` runs at
    the same rate: time-outs of real calls need the real clock.
    """

    def __init__(self, real: Clock, *, offset: timedelta, rate: float) -> None:
        """ValueError for a rate that is not positive."""
        if rate <= 0:
            raise ValueError(f"a rate of {rate}: a clock goes on")
        self._real = real
        self._rate = rate
        self._start = real.now() + offset
        self._began = real.monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Scaled seconds since the clock was made."""
        return (self._real.monotonic() - self._began) * self._rate
