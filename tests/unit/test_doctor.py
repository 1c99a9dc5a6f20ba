"""The doctor compares three books: what is a contradiction, and what a crash or a running daemon explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import (
    ACCOUNT,
    BROKER_ORDER_ID,
    NOON,
    a_broker_order,
    a_fill,
    an_attempt,
    an_order,
    later,
)
from tradebot.adapters.overlay_disk import OverlayDisk
from tradebot.adapters.storage.book_reader import StoredBooks
from tradebot.cli.doctor import exit_code_of
from tradebot.cli.exit_codes import ExitCode
from tradebot.doctor.comparison import Difference, differences
from tradebot.doctor.evidence import ExchangeOrder
from tradebot.domain.orders import Attempt, AttemptStatus, Coid, Fill, Order
from tradebot.domain.registry_entries import RegistryEntry
from tradebot.engine.ledger import registry_entry
from tradebot.exchange.rows import TradeRow
from tradebot.interfaces.text.examination import LINES_MAX, Area, Finding, Level, examination

LONG_AGO = NOON - timedelta(days=7)
FILLED = an_attempt(status=AttemptStatus.FILLED, broker_order_id=BROKER_ORDER_ID, filled_quantity=10)
OPEN = an_attempt(broker_order_id=BROKER_ORDER_ID)


def entry_of(attempt: Attempt, **changes: object) -> RegistryEntry:
    return replace(registry_entry(attempt, None), **changes)  # type: ignore[arg-type]


def at_exchange(attempt: Attempt, fills: Sequence[Fill] = (), **changes: object) -> ExchangeOrder:
    """The attempt's order as the exchange has it: complete with trades, else open."""
    filled = sum(fill.quantity for fill in fills)
    row = a_broker_order(status="COMPLETE" if filled == attempt.quantity else "OPEN", filled_quantity=filled)
    trades = [
        TradeRow(
            trade_id=fill.trade_id,
            order_id=fill.broker_order_id,
            account_id=fill.account_id,
            symbol=fill.symbol,
            exchange="NSE",
            side=fill.side,
            product=an_order().product,
            quantity=fill.quantity,
            price=fill.price,
            traded_at=fill.traded_at,
        )
        for fill in fills
    ]
    return ExchangeOrder(row=replace(row, **changes), account_id=ACCOUNT, trades=trades)  # type: ignore[arg-type]


def stored(*attempts: Attempt, orders: Sequence[Order] = (), fills: Sequence[Fill] = ()) -> StoredBooks:
    return StoredBooks(attempts=attempts, orders=orders, fills=fills, last_events={})


def found(
    entries: Sequence[RegistryEntry], database: StoredBooks, rows: Sequence[ExchangeOrder] | None
) -> Sequence[Difference]:
    return differences({entry.coid: entry for entry in entries}, database, rows, LONG_AGO)


def fields(differences: Sequence[Difference]) -> dict[str, bool]:
    """By field, whether it is explained."""
    return {difference.field: bool(difference.cause) for difference in differences}


def test_books_that_agree_have_no_difference() -> None:
    fill = a_fill()
    assert found([entry_of(FILLED)], stored(FILLED, fills=[fill]), [at_exchange(FILLED, [fill])]) == []
    assert found([entry_of(OPEN)], stored(OPEN), [at_exchange(OPEN)]) == []


def test_a_registry_that_lost_its_last_answers_lags_behind() -> None:
    answered = entry_of(FILLED, status=AttemptStatus.PENDING, filled_qty=0)
    reserved = replace(answered, broker_order_id=None)
    filled = stored(FILLED, fills=[a_fill()])

    assert fields(found([answered], filled, None)) == {"status": True, "filled": True}
    assert fields(found([reserved], filled, None)) == {"status": True, "broker order": True, "filled": True}


@pytest.mark.parametrize(
    "changes",
    [
        {"filled_qty": 11},
        {"status": AttemptStatus.PENDING, "updated": later(1)},
        {"broker_order_id": "another"},
        {"symbol": "ELSE"},
        {"attempt_count": 2},
    ],
)
def test_a_registry_that_knows_more_or_something_else_contradicts(changes: dict[str, object]) -> None:
    differences = found([entry_of(FILLED, **changes)], stored(FILLED, fills=[a_fill()]), None)
    assert set(fields(differences).values()) == {False}


def test_a_filled_id_in_the_registry_is_never_behind() -> None:
    entry = entry_of(FILLED)
    cancelled = replace(FILLED, status=AttemptStatus.CANCELLED, updated_at=later(1))
    assert fields(found([entry], stored(cancelled, fills=[a_fill()]), None)) == {"status": False}


def test_an_open_id_must_be_in_the_registry_and_a_finished_one_may_have_gone() -> None:
    fill = a_fill()
    assert fields(found([], stored(OPEN), None)) == {"entry": False}
    assert fields(found([], stored(FILLED, fills=[fill]), None)) == {"entry": True}
    old = replace(FILLED, updated_at=LONG_AGO - timedelta(seconds=1))
    assert found([], stored(old, fills=[fill]), None) == []


