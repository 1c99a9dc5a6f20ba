"""The one way in: a bounded queue of messages, drained in batches by the engine thread."""

from __future__ import annotations

from collections import deque
from threading import Condition

from tradebot.engine.commands import Command, Once
from tradebot.engine.messages import Message


class InboxFull(Exception):
    """The inbox has reached its bound: the sender is told, nothing is dropped in silence."""


class Inbox:
    """First in, first out. `bound` counts what outsiders put in; the ends of our own calls are always taken, since
    there are at most as many of them as calls in flight, and losing one would leave an order in doubt."""

    def __init__(self, bound: int = 10_000) -> None:
        self._bound = bound
        self._messages: deque[Message] = deque()
        self._arrival = Condition()

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def has_command(self) -> bool:
        """Whether somebody outside wants something, and waits for the answer."""
        with self._arrival:
            return any(isinstance(message, Command | Once) for message in self._messages)

    def put(self, message: Message) -> None:
        """Raises InboxFull at the bound."""
        with self._arrival:
            if len(self._messages) >= self._bound:
                raise InboxFull(f"{self._bound} messages wait already")
            self._messages.append(message)
            self._arrival.notify()

    def put_answer(self, message: Message) -> None:
        with self._arrival:
            self._messages.append(message)
            self._arrival.notify()

    def drain(self, most: int, timeout_s: float = 0.0) -> list[Message]:
        """Up to `most` messages in order of arrival; waits at most `timeout_s` for the first one."""
        with self._arrival:
            if not self._messages and timeout_s > 0:
                self._arrival.wait(timeout_s)
            return [self._messages.popleft() for _ in range(min(most, len(self._messages)))]
