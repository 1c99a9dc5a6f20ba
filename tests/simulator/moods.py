"""The moods of a broker in a campaign: which calls meet a fault, so that lives can be compared all the same.

Right after a death a life meets faults of its own, or every restart would see the same ones. From then on whether a
call is struck depends on the call and its instant alone: two lives that stand alike at an instant meet the same faults
from there on, and end alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from tests.simulator.script import ACCOUNT
from tradebot.exchange.chance import draw_below
from tradebot.exchange.edge import Call, Dial, Edge
from tradebot.exchange.exchange import Exchange

ITS_OWN_FOR = timedelta(minutes=2)
"""Of virtual time, after a death: the recovery, and the looks that it asks for."""


class MoodyEdge(Edge):
    """The edge of one life; the first one is number 0, and has no moods of its own."""

    def __init__(self, exchange: Exchange, seed: int, life: int, dials: Sequence[Dial] = ()) -> None:
        super().__init__(exchange, seed, dials)
        self._common = seed
        self._own = seed * 1_000_000 + life
        self._own_until = exchange.now + ITS_OWN_FOR if life and dials else exchange.now
        self._asked: Counter[tuple[object, ...]] = Counter()
        self._last: tuple[int, int] = (0, 0)

    @property
    def is_as_ever(self) -> bool:
        """Whether chance is the same for all lives from here on."""
        return self.now >= self._own_until

    def happens(self, dial: Dial, call: Call, per_mille: int) -> bool:
        seed = self._common if self.is_as_ever else self._own
        about = (seed, "edge", dial.name, call.at, call.name, self._named(call.key), self._time(call))
        return draw_below(1000, *about) < per_mille

    def strikes(self, dial: Dial, order_id: str, per_mille: int) -> bool:
        return draw_below(1000, self._common, "edge", dial.name, self._named(order_id)) < per_mille

    def number_below(self, bound: int, dial: Dial, order_id: str) -> int:
        return draw_below(bound, self._common, "edge", dial.name, self._named(order_id), "number")

    def _time(self, call: Call) -> int:
        """How many such calls there were at this instant before; several dials may ask about one call."""
        if self._last[0] != call.number:
            key = (call.at, call.name, call.key)
            self._last = call.number, self._asked[key]
            self._asked[key] += 1
        return self._last[1]

    def _named(self, order_id: str) -> str:
        """Order ids are given in the order of arrival, which another life may change; tags are not."""
        row = self.exchange.order(ACCOUNT, order_id)
        return row.tag or order_id if row is not None else order_id
