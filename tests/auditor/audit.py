"""The audit of one home folder, or of the same copies in memory: every check, and one report.

It comes after the fact, when the daemon has settled what it found at its last start and nothing is running. A home
whose database was migrated from the old software is no subject: its first orders never were at this exchange.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

from tests.auditor import batches, holdings, ids, orders, story, telling
from tests.auditor.database_view import DatabaseView, read_database
from tests.auditor.evidence import Evidence, gather
from tests.auditor.exchange_view import ExchangeView, read_exchange
from tests.auditor.findings import Finding, Kind, Report, Unreadable
from tests.auditor.log_view import LogView, read_log
from tests.auditor.registry_view import RegistryView, read_registry
from tests.auditor.stream_view import StreamView, read_stream

Check = Callable[[Evidence], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    orders.exchange_agrees_with_itself,
    orders.no_tag_twice,
    orders.none_is_lost,
    orders.none_is_unregistered,
    orders.none_is_invented,
    orders.every_fill_is_a_trade,
    orders.attempts_end_as_at_the_exchange,
    orders.orders_end_as_at_the_exchange,
    orders.executions_are_sums_of_trades,
    orders.one_live_sell_a_position,
    orders.every_request_is_answered,
    holdings.positions_come_from_fills,
    holdings.every_buy_has_its_position,
    holdings.profits_are_at_average_cost,
    holdings.closed_positions_have_no_ongoing_buys,
    holdings.open_positions_are_the_holdings,
    holdings.cash_is_opening_less_buys_plus_sells,
    story.sequences_have_no_gap,
    story.each_event_follows_the_last,
    story.only_legal_transitions,
    story.every_order_has_a_reason,
    batches.nothing_is_left_of_what_was_taken_back,
    batches.every_leg_has_its_batch,
    telling.the_log_tells_each_fill_once,
    telling.the_stream_tells_what_was_saved,
    telling.the_stream_has_no_gap,
    ids.ids_are_derived,
    ids.registry_and_database_agree,
)


def audit(
    home: Path,
    *,
    opening_cash: Mapping[str, Decimal] | None = None,
    stopped_cleanly: bool = False,
    log_is_complete: bool = False,
    stream: Path | None = None,
) -> Report:
    """The folders `exchange` (or `state/exchange`), `state` and `logs` of a home; nothing in them is changed.

    `opening_cash`: what each account began with, where the exchange's books do not say it any more.
    `stopped_cleanly`: the daemon's last end was an orderly one, so the registry lacks nothing.
    `log_is_complete`: it never died, so the log lacks nothing; without that the log is no evidence.
    `stream`: a file with all that one client of the order stream was told, to the end; without it there is none.
    """
    try:
        exchange = read_exchange(_books(home), opening_cash)
        registry = read_registry(home / "state")
        database = read_database(home / "state" / "tradebot.db")
        log = read_log(home / "logs") if log_is_complete else None
        told = read_stream(stream, is_to_the_end=stopped_cleanly) if stream is not None else None
    except Unreadable as e:
        return Report(findings=(Finding(Kind.DAMAGED_FILE, str(e)),), counts={}, not_checked=("everything else",))
    return audit_books(exchange, registry, database, log, told, stopped_cleanly=stopped_cleanly)


def audit_books(
    exchange: ExchangeView,
    registry: RegistryView,
    database: DatabaseView,
    log: LogView | None = None,
    stream: StreamView | None = None,
    *,
    stopped_cleanly: bool = False,
) -> Report:
    """The same on views; `log` is None where lines may be missing, `stream` where nobody listened."""
    evidence = gather(exchange, registry, database, log, stream, stopped_cleanly=stopped_cleanly)
    return Report(
        findings=tuple(finding for check in CHECKS for finding in check(evidence)),
        counts=_counts(evidence),
        not_checked=tuple(_not_checked(evidence)),
    )


def _books(home: Path) -> Path:
    """An exchange of its own process keeps its books beside the daemon's state, one within the daemon inside of it."""
    found = [folder for folder in (home / "exchange", home / "state" / "exchange") if folder.exists()]
    if len(found) != 1:
        raise Unreadable(f"{home}: {len(found)} folders with an exchange's books, there should be one")
    return found[0]


def _counts(evidence: Evidence) -> dict[str, int]:
    return {
        "orders at the exchange": len(evidence.exchange.orders),
        "of them tagged": sum(map(len, evidence.tagged.values())),
        "trades at the exchange": len(evidence.exchange.trades),
        "orders": len(evidence.database.orders),
        "attempts": len(evidence.database.attempts),
        "fills": len(evidence.database.fills),
        "positions": len(evidence.database.positions),
        "order events": len(evidence.database.events),
        "requests": len(evidence.database.requests),
        "batches": len(evidence.database.batches),
        "messages of the stream": sum(map(len, evidence.stream.connections)) if evidence.stream is not None else 0,
        "ids in the registry": len(evidence.registry.entries),
        "holdings changed by splits": len(evidence.split),
    }


def _not_checked(evidence: Evidence) -> Iterator[str]:
    unknown = sorted(evidence.exchange.cash.keys() - evidence.exchange.opening_cash.keys())
    if unknown:
        yield f"cash of {', '.join(unknown)}: what it began with is not known"
    if evidence.log is None:
        yield "the log: it may lack lines"
    if evidence.stream is None:
        yield "the stream: nobody listened"
    for account, symbol in sorted(evidence.split):
        yield f"profit of {account} {symbol}: a split or a bonus issue changed it"
    for account, symbol in sorted(holdings.not_comparable(evidence)):
        yield f"holding {account} {symbol}: split, and traded by others too"
