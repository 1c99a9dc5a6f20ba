"""Registry, database and broker, each as it stood at another moment: every cell is decided, and none places twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import pytest

from tests.builders import a_signal
from tests.simulator.disk import SimDisk
from tests.unit.engine.fakes import NO_PROOF, PROOF
from tests.unit.engine.house import STATE, House
from tests.unit.engine.test_start import coid_of
from tradebot.adapters.registry import CoidRegistry
from tradebot.adapters.storage.sqlite_memory import SqliteMemory
from tradebot.app.refusals import refuse_older_database
from tradebot.domain.broker_views import BrokerOrder, BrokerWord
from tradebot.domain.errors import StateCorrupt
from tradebot.domain.orders import BrokerOrderId
from tradebot.ports import Capabilities

COID = coid_of("signal-1")


def _nothing(house: House) -> None:
    pass


def _reserved(house: House) -> None:
    house.signals(a_signal(), settle=False)


def _standing(house: House) -> None:
    house.signals(a_signal())


def _filled_in_part(house: House) -> None:
    house.signals(a_signal())
    house.broker.fill("1", 4)
    house.look()


def _filled(house: House) -> None:
    house.signals(a_signal())
    house.broker.fill("1", 10)
    house.look()


def _cancelled(house: House) -> None:
    house.signals(a_signal())
    house.cancel(house.the_order())


MOMENTS: Mapping[str, Callable[[House], None]] = {
    "nothing": _nothing,
    "reserved": _reserved,
    "standing": _standing,
    "filled in part": _filled_in_part,
    "filled": _filled,
    "cancelled": _cancelled,
}
AT_THE_BROKER = tuple(name for name in MOMENTS if name != "reserved")


@dataclass(frozen=True, slots=True)
class Copies:
    """The three books of one moment."""

    disk: SimDisk
    image: bytes
    house: House


@pytest.fixture(scope="module")
def copies() -> Mapping[str, Copies]:
    return {name: _copied(at_moment) for name, at_moment in MOMENTS.items()}


def _copied(at_moment: Callable[[House], None]) -> Copies:
    database = SqliteMemory()
    house = House(database=database)
    at_moment(house)
    house.registry.sync()
    return Copies(house.disk.clone(), database.image(), house)


def books_of(
    copies: Mapping[str, Copies], registry: str, database: str, broker: str, capabilities: Capabilities
) -> House:
    """A house that has not started, on three books of three moments."""
    house = House(is_started=False, capabilities=capabilities)
    house.disk = copies[registry].disk.clone()
    house.database = SqliteMemory(copies[database].image)
    house.broker.rows = dict(copies[broker].house.broker.rows)
    house.broker.executions = list(copies[broker].house.broker.executions)
    return house


def refuse(house: House) -> None:
    """What the application asks before it builds an engine. Raises StateCorrupt."""
    refuse_older_database(CoidRegistry.open(house.disk, STATE, house.clock.at), house.database.store, "sqlite://")


@pytest.mark.parametrize("capabilities", [PROOF, NO_PROOF], ids=["absence is proof", "absence proves nothing"])
def test_every_disagreement_is_refused_or_settled_and_nothing_is_placed_twice(
    copies: Mapping[str, Copies], capabilities: Capabilities
) -> None:
    wrong = [
        f"registry {registry}, database {database}, broker {broker}: {problem}"
        for registry, database, broker in product(MOMENTS, MOMENTS, AT_THE_BROKER)
        for problem in _problems(books_of(copies, registry, database, broker, capabilities))
    ]

    assert wrong == []


def _problems(house: House) -> Iterator[str]:
    before = dict(house.broker.rows)
    try:
        refuse(house)
        house.restart()
    except StateCorrupt:
        if house.broker.calls:
            yield f"refused, and asked the broker for {house.broker.calls}"
        return
    _live_on(house)
    rows = house.broker.rows.values()
    if max(Counter(row.tag for row in rows).values(), default=0) > 1:
        yield "two orders with one id"
    if len([row for row in rows if row.word is BrokerWord.OPEN or row.filled_quantity]) > 1:
        yield "placed twice"
    yield from _unknown(house, before)


def _live_on(house: House) -> None:
    """The same signal again, and time for whatever was in doubt."""
    house.advance(minutes=5)
    house.signals(a_signal())
    house.advance(minutes=5)
    house.look()


def _unknown(house: House, before: Mapping[BrokerOrderId, BrokerOrder]) -> Iterator[str]:
    is_known = bool(house.database.store.attempts([COID]))
    for row in before.values():
        if not is_known and row.tag not in house.memory.strangers:
            yield "an order with an id of ours that nobody knows"


def test_books_of_one_moment_are_never_refused(copies: Mapping[str, Copies]) -> None:
    for name in AT_THE_BROKER:
        house = books_of(copies, name, name, name, PROOF)
        refuse(house)
        house.restart()
        assert len(house.broker.rows) == (0 if name == "nothing" else 1), name


@pytest.mark.parametrize("ended", ["filled", "cancelled"])
def test_a_database_without_an_order_that_has_ended_in_the_registry_is_refused(
    copies: Mapping[str, Copies], ended: str
) -> None:
    with pytest.raises(StateCorrupt, match="older than the registry"):
        refuse(books_of(copies, ended, "nothing", ended, PROOF))


def test_an_id_that_was_reserved_and_never_had_a_number_is_no_ended_order(copies: Mapping[str, Copies]) -> None:
    """A crash between the registry and the database leaves one; where absence is proof it ends as expired."""
    house = books_of(copies, "reserved", "nothing", "nothing", PROOF)
    house.restart()
    house.advance(minutes=5)
    house.engine.close()

    refuse(house)
    house.restart()
