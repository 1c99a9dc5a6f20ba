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
    RATE,
    WITHIN_S,
    Place,
    Stage,
    copied,
    daemon,
    exchange_at,
    faults_of,
    intents_of,
    is_settled,
    kill,
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
    when: str
    stood: int
    orders: int
    held: int
    duplicates: int
    unknown: int
    findings: Sequence[str]

    def __str__(self) -> str:
        words = (
            f"{self.number} {self.face}: killed {self.when}, {self.stood} orders stood,"
            f" {self.orders} in the end, {self.held} never sent and held"
        )
        bad = f"; {self.duplicates} duplicates, {self.unknown} unknown" if self.duplicates or self.unknown else ""
        return "; ".join([words + bad, *self.findings])


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemCall:
    """The `number`-th call of that name by one of the daemon's threads."""

    name: str
    number: int

    def __str__(self) -> str:
        return f"at {self.name} number {self.number} of a thread"

    def words(self) -> list[str]:
        """What is run before the daemon, so that it dies there."""
        inject = f"inject={self.name}:signal=SIGKILL:when={self.number}"
        return ["strace", "--follow-forks", "--quiet=all", "-o", "/dev/null", "-e", f"trace={self.name}", "-e", inject]


LIVE_CALLS = (("sendto", 30), ("recvfrom", 60), ("pwrite64", 120), ("fdatasync", 60), ("write", 250))
"""Up to which number a death by a call is drawn; they are counted from the daemon's start on."""


def try_kill(stage: Stage, number: int, moment: int | SystemCall) -> Outcome:
    """`moment` in milliseconds after the first order was written down, or a call of the system."""
    place = copied(stage, stage.folder / str(number))
    data = small_market(place.folder)
    with exchange_at(place, data, *faults_of(number), "--rate", RATE, clock="scaled") as venue:
        if isinstance(moment, SystemCall):
            stood = _kill_at_call(place, venue, data, moment)
        else:
            stood = _kill_in_burst(place, venue, data, moment)
        settle(place, venue, data)
    when = str(moment) if isinstance(moment, SystemCall) else f"{moment} ms into the placements"
    outcome = _judged(stage, place, number, when, stood)
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


def _kill_at_call(place: Place, venue: Venue, data: Path, call: SystemCall) -> int:
    """One that comes through all its placements without making that call is killed behind them."""
    with daemon(place, venue, data, call.words()) as process:
        wait_for(lambda: process.poll() is not None or is_settled(place))
        if process.poll() is None:
            kill(process)
        assert process.wait(WITHIN_S) == -signal.SIGKILL, "it ended by itself"
    _wait_ms(300)
    return len(venue.books())


def _written(place: Place) -> int:
    """Grows when the first orders are written down: the registry comes first, where there is one."""
    if place.has_coids:
        return place.journal.stat().st_size if place.journal.exists() else 0
    return len(place.ask("select 1 from orders"))


def _judged(stage: Stage, place: Place, number: int, when: str, stood: int) -> Outcome:
    exchange = read_exchange(place.books)
    database = read_database(place.home / "state" / "tradebot.db")
    report = audit_books(exchange, read_registry(place.home / "state"), database, None)
    known = {attempt.broker_order_id for attempt in database.attempts}
    doubled = (intents_of(exchange.orders) - stage.intents).total()
    twice = sum(finding.kind is Kind.DUPLICATE_ORDER for finding in report.findings)
    return Outcome(
        number=number,
        face=stage.face,
        when=when,
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
