"""One kill: at a moment of the placements drawn by lot, then a restart, and what both sides say afterwards."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.auditor.audit import audit_books
from tests.auditor.database_view import read_database
from tests.auditor.exchange_view import read_exchange
from tests.auditor.findings import Kind
from tests.auditor.registry_view import read_registry
from tests.desks import small_market
from tests.kills.stage import (
    FAULTS,
    RATE,
    WITHIN_S,
    Place,
    Stage,
    copied,
    daemon,
    exchange_at,
    intents_of,
    settle,
    wait_for,
)
from tests.venue import Venue
from tradebot.adapters.timekeeping.real import RealClock

BURST_MS = 1_400
"""A kill falls at most so long after the first order was written down; a burst of sixteen takes a second or two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`stood` are the orders at the exchange when the daemon was dead; `held` those that stay unknown to it, and
    that the exchange does not have; `findings` is what else the audit found."""

    number: int
    face: str
    after_ms: int
    stood: int
    orders: int
    held: int
    duplicates: int
    unknown: int
    findings: Sequence[str]

    def __str__(self) -> str:
        words = (
            f"{self.number} {self.face}: killed {self.after_ms} ms into the placements, {self.stood} orders stood,"
            f" {self.orders} in the end, {self.held} never sent and held"
        )
        bad = f"; {self.duplicates} duplicates, {self.unknown} unknown" if self.duplicates or self.unknown else ""
        return "; ".join([words + bad, *self.findings])


def try_kill(stage: Stage, number: int, after_ms: int) -> Outcome:
    place = copied(stage, stage.folder / str(number))
    data = small_market(place.folder)
    with exchange_at(place, data, *FAULTS, "--rate", RATE, clock="scaled") as venue:
        stood = _kill_in_burst(place, venue, data, after_ms)
        settle(place, venue, data)
    outcome = _judged(stage, place, number, after_ms, stood)
    if not (outcome.findings or outcome.duplicates or outcome.unknown):
        shutil.rmtree(place.folder)
    return outcome


def _kill_in_burst(place: Place, venue: Venue, data: Path, after_ms: int) -> int:
    """How many orders the exchange had a little later, when those on their way had arrived."""
    before = _written(place)
    with daemon(place, venue, data) as process:
        wait_for(lambda: _written(place) > before, process)
        _wait_ms(after_ms)
        process.send_signal(signal.SIGKILL)
        assert process.wait(WITHIN_S) == -signal.SIGKILL, "it ended by itself"
    _wait_ms(300)
    return len(venue.books())


def _written(place: Place) -> int:
    """Grows when the first orders are written down: the registry comes first, where there is one."""
    if place.has_coids:
        return place.journal.stat().st_size if place.journal.exists() else 0
    return len(place.ask("select 1 from orders"))


def _judged(stage: Stage, place: Place, number: int, after_ms: int, stood: int) -> Outcome:
    exchange = read_exchange(place.books)
    database = read_database(place.home / "state" / "tradebot.db")
    report = audit_books(exchange, read_registry(place.home / "state"), database, None)
    known = {attempt.broker_order_id for attempt in database.attempts}
    doubled = (intents_of(exchange.orders) - stage.intents).total()
    twice = sum(finding.kind is Kind.DUPLICATE_ORDER for finding in report.findings)
    return Outcome(
        number=number,
        face=stage.face,
        after_ms=after_ms,
        stood=stood,
        orders=len(exchange.orders),
        held=sum(attempt.status == "unknown" for attempt in database.attempts),
        duplicates=max(doubled, twice),
        unknown=sum(order.order_id not in known for order in exchange.orders),
        findings=[str(finding) for finding in report.findings if stage.has_coids],
    )


def _wait_ms(duration_ms: int) -> None:
    clock = RealClock()
    until = clock.monotonic() + duration_ms / 1000
    wait_for(lambda: clock.monotonic() >= until)