def test_an_id_without_a_row_is_explained_while_it_is_open() -> None:
    assert fields(found([entry_of(OPEN)], stored(), [])) == {"order": True}
    assert fields(found([entry_of(OPEN)], stored(), [at_exchange(OPEN)])) == {"order": True}
    assert fields(found([entry_of(FILLED)], stored(), [])) == {"order": False}


def test_an_order_of_ours_that_only_the_exchange_knows_is_a_contradiction() -> None:
    assert fields(found([], stored(), [at_exchange(OPEN)])) == {"order": False}


def test_orders_of_somebody_else_are_left_out() -> None:
    assert found([], stored(), [at_exchange(OPEN, tag=None), at_exchange(OPEN, tag=Coid("by-hand"))]) == []


def test_an_id_that_stands_twice_at_the_exchange_is_a_contradiction() -> None:
    twice = [at_exchange(OPEN), at_exchange(OPEN, broker_order_id="another")]
    assert fields(found([entry_of(OPEN)], stored(OPEN), twice)) == {"orders": False}


def test_an_exchange_that_has_gone_on_is_looked_at_next() -> None:
    gone_on = [at_exchange(OPEN, [a_fill()])]
    assert fields(found([entry_of(OPEN)], stored(OPEN), gone_on)) == {"status": True, "filled": True, "fills": True}


def test_a_fill_that_the_exchange_does_not_have_is_invented() -> None:
    differences = found([entry_of(FILLED)], stored(FILLED, fills=[a_fill()]), [at_exchange(OPEN)])
    assert fields(differences) == {"status": False, "filled": False, "fills": False}


def test_a_finished_order_that_goes_on_at_the_exchange_is_a_contradiction() -> None:
    cancelled = replace(OPEN, status=AttemptStatus.CANCELLED)
    assert fields(found([entry_of(cancelled)], stored(cancelled), [at_exchange(OPEN)])) == {"status": False}


def test_another_price_of_a_standing_order_is_a_change_under_way() -> None:
    dearer = at_exchange(OPEN, price=a_broker_order().price * 2)
    assert fields(found([entry_of(OPEN)], stored(OPEN), [dearer])) == {"price": True}


def test_an_order_that_has_a_number_and_is_not_at_the_exchange_is_a_contradiction() -> None:
    assert fields(found([entry_of(OPEN)], stored(OPEN), [])) == {"order": False}
    unsent = an_attempt()
    assert found([entry_of(unsent)], stored(unsent), []) == []


def test_orders_from_older_software_are_not_looked_for_elsewhere() -> None:
    legacy = replace(OPEN, coid=Coid("LEGACY000000000012"))
    assert found([], stored(legacy), []) == []


@given(st.lists(st.tuples(st.sampled_from(Level), st.sampled_from(Area)), max_size=8))
def test_the_exit_code_is_that_of_the_worst_bad_finding(kinds: list[tuple[Level, Area]]) -> None:
    findings = [Finding(level=level, area=area, what="it", detail="is so") for level, area in kinds]
    wrong = [finding.area for finding in findings if finding.level is Level.BAD]
    worst = {Area.CONFIGURATION: 78, Area.FOLDERS: 73, Area.BOOKS: 70}

    assert exit_code_of(findings) == (min(worst[area] for area in wrong) if wrong else ExitCode.OK)


def test_what_is_well_is_one_line_and_what_is_not_is_explained_at_bounded_length() -> None:
    well = Finding(level=Level.OK, area=Area.BOOKS, what="registry", detail="3 ids")
    lines = tuple(f"line {number}" for number in range(LINES_MAX + 2))
    ill = Finding(level=Level.BAD, area=Area.BOOKS, what="database", detail="odd", todo="mend it", lines=lines)

    text = examination([well, ill])

    assert text.count("registry") == 1
    assert "bad database: odd" in text
    assert "do: mend it" in text
    assert f"line {LINES_MAX - 1}" in text
    assert f"line {LINES_MAX}\n" not in text
    assert "and 2 more" in text
    assert text.endswith("2 checks: 1 ok, 0 warn, 1 bad")


def test_what_is_written_to_an_overlay_is_read_back_and_never_reaches_the_disk() -> None:
    below, path, other = OverlayDisk(_Nothing()), Path("a"), Path("b")
    below.append(path, b"old")
    disk = OverlayDisk(below)

    disk.append(path, b" new")
    disk.append(other, b"whole")
    disk.truncate(other, 3)
    assert (disk.read(path), disk.read(other)) == (b"old new", b"who")
    disk.replace(other, path)
    disk.remove(other)

    assert (disk.read(path), disk.read(other)) == (b"who", None)
    assert (below.read(path), below.read(other)) == (b"old", None)


class _Nothing(OverlayDisk):
    """A disk without files."""

    def __init__(self) -> None:
        super().__init__(self)

    def read(self, path: Path) -> bytes | None:
        return None
