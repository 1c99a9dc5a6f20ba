"""How a defect in a lane is told: by the relay, since it happens on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable

from tradebot.adapters.lanes import THREADS_MAX, ThreadLanes
from tradebot.domain.events import Event, EventName, Level
from tradebot.engine.relay import Relay
from tradebot.ports import Clock


def lanes_of(relay: Relay, clock: Clock) -> ThreadLanes:
    """The lanes of a run on real time, with all their threads."""
    return ThreadLanes(on_fault=fault_teller(relay, clock), threads_ahead=THREADS_MAX)


def fault_teller(relay: Relay, clock: Clock) -> Callable[[str, BaseException], None]:
    def tell(lane: str, fault: BaseException) -> None:
        text = f"lane {lane}: {type(fault).__name__}: {fault}"
        name, level = EventName.INTERNAL_FAULT, Level.CRITICAL
        relay.put(Event(name=name, at=clock.now(), level=level, message=text))

    return tell
