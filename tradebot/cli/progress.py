"""How far a long replay has come: a line now and then, for whoever waits."""

from __future__ import annotations

from datetime import date
from typing import TextIO

from tradebot.domain.calendar import ist_date
from tradebot.domain.events import Event, EventName
from tradebot.ports import Clock

EVERY_S = 5.0


class Progress:
    """A listener of the bus: at most one line in `EVERY_S`, at the end of a trading day."""

    def __init__(self, stream: TextIO, clock: Clock, first: date, last: date) -> None:
        self._stream = stream
        self._clock = clock
        self._first = first
        self._last = last
        self._began = self._told = clock.monotonic()

    def __call__(self, event: Event) -> None:
        now = self._clock.monotonic()
        if event.name is not EventName.DAY_SUMMARY or now - self._told < EVERY_S:
            return
        self._told = now
        print(self._line(ist_date(event.at), now - self._began), file=self._stream, flush=True)

    def _line(self, day: date, took_s: float) -> str:
        whole = (self._last - self._first).days + 1
        done = (day - self._first).days + 1
        if done < 1:
            return f"{day}: the evening before the first trading day"
        left_s = took_s * (whole - done) / done
        return f"{day}: {done * 100 // whole} % in {took_s:.0f} s, about {left_s:.0f} s to go"
