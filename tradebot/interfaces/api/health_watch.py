"""How the parts of the daemon are, from what the bus tells and the turns of the engine's loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tradebot.domain.events import Event, EventName
from tradebot.engine.memory import Memory
from tradebot.interfaces.api.services import Part
from tradebot.ports import Clock

TURN_S_MAX = 15.0
"""A loop that has not turned for so long hangs. A replay at real speed turns about every second."""

_LINK_PROVEN = frozenset(
    {
        EventName.RECONCILE_RESULT,
        EventName.CYCLE,
        EventName.ORDER_ACCEPTED,
        EventName.ORDER_FILLED,
        EventName.ORDER_PARTIAL,
        EventName.ORDER_CANCELLED,
    }
)


class HealthWatch:
    """A listener of the bus, on the engine's thread; `parts` may be asked from any thread.

    The broker's link counts as lost from BROKER_UNREACHABLE until something proves that it is there.
    """

    def __init__(self, real: Clock) -> None:
        self._real = real
        self._turned_at = real.monotonic()
        self._broker_fault = ""
        self._registry_fault = ""

    def __call__(self, event: Event) -> None:
        if event.name is EventName.BROKER_UNREACHABLE:
            self._broker_fault = event.message
        elif event.name in _LINK_PROVEN:
            self._broker_fault = ""
        elif event.name is EventName.ORDER_SENT:
            self._registry_fault = ""
        elif event.component == "registry":
            self._registry_fault = event.message

    def turn(self) -> None:
        """The engine's loop has come round."""
        self._turned_at = self._real.monotonic()

    def parts(self, memory: Memory, is_database_answering: Callable[[], bool], stream: Part) -> Mapping[str, Part]:
        return {
            "database": self._database(memory, is_database_answering),
            "broker": self._broker(memory),
            "scheduler": self._scheduler(),
            "registry": Part(is_well=not self._registry_fault, text=self._registry_fault or "in step"),
            "stream": stream,
            "entries": Part(
                is_well=not memory.is_paused,
                text="paused" if memory.is_paused else "taken",
                is_vital=False,
            ),
        }

    def _database(self, memory: Memory, is_answering: Callable[[], bool]) -> Part:
        if stopped := memory.entries_stopped or memory.halt.reason:
            return Part(is_well=False, text=stopped)
        try:
            is_well = is_answering()
        except Exception as fault:  # whatever it is, it does not answer
            return Part(is_well=False, text=f"does not answer: {type(fault).__name__}")
        return Part(is_well=is_well, text="answers" if is_well else "does not answer")

    def _broker(self, memory: Memory) -> Part:
        if self._broker_fault:
            return Part(is_well=False, text=self._broker_fault)
        if not memory.is_reconciled:
            return Part(is_well=False, text="not reconciled yet: no entries until then")
        return Part(is_well=True, text="reconciled")

    def _scheduler(self) -> Part:
        age_s = self._real.monotonic() - self._turned_at
        is_well = age_s <= TURN_S_MAX
        return Part(is_well=is_well, text="turns" if is_well else f"no turn for {age_s:.0f} s")
