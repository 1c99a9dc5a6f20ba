"""The machine's clock beside the broker's: while they disagree nothing is entered, and no day is ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from threading import Lock

from tradebot.domain.events import Event, EventName, Level
from tradebot.engine.halt import Brake, Halt
from tradebot.engine.inbox import Inbox
from tradebot.engine.messages import Job, JobDue
from tradebot.ports import Clock

DISAGREES_S = 5.0
"""As old as a quote may be: beyond it the guard of a quote's age judges by the wrong clock."""
ASK_EVERY_S = 10.0
NOT_IN_DOUBT = frozenset((Job.CATCH_UP, Job.MARKET_CLOSE, Job.END_OF_DAY, Job.AMO_PLACEMENT, Job.RETRY, Job.EXPIRY))
"""What enters, or ends something for good. Looks, exits and the plan of the day go on."""


class ClockWatch:
    """In doubt from the first answer of the broker whose time is another, or from a step of the clock; certain again
    with the next answer that agrees. The second answer that disagrees is an alarm. A broker that tells no time cannot
    disagree."""

    def __init__(self, *, clock: Clock, halt: Halt, inbox: Inbox, tell: Callable[[Event], None]) -> None:
        """`tell` may be called from any thread."""
        self._clock = clock
        self._halt = halt
        self._inbox = inbox
        self._tell = tell
        self._changing = Lock()
        self._is_told_time = self._is_in_doubt = self._is_alarmed = False
        self._disagreed = 0
        self._asked_s = clock.monotonic()

    def measured(self, drift_s: float) -> None:
        """From any thread: an answer of the broker was so far from the machine's time at least; ahead is positive."""
        with self._changing:
            self._is_told_time = True
            if abs(drift_s) > DISAGREES_S:
                self._disagree(drift_s)
            elif self._is_in_doubt:
                self._agree()

    def stepped(self, step_s: float) -> None:
        """On the engine's thread: which of the two times is right is not known before the broker answers."""
        if not step_s or not self._is_told_time:
            self._catch_up()
            return
        with self._changing:
            self._is_in_doubt = True
            self._halt.pull(Brake.CLOCK, f"the clock stepped by {step_s:.0f} s: it is compared with the broker's first")
        self._ask()

    def beat(self) -> None:
        """On the engine's thread, about every second."""
        if self._is_in_doubt and self._clock.monotonic() - self._asked_s >= ASK_EVERY_S:
            self._ask()

    def deliver(self, name: str, at: datetime) -> None:
        """What a scheduler is given. What is held up now is caught up with when the doubt has ended."""
        job = Job(name)
        if not (self._is_in_doubt and job in NOT_IN_DOUBT):
            self._inbox.put(JobDue(name=job, at=at))

    def _ask(self) -> None:
        """Any answer tells the time; a look at the order book is one that is of use as well."""
        self._asked_s = self._clock.monotonic()
        self._inbox.put_answer(JobDue(name=Job.VERIFY, at=self._clock.now()))

    def _catch_up(self) -> None:
        self._inbox.put_answer(JobDue(name=Job.CATCH_UP, at=self._clock.now()))

    def _disagree(self, drift_s: float) -> None:
        self._is_in_doubt = True
        where = "ahead of" if drift_s > 0 else "behind"
        text = f"the machine's clock is {abs(drift_s):.0f} s {where} the broker's: no entries, and no day is ended"
        self._halt.pull(Brake.CLOCK, text)
        self._disagreed += 1
        if self._disagreed == 1:
            # An answer from before the machine slept, read afterwards, is as wrong: another one is asked for first.
            self._ask()
        elif not self._is_alarmed:
            self._is_alarmed = True
            self._say(EventName.CLOCK_DISAGREES, Level.CRITICAL, f"{text}; set it right (timedatectl)", drift_s)

    def _agree(self) -> None:
        self._is_in_doubt, self._disagreed = False, 0
        self._halt.release(Brake.CLOCK)
        if self._is_alarmed:
            self._is_alarmed = False
            text = "the machine's clock agrees with the broker's again: entries are open"
            self._say(EventName.CLOCK_AGREES, Level.WARNING, text)
        self._catch_up()

    def _say(self, name: EventName, level: Level, text: str, drift_s: float | None = None) -> None:
        fields = {} if drift_s is None else {"drift_s": round(drift_s, 1)}
        self._tell(Event(name=name, at=self._clock.now(), level=level, message=text, fields=fields))
