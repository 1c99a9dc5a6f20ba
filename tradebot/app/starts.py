"""Deaths in a row: each start is written down, and the one after too many says so before it does anything else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from config.settings import Settings
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.start_record import StartRecord
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.app.books import Books, owned_disk
from tradebot.app.watching import Vigil
from tradebot.domain.alerts import AlertName
from tradebot.domain.errors import TradebotError
from tradebot.domain.events import Event, EventName, Level
from tradebot.domain.starts import MANY, Starts, wait_after
from tradebot.engine.engine import Engine
from tradebot.ports import Clock

_POLL_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSeries:
    """This start, and the deaths before it that it stands in a row with."""

    record: StartRecord
    before: Starts

    def tell(self, engine: Engine, vigil: Vigil, books: Books, clock: Clock, *, waits: bool) -> None:
        """The alert first, saved and on its way to people, then the wait, in which it can reach them: whatever this
        process dies of again, they know. To be called before anything is asked of the broker."""
        deaths = len(self.before.at)
        if deaths >= MANY:
            # Whoever has taken entries up again since has seen it; what dies now is news.
            is_told = self.before.is_told and engine.memory.is_paused
            vigil.watch.found(AlertName.DEATHS_IN_A_ROW, clock.now(), Decimal(deaths), is_told=is_told)
            engine.run_pending()
            if not engine.memory.entries_stopped:
                self.record.told()
            if waits:
                self._wait(engine, vigil, books, clock)
        if self.record.problem:
            text = f"deaths in a row cannot be counted: {self.record.problem}"
            fault = Event(name=EventName.INTERNAL_FAULT, at=clock.now(), level=Level.ERROR, message=text)
            books.bus.publish([fault])

    def _wait(self, engine: Engine, vigil: Vigil, books: Books, clock: Clock) -> None:
        deaths, wait_s = len(self.before.at), wait_after(self.before.at).total_seconds()
        text = (
            f"the last {deaths} starts have ended in deaths: the broker is asked in {wait_s:.0f} s"
            " (`--now` does not wait); entries are paused until `main.py resume`"
        )
        fields = {"deaths": deaths, "wait_s": wait_s}
        told = Event(name=EventName.START_WAITS, at=clock.now(), level=Level.WARNING, message=text, fields=fields)
        books.bus.publish([told])
        real = RealClock()
        until = real.monotonic() + wait_s
        while real.monotonic() < until:
            engine.run_pending(_POLL_S)
            vigil.turn()


def begin_start(stack: ExitStack, settings: Settings, home: Path) -> tuple[RealDisk, StartSeries]:
    """The disk, with its folder owned. It is written down that this process starts, and at the end of the stack that
    it ended in an orderly way."""
    disk = owned_disk(stack, settings, home)
    record = StartRecord(disk, home / "state")
    before = record.begin(RealClock().now())
    stack.enter_context(_until_it_ends(record))
    return disk, StartSeries(record=record, before=before)


@contextmanager
def _until_it_ends(record: StartRecord) -> Iterator[None]:
    """A refusal that says why is no death, and neither is a wish to stop; any other error is one."""
    try:
        yield
    except Exception as error:
        if isinstance(error, TradebotError):
            record.end()
        raise
    except BaseException:
        record.end()
        raise
    record.end()
