"""From a request to the engine and back: a command goes into the inbox, and its answer is awaited off the engine."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from tradebot.engine.answers import Answer, AnswerDesk, TooManyWaiting
from tradebot.engine.commands import Command
from tradebot.engine.inbox import Inbox, InboxFull
from tradebot.interfaces.api.refusal import ApiError

ANSWER_S_MAX = 10.0
LOST_MAX = 1_000


@dataclass(slots=True)
class _Turn:
    """Whose turn it is among the commands of one correlation id, and how many use it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class CommandDesk:
    """For one event loop.

    Answers are told apart by their correlation id. So commands of one id go one after the other, and an id whose
    answer did not come in time is not used again: a late answer must not be taken for that of another command.
    """

    def __init__(self, inbox: Inbox, answers: AnswerDesk, timeout_s: float = ANSWER_S_MAX) -> None:
        self._inbox = inbox
        self._answers = answers
        self._timeout_s = timeout_s
        self._turns: dict[str, _Turn] = {}
        self._lost: OrderedDict[str, None] = OrderedDict()

    async def ask(self, command: Command, timeout_s: float | None = None) -> Answer:
        """What became of it, once that is saved. Raises ApiError: 503 when nothing was done, 504 when it is not known
        yet what will be."""
        turn = self._turns.setdefault(command.correlation_id, _Turn())
        turn.users += 1
        try:
            async with turn.lock:
                return await self._ask(command, self._timeout_s if timeout_s is None else timeout_s)
        finally:
            turn.users -= 1
            if not turn.users:
                self._turns.pop(command.correlation_id, None)

    async def _ask(self, command: Command, timeout_s: float) -> Answer:
        if command.correlation_id in self._lost:
            text = "an earlier request with this X-Correlation-ID has no answer yet; take another one"
            raise ApiError(409, "correlation_id_in_use", text)
        try:
            future = self._answers.expect(command.correlation_id)
            self._inbox.put(command)
        except (TooManyWaiting, InboxFull) as cause:
            self._answers.forget(command.correlation_id)
            raise ApiError(503, "busy", f"nothing was done: {cause}", headers={"Retry-After": "1"}) from cause
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), timeout_s)
        except TimeoutError as cause:
            self._answers.forget(command.correlation_id)
            self._lose(command.correlation_id)
            text = "it was taken and may still be done: look at the order before asking again"
            raise ApiError(504, "outcome_unknown", text) from cause

    def _lose(self, correlation_id: str) -> None:
        self._lost[correlation_id] = None
        while len(self._lost) > LOST_MAX:
            self._lost.popitem(last=False)
