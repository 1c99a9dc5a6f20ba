"""The picture of the daemon for the page: made on the engine's thread, and only while somebody looks."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from tradebot.domain.events import Event, EventName
from tradebot.engine.memory import Memory
from tradebot.engine.setting import Setting
from tradebot.engine.view_feed import Sources, ViewFeed, ViewMaker, ViewSlot
from tradebot.engine.views import DaemonView, Marks, RunFacts
from tradebot.interfaces.api.refusal import ApiError
from tradebot.ports import Clock

LOOKED_AT_S = 15.0
FRESH_S = 3.0
WAIT_S = 5.0
_POLL_S = 0.05

SYMBOLS_MAX = 200
POINTS_MAX = 800
EVERY = timedelta(minutes=1)


class PriceTrail:
    """The last price of each symbol that was traded or is held, once a minute of the daemon's clock, for the chart.

    At most SYMBOLS_MAX symbols with POINTS_MAX points each; a symbol beyond that has no line.
    """

    def __init__(self) -> None:
        self._points: dict[str, deque[tuple[datetime, Decimal]]] = {}
        self._at: datetime | None = None

    def watch(self, symbol: str) -> None:
        if symbol not in self._points and len(self._points) < SYMBOLS_MAX:
            self._points[symbol] = deque(maxlen=POINTS_MAX)

    def look(self, now: datetime, marks: Callable[[Sequence[str]], Marks]) -> None:
        if not self._points or (self._at is not None and EVERY > now - self._at > -EVERY):
            return
        self._at = now
        for symbol, price in marks(list(self._points)).prices.items():
            self._points[symbol].append((now, price))

    def points(self, symbol: str) -> list[tuple[datetime, Decimal]]:
        return list(self._points.get(symbol, ()))


class Overview:
    """A listener of the bus. `turn` runs on the engine's thread; `look` may be awaited by any request."""

    def __init__(
        self,
        *,
        memory: Memory,
        setting: Setting,
        facts: RunFacts,
        marks: Callable[[Sequence[str]], Marks],
        clock: Clock,
        real: Clock,
    ) -> None:
        self.trail = PriceTrail()
        self._memory = memory
        self._marks = marks
        self._clock = clock
        self._real = real
        self._feed = ViewFeed()
        self._slot = ViewSlot()
        self._looked_at_s: float | None = None
        self._maker = ViewMaker(
            memory=memory,
            setting=setting,
            facts=facts,
            feed=self._feed,
            slot=self._slot,
            sources=Sources(marks=marks),
            clock=clock,
            real=real,
        )
        for position in memory.positions.values():
            if position.is_open:
                self.trail.watch(position.symbol)

    @property
    def is_paused(self) -> bool:
        return self._memory.is_paused

    @property
    def is_killed(self) -> bool:
        return self._memory.latch is not None

    def __call__(self, event: Event) -> None:
        self._feed(event)
        if event.name in (EventName.ORDER_FILLED, EventName.ORDER_PARTIAL):
            self.trail.watch(str(event.fields["symbol"]))

    def turn(self) -> None:
        self.trail.look(self._clock.now(), self._marks)
        looked_at_s = self._looked_at_s
        if looked_at_s is not None and self._real.monotonic() - looked_at_s <= LOOKED_AT_S:
            self._maker.refresh()

    async def look(self) -> DaemonView:
        """A picture that is not older than FRESH_S. Raises ApiError 503 when the engine makes none."""
        self._looked_at_s = now_s = self._real.monotonic()
        while self._real.monotonic() - now_s <= WAIT_S:
            view = self._slot.latest
            if view is not None and now_s - view.made_s <= FRESH_S:
                return view
            await asyncio.sleep(_POLL_S)
        raise ApiError(503, "no_picture", "the engine does not answer in time")
