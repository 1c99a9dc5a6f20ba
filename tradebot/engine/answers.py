"""What a command led to, and the desk at which whoever sent it waits: nothing is answered before it is saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock

from tradebot.domain.orders import OrderId

WAITING_MAX = 1_000
"""How many callers may wait at one time."""


class Outcome(StrEnum):
    """How a command ended.

    `asked`: what it wants was asked for, and the broker decides; `conflict`: the state of things does not allow it;
    `blocked`: a guard of ours refused it; `invalid`: it makes no sense as it was given; `fault`: a defect of ours;
    `unsaved`: nothing of it could be saved, so nothing of it was done.
    """

    DONE = "done"
    ASKED = "asked"
    UNKNOWN_ID = "unknown_id"
    CONFLICT = "conflict"
    BLOCKED = "blocked"
    INVALID = "invalid"
    FAULT = "fault"
    UNSAVED = "unsaved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The end of one command; `figures` are what a guard found, beside what is allowed."""

    correlation_id: str
    outcome: Outcome
    text: str = ""
    order_ids: tuple[OrderId, ...] = ()
    figures: Mapping[str, str] = field(default_factory=dict)


class TooManyWaiting(Exception):
    """So many callers wait already that another one would not be answered in time."""


class AnswerDesk:
    """Callers of any thread wait here; the engine's thread releases what it has saved. Answers that nobody waits for
    are dropped: whoever asked has gone, and what was done stands in the database."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[str, list[Future[Answer]]] = {}

    def expect(self, correlation_id: str) -> Future[Answer]:
        """To be called before the command is put into the inbox. Raises TooManyWaiting at the bound."""
        future: Future[Answer] = Future()
        with self._lock:
            if len(self._waiting) >= WAITING_MAX:
                raise TooManyWaiting(f"{WAITING_MAX} callers wait already")
            self._waiting.setdefault(correlation_id, []).append(future)
        return future

    def forget(self, correlation_id: str) -> None:
        """Nobody waits for it any longer."""
        with self._lock:
            self._waiting.pop(correlation_id, None)

    def release(self, answers: Sequence[Answer]) -> None:
        for answer in answers:
            with self._lock:
                futures = self._waiting.pop(answer.correlation_id, [])
            for future in futures:
                if future.set_running_or_notify_cancel():
                    future.set_result(answer)
