"""One client of the stream: what waits for it, and what becomes of one that does not keep up."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from enum import StrEnum

from tradebot.ports import Clock

QUEUE_MAX = 500
PATIENCE_S = 1.0
BURST_MAX = 10_000
"""More than QUEUE_MAX may wait for so long, and never more than BURST_MAX: a burst is handed out faster than any client
reads it. The texts are the same objects for all clients."""


class Channel(StrEnum):
    """What a client may listen to; `orders` from the start."""

    ORDERS = "orders"
    POSITIONS = "positions"
    ALERTS = "alerts"


class Subscriber:
    """For one event loop. `put` never waits: a client that stays behind by more than QUEUE_MAX counts as slow, and gets
    what waits already and nothing more. `on_cut` is called when that happens."""

    def __init__(self, account_ids: tuple[str, ...], clock: Clock) -> None:
        self.account_ids = account_ids
        self._clock = clock
        self._behind_since_s: float | None = None
        self.channels = {Channel.ORDERS}
        self.is_slow = False
        self.is_ended = False
        self.on_cut: Callable[[], None] = _nothing
        self._known: dict[str, int] = {}
        self._waiting: deque[tuple[str, int, str]] = deque()
        self._arrival = asyncio.Event()

    def knows(self, account_id: str, sequence: int) -> None:
        """Updates of the account up to this one were told by other means."""
        self._known[account_id] = sequence

    def put(self, account_id: str, sequence: int, text: str) -> None:
        """An order update, or with sequence 0 a word of another channel."""
        if self.is_slow:
            return
        if self._is_too_far_behind():
            self.cut()
        else:
            self._waiting.append((account_id, sequence, text))
            self._arrival.set()

    def _is_too_far_behind(self) -> bool:
        if len(self._waiting) < QUEUE_MAX:
            self._behind_since_s = None
            return False
        now_s = self._clock.monotonic()
        since_s = self._behind_since_s = now_s if self._behind_since_s is None else self._behind_since_s
        return len(self._waiting) >= BURST_MAX or now_s - since_s > PATIENCE_S

    def cut(self) -> None:
        """It has missed something, or is about to: no more of it."""
        if not self.is_slow:
            self.is_slow = True
            self._arrival.set()
            self.on_cut()

    def end(self) -> None:
        """The daemon stops: what waits is still sent."""
        self.is_ended = True
        self._arrival.set()

    async def take(self) -> list[str]:
        """What has arrived, once something has; nothing when that was all: it is slow, or the stream ends."""
        while True:
            texts = [text for account, sequence, text in self._waiting if self._is_news(account, sequence)]
            self._waiting.clear()
            if texts or self.is_slow or self.is_ended:
                return texts
            self._arrival.clear()
            await self._arrival.wait()

    def _is_news(self, account_id: str, sequence: int) -> bool:
        if not sequence:
            return True
        if sequence <= self._known.get(account_id, 0):
            return False
        self._known[account_id] = sequence
        return True


def _nothing() -> None:
    """For a client that is not being sent anything."""
