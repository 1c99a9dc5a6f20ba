"""The exchange with its faces and streams at one moment: everything happens on one thread, one call after another."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import TypeVar

from tradebot.exchange.chance import draw_below
from tradebot.exchange.dial_box import AnyDial, DialBox
from tradebot.exchange.edge import Edge, Incident
from tradebot.exchange.events_edge import EventsEdge
from tradebot.exchange.exchange import Exchange
from tradebot.exchange.house_dials import AdHocHoliday, ArrivesLate, BandMoved, StreamDrops
from tradebot.exchange.rows import OrderUpdate
from tradebot.venue.time import VenueTime

STEPS_AT_ONCE_MAX = 200
IDLE_S = 60.0

Listener = Callable[[OrderUpdate], object]
_House = TypeVar("_House", ArrivesLate, BandMoved, StreamDrops)


class Venue:
    """`catch_up` brings the exchange to the clock's instant; every call does so before and after itself."""

    def __init__(self, exchange: Exchange, *, account_id: str, seed: int, time: VenueTime) -> None:
        self.exchange = exchange
        self.account_id = account_id
        self.seed = seed
        self.time = time
        self.edge = Edge(exchange, seed)
        self.events = EventsEdge(self.edge, seed)
        self.listeners: list[Listener] = []
        self._house: DialBox = DialBox()
        self._dials: tuple[AnyDial, ...] = ()
        self._order_calls = 0

    @property
    def dials(self) -> tuple[AnyDial, ...]:
        return self._dials

    @property
    def incidents(self) -> deque[Incident]:
        return self.edge.incidents

    def turn_dials(self, dials: Sequence[AnyDial]) -> None:
        """From the next call on these and no others."""
        box = DialBox.of(dials)
        self._dials, self._house = tuple(dials), box
        self.edge.dials, self.events.dials = box.edge, box.events
        for dial in box.house:
            if isinstance(dial, AdHocHoliday):
                self._close_on(dial.day)
        moved = self._of_house(BandMoved) or BandMoved(per_mille=0)
        self.exchange.levers.move_bands(self.seed, moved.per_mille, moved.percent)

    def catch_up_idly(self) -> bool:
        """The same while nobody asks: time in which nothing happens is written down once in a while only."""
        goal = self.time.goal()
        quiet = timedelta(seconds=IDLE_S * max(1.0, self.time.rate))
        if goal - self.exchange.now < quiet and not self.exchange.is_due(goal):
            return True
        return self.catch_up()

    def catch_up(self, steps_max: int = STEPS_AT_ONCE_MAX) -> bool:
        """Go on to the clock's instant and tell of what happened; False when there is more to do."""
        goal = self.time.goal()
        for _ in range(steps_max):
            updates = self.exchange.advance_to(max(goal, self.exchange.now))
            self._tell(updates)
            if not updates:
                return True
        return False

    def drive(self, to: datetime) -> None:
        """For a driven clock: the instant that `catch_up` goes on to."""
        self.time.drive(to)

    def arrival_delay_s(self) -> float:
        """How much later than it was sent the next order call is to reach the exchange."""
        self._order_calls += 1
        dial = self._of_house(ArrivesLate)
        if dial is None or draw_below(1000, self.seed, dial.name, self._order_calls) >= dial.per_mille:
            return 0.0
        return dial.delay_s

    def stream_lives_s(self) -> float | None:
        """After how long a stream is cut off; None for never."""
        dial = self._of_house(StreamDrops)
        return dial.every_s if dial else None

    def _tell(self, updates: Sequence[OrderUpdate]) -> None:
        mine = [update for update in updates if update.order.account_id == self.account_id]
        for update in self.events.through(mine):
            for listener in list(self.listeners):
                listener(update)

    def _close_on(self, day: date) -> None:
        """Raises ValueError for a day that has begun and was none."""
        calendar = self.exchange.calendar
        if calendar.is_trading_day(day):
            self.exchange.close_on(day, "ad-hoc holiday")

    def _of_house(self, kind: type[_House]) -> _House | None:
        return next((dial for dial in self._house.house if isinstance(dial, kind)), None)
