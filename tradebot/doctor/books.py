"""Checks of the books: registry, database and exchange, each by itself and against the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple

from tradebot.adapters.storage.schema_version import HEAD
from tradebot.doctor.comparison import Difference, differences
from tradebot.doctor.evidence import Books, Evidence, Unreadable
from tradebot.doctor.findings import bad, not_looked_at, nothing_yet, ok, unreadable, warn, when
from tradebot.domain.calendar import CalendarHorizonError, retry_expiry
from tradebot.domain.orders import AttemptStatus, OrderStatus
from tradebot.engine.day_plan import missed_jobs
from tradebot.engine.messages import Job
from tradebot.interfaces.text.examination import Area, Finding
from tradebot.interfaces.text.table import table

_AREA = Area.BOOKS
_NO_DATABASE = "the database cannot be read"


def database(evidence: Evidence) -> Finding:
    what = "database"
    books = evidence.books
    match books.database:
        case Unreadable() as why:
            return unreadable(_AREA, what, why)
        case None if books.registry or books.exchange:
            todo = "put back the whole state folder from a backup; a start would make an empty database"
            return bad(_AREA, what, "is not there, and other books are", todo)
        case None:
            return nothing_yet(_AREA, what)
        case found if books.damage:
            todo = "stop tradebot, keep a copy of the state folder, put back the whole of it from a backup"
            return bad(_AREA, what, "SQLite finds it damaged", todo, tuple(books.damage))
        case found:
            told = "" if found.latest is None else f", tells of {when(found.latest)} IST"
            return ok(_AREA, what, f"at {HEAD}, the code's version{told}")


def registry(evidence: Evidence) -> Finding:
    what = "registry"
    match evidence.books.registry:
        case Unreadable() as why:
            return unreadable(_AREA, what, why)
        case None:
            return nothing_yet(_AREA, what)
        case entries:
            is_open = sum(entry.status.is_open for entry in entries.values())
            return ok(_AREA, what, f"{len(entries)} client order ids, {is_open} of them open")


def exchange(evidence: Evidence) -> Finding:
    what = "exchange's books"
    match evidence.books.exchange:
        case Unreadable() as why:
            return unreadable(_AREA, what, why)
        case None:
            return nothing_yet(_AREA, what)
        case orders:
            return ok(_AREA, what, f"{len(orders)} orders, {sum(len(order.trades) for order in orders)} trades")


def books_agree(evidence: Evidence) -> Finding:
    """Field by field. A daemon at work changes them one after the other: what a second reading does not tell as well
    is no difference."""
    what = "books against books"
    found = _compared(evidence, evidence.books)
    if isinstance(found, Finding):
        return found
    if found:
        again = _compared(evidence, evidence.read_again())
        if isinstance(again, Finding):
            return again
        found = [difference for difference in found if difference in set(again)]
    lines = tuple(_table(found).splitlines()) if found else ()
    against = sum(not difference.cause for difference in found)
    if against:
        todo = (
            "start nothing; copy the whole of state/ away; docs/operating.md says how each book is put back. What "
            "stands at the broker is settled there"
        )
        return bad(_AREA, what, f"{against} contradictions, {len(found) - against} differences", todo, lines)
    if found:
        return warn(_AREA, what, f"{len(found)} differences, all explained", "nothing: the next start ends them", lines)
    return ok(_AREA, what, "registry, database and exchange agree")


def unanswered_requests(evidence: Evidence) -> Finding:
    what = "requests"
    books = evidence.books.database
    if isinstance(books, Unreadable):
        return not_looked_at(_AREA, what, _NO_DATABASE)
    lines = tuple(
        f"{request.kind} {request.coid} is {request.state} since {when(request.prepared_at)} {request.detail}".rstrip()
        for request in (books.requests if books else ())
    )
    if not lines:
        return ok(_AREA, what, "every request to the broker has its answer")
    todo = "nothing: a daemon at work looks them up, and so does the next start"
    return warn(_AREA, what, f"{len(lines)} without an answer", todo, lines)


def unknown_attempts(evidence: Evidence) -> Finding:
    what = "orders in doubt"
    books = evidence.books.database
    if isinstance(books, Unreadable):
        return not_looked_at(_AREA, what, _NO_DATABASE)
    doubtful = [a for a in (books.attempts if books else ()) if a.status is AttemptStatus.UNKNOWN]
    if not doubtful:
        return ok(_AREA, what, "none, no symbol is blocked")
    symbols = ", ".join(sorted({attempt.symbol for attempt in doubtful}))
    lines = tuple(f"{a.symbol} {a.side} {a.quantity} {a.coid} since {when(a.updated_at)}" for a in doubtful)
    todo = "look at the broker's own page for these orders; UNKNOWN_POLICY says what becomes of them"
    return warn(_AREA, what, f"{len(doubtful)}; no entry in {symbols} until they are settled", todo, lines)


def failed_orders(evidence: Evidence) -> Finding:
    """Failed orders can be tried again until they expire; one beyond that was missed by the sweep after the close."""
    what = "failed orders"
    books, market = evidence.books.database, evidence.market
    if isinstance(books, Unreadable) or isinstance(market, Unreadable):
        return not_looked_at(_AREA, what, "the database or the market files cannot be read")
    failed = [order for order in (books.orders if books else ()) if order.status is OrderStatus.FAILED]
    if not failed:
        return ok(_AREA, what, "none")
    at = evidence.in_force.policy().times.expiry
    try:
        ends = {o.id: retry_expiry(o.first_failed_at or o.created_at, market.calendar, at) for o in failed}
    except CalendarHorizonError as error:
        return not_looked_at(_AREA, what, str(error))
    late = [order for order in failed if ends[order.id] <= evidence.at]
    lines = tuple(f"{o.symbol} {o.side} {o.quantity}, expired {when(ends[o.id])}: {o.reason}" for o in late)
    if late:
        todo = "nothing: the next start, or the job after the close, ends them"
        return warn(_AREA, what, f"{len(late)} of {len(failed)} are past their end", todo, lines)
    return ok(_AREA, what, f"{len(failed)}, the first expires {when(min(ends.values()))} IST")


def scheduler(evidence: Evidence) -> Finding:
    """The last run of each job against the plan of the last days."""
    what = "scheduler"
    books, market = evidence.books.database, evidence.market
    if isinstance(books, Unreadable) or isinstance(market, Unreadable):
        return not_looked_at(_AREA, what, "the database or the market files cannot be read")
    if books is None or not books.job_runs:
        return nothing_yet(_AREA, what)
    runs = {Job(run.name): run for run in books.job_runs if run.name in set(Job)}
    try:
        missed = missed_jobs(evidence.at, runs, market.calendar, evidence.in_force.policy().times)
    except CalendarHorizonError as error:
        return not_looked_at(_AREA, what, str(error))
    last = books.job_runs[-1]
    detail = f"last: {last.name} of {when(last.planned_for)} IST"
    if not missed:
        return ok(_AREA, what, f"{detail}, none was missed")
    lines = tuple(f"{job.name} of {when(job.at)} IST" for job in missed)
    todo = "start tradebot: it catches up; beside a running one, look for JOB_FAILED and BROKER_UNREACHABLE in its log"
    return warn(_AREA, what, f"{detail}; {len(missed)} missed since", todo, lines)


def _compared(evidence: Evidence, books: Books) -> Sequence[Difference] | Finding:
    what = "books against books"
    if isinstance(books.database, Unreadable):
        return not_looked_at(_AREA, what, _NO_DATABASE)
    if isinstance(books.registry, Unreadable):
        return not_looked_at(_AREA, what, "the registry cannot be read")
    if isinstance(books.exchange, Unreadable):
        return not_looked_at(_AREA, what, "the exchange's books cannot be read")
    if books.database is None:
        return nothing_yet(_AREA, what)
    return differences(books.registry, books.database, books.exchange, evidence.since)


def _table(found: Sequence[Difference]) -> str:
    header = ("client order id", "field", "registry", "database", "broker", "because")
    rows = [[*astuple(difference)[:5], difference.cause or "CONTRADICTION"] for difference in found]
    return table(header, sorted(rows, key=lambda row: row[5] != "CONTRADICTION"))
