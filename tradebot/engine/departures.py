"""What leaves the engine once a batch is saved: calls for the lanes, one look where many want one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tradebot.domain.errors import BrokerUnavailable
from tradebot.domain.orders import Order
from tradebot.engine.calls import (
    Call,
    Cancel,
    LookAtBook,
    LookAtMarket,
    LookAtOrder,
    Modify,
    Outside,
    Place,
    lane_of,
    not_performed,
    perform,
)
from tradebot.engine.handling import Handling
from tradebot.engine.inbox import Inbox
from tradebot.engine.judging import further_looks
from tradebot.engine.memory import Memory
from tradebot.engine.setting import Setting
from tradebot.engine.unit import Unit
from tradebot.ports import Lanes


class Departures:
    """For the engine's thread. How a call ends comes back through the inbox."""

    def __init__(
        self, setting: Setting, memory: Memory, inbox: Inbox, lanes: Lanes, outside: Outside, handling: Handling
    ) -> None:
        self._setting = setting
        self._memory = memory
        self._inbox = inbox
        self._lanes = lanes
        self._outside = outside
        self._handling = handling

    def hand_over(self, call: Call) -> None:
        order, flags = self._order_of(call), self._setting.policy.flags
        lane = lane_of(call, order, is_by_symbol=flags.symbol_locks)
        if isinstance(call, Place | Modify | Cancel):
            self._memory.take_off(call.request_id)
            if flags.observe_only:
                self._inbox.put_answer(not_performed(call, BrokerUnavailable("OBSERVE_ONLY is on: nothing is sent")))
                return
        elif isinstance(call, LookAtMarket):
            self._memory.market_asked = True
        elif not isinstance(call, LookAtOrder) and call.job is not None:
            self._memory.running.add(call.job.name)
        if isinstance(call, LookAtBook):
            self._memory.book_asked = True
            self._memory.ticks += 1
            call = replace(call, asked=self._memory.ticks)
        try:
            self._lanes.hand_over(lane, self._work(call))
        except BrokerUnavailable as cause:
            self._inbox.put_answer(not_performed(call, cause))

    def looks_at_book(self, batch: Unit) -> list[LookAtBook]:
        """One look for all who want one. What is wanted while one is under way waits for its answer: it would wait in
        the lane, and a look for each of a burst of pushes would fill that."""
        wanted = self._memory.looks_wanted
        wanted.update(dict.fromkeys(batch.looks))
        if any(isinstance(call, LookAtBook) for call in batch.calls):
            wanted.clear()
        if not wanted or self._memory.book_asked:
            return []
        look = self._handling.look_at_book(batch, ",".join(wanted))
        wanted.clear()
        return [look]

    def looks_at_market(self) -> list[LookAtMarket]:
        """One look for all that wait for a picture of the market; others gather while it is under way."""
        if self._memory.market_asked or not self._memory.is_reconciled:
            return []
        symbols, names = self._handling.waiting_for_market()
        looks = further_looks(self._setting.policy)
        look = LookAtMarket(symbols=tuple(sorted(symbols)), names=tuple(names), further_looks=looks)
        return [look] if symbols else []

    def _work(self, call: Call) -> Callable[[], None]:
        def work() -> None:
            self._inbox.put_answer(perform(call, self._outside))

        return work

    def _order_of(self, call: Call) -> Order | None:
        if isinstance(call, Place | Modify | Cancel):
            return self._memory.orders[self._memory.requests[call.request_id].order_id]
        return None
