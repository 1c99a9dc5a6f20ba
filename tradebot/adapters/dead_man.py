"""A sign of life to somebody outside: a URL that is asked every so often, and whose owner calls when that stops.

It is asked by a thread of its own and only while the engine's thread beats: a daemon that hangs is as silent as one
that is gone. Nothing of this is ever in an order's way, and what the URL answers changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event as Flag
from threading import Thread

import requests

from tradebot.domain.events import Event, EventName, Level
from tradebot.ports import Clock

FRESH_S = 10.0
"""An engine that has not beaten for so long is as good as dead."""

_TIMEOUTS_S = (3.0, 5.0)
_LOOK_EVERY_S = 0.5
_OK_BELOW = 400


class DeadMan:
    """`beat` belongs into the engine's loop; the first ping goes with the first beat."""

    def __init__(self, url: str, *, every_s: float, clock: Clock, tell: Callable[[Event], None]) -> None:
        """`tell` takes an event of any thread."""
        self._url = url
        self._every_s = every_s
        self._clock = clock
        self._tell = tell
        self._beat_s: float | None = None
        self._pinged_s: float | None = None
        self._is_reached = True
        self._stopping = Flag()
        self._thread = Thread(target=self._run, name="dead-man", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def beat(self) -> None:
        self._beat_s = self._clock.monotonic()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(sum(_TIMEOUTS_S))

    def _run(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while not self._stopping.wait(_LOOK_EVERY_S):
                if self._is_due():
                    self._pinged_s = self._clock.monotonic()
                    self._note(self._ping(session))

    def _is_due(self) -> bool:
        now_s, beat_s = self._clock.monotonic(), self._beat_s
        if beat_s is None or now_s - beat_s > FRESH_S:
            return False
        return self._pinged_s is None or now_s - self._pinged_s >= self._every_s

    def _ping(self, session: requests.Session) -> str:
        """Why it did not work; "" when it did. The URL is a secret: it stands in no text."""
        try:
            answer = session.get(self._url, timeout=_TIMEOUTS_S, allow_redirects=False, stream=True)
            answer.close()
        except requests.RequestException as error:
            return type(error).__name__
        return "" if answer.status_code < _OK_BELOW else f"HTTP {answer.status_code}"

    def _note(self, cause: str) -> None:
        """Told when it stops working and when it works again."""
        if (not cause) == self._is_reached:
            return
        self._is_reached = not cause
        text = f"the sign of life is not taken: {cause}" if cause else "the sign of life is taken again"
        level = Level.WARNING if cause else Level.INFO
        self._tell(Event(name=EventName.SIGN_OF_LIFE, at=self._clock.now(), level=level, message=text))
