"""Another program holds the database for a minute: entries are refused, nothing is lost, and all of it is told once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection

from tests.builders import a_signal, some_terms
from tests.unit.engine.house import House
from tradebot.adapters.storage.order_store import SqlOrderStore
from tradebot.adapters.storage.schema_version import create_database
from tradebot.domain.events import EventName
from tradebot.domain.orders import OrderStatus

HELD_MIN = 1.0


class Place:
    """A house on a database in a file, whose wait for the lock is a millisecond instead of five seconds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine = create_database(f"sqlite:///{path}")
        event.listen(self.engine, "connect", self._hurry)
        self.engine.dispose()
        self.store = SqlOrderStore(self.engine)
        self.house = House(database=self)
        for symbol in ("TCS", "SBIN"):
            self.house.broker.symbol_terms[symbol] = some_terms(symbol)

    @contextmanager
    def held(self) -> Iterator[None]:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

    @staticmethod
    def _hurry(connection: DBAPIConnection, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout = 1")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "tradebot.db")
    yield made
    made.engine.dispose()


def test_for_a_minute_nothing_goes_out_and_afterwards_everything_that_happened_is_booked(place: Place) -> None:
    house = place.house
    house.signals(a_signal())
    house.signals(a_signal(2, "TCS"))
    first, second = house.orders()

    with place.held():
        house.broker.fill("1", first.quantity)
        house.cancel(second)
        house.signals(a_signal(3, "SBIN"))
        house.advance(minutes=HELD_MIN)
        assert house.broker.count("place") == 2
        assert [order.status for order in house.orders()] == [OrderStatus.PENDING, OrderStatus.PENDING]

    house.advance(minutes=HELD_MIN)
    assert len(house.told(EventName.ENTRIES_STOPPED)) == 1
    assert [order.status for order in house.orders()[:2]] == [OrderStatus.ONGOING, OrderStatus.CANCELLED]
    assert house.the_position().quantity == first.quantity
    house.signals(a_signal(4, "SBIN"))
    assert house.broker.count("place") == 3
