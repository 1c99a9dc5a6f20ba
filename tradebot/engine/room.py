"""Room on a full disk: what was kept for that day is given back, so that the ways out of positions can be saved."""

from __future__ import annotations

from tradebot.domain.events import Event, EventName, Level
from tradebot.engine.bus import Bus
from tradebot.engine.halt import Brake, Halt
from tradebot.ports import Clock, SpaceReserve

REASON = "the disk is full: what is left is kept for cancellations and exits"


class Room:
    """For the engine's thread. Entries stay out until the reserve stands again."""

    def __init__(self, reserve: SpaceReserve, halt: Halt, bus: Bus, clock: Clock) -> None:
        self._reserve = reserve
        self._halt = halt
        self._bus = bus
        self._clock = clock
        self._is_short = False

    def make(self) -> bool:
        """After a save that found no room; True when there is some now, and the save is worth another try."""
        if not self._reserve.give_back():
            return False
        self._fall_short()
        return True

    def look(self) -> None:
        """For the start and the beat: keep room again as soon as there is enough."""
        if not self._reserve.take():
            self._fall_short()
        elif self._is_short:
            self._is_short = False
            self._halt.release(Brake.ROOM)
            self._tell(EventName.SPACE_BACK, Level.WARNING, "there is room on the disk again: entries are open")

    def _fall_short(self) -> None:
        if self._is_short:
            return
        self._is_short = True
        self._halt.pull(Brake.ROOM, REASON)
        text = f"{REASON}; make room, and entries are open again without a restart"
        self._tell(EventName.SPACE_SHORT, Level.CRITICAL, text)

    def _tell(self, name: EventName, level: Level, text: str) -> None:
        self._bus.publish([Event(name=name, at=self._clock.now(), level=level, message=text, component="disk")])


class NoReserve:
    """Where nothing is kept: a replay, a simulation."""

    def give_back(self) -> bool:
        return False

    def take(self) -> bool:
        return True
