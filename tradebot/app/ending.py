"""How a run on real time ends, once its loop has: what still waits is told, sent on and written down."""

from __future__ import annotations

from tradebot.app.books import Books
from tradebot.app.notifying import Notifications
from tradebot.app.spool import Spool
from tradebot.app.starting import stopped
from tradebot.app.telemetry import export
from tradebot.engine.engine import Engine
from tradebot.engine.fill_telemetry import FillTelemetry
from tradebot.ports import Clock, Disk


def end_run(
    books: Books,
    engine: Engine,
    notes: Notifications,
    spool: Spool,
    telemetry: FillTelemetry | None,
    disk: Disk,
    clock: Clock,
) -> None:
    """In this order: events of other threads, what the outbox holds, the registry's last notes, answers to commands,
    and the export of how orders were filled."""
    books.relay.hand_on()
    notes.finish(engine)
    engine.close()
    spool.finish()
    books.bus.publish([stopped(engine.memory, clock.now())])
    export(telemetry, disk, books.session)
