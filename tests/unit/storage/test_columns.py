"""Every field of a value that is saved has its column: what has none would be forgotten at a restart."""

from __future__ import annotations

from dataclasses import fields

import pytest
from sqlalchemy import Table

from tradebot.adapters.storage import book_tables, order_tables
from tradebot.domain.command_runs import CommandRun
from tradebot.domain.orders import Attempt, BrokerRequest, Decision, Fill, JobRun, Order, OrderEvent
from tradebot.domain.positions import Position


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        (Order, order_tables.orders),
        (Attempt, order_tables.attempts),
        (BrokerRequest, order_tables.broker_requests),
        (Fill, order_tables.fills),
        (Position, book_tables.positions),
        (OrderEvent, order_tables.order_events),
        (Decision, book_tables.decisions),
        (JobRun, book_tables.job_runs),
        (CommandRun, book_tables.command_runs),
    ],
)
def test_every_field_has_its_column_and_the_reverse(kind: type, table: Table) -> None:
    derived = {"avg_price"} if kind is Order else set()
    assert {field.name for field in fields(kind)} | derived == {column.name for column in table.columns}
