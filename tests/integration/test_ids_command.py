"""`main.py ids`: orders that were there before get their ids, every id leads to its order, nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import an_attempt, an_order
from tests.simulator.killing import run_main
from tradebot.adapters.storage.order_store import SqlOrderStore
from tradebot.adapters.storage.schema_version import create_database
from tradebot.domain.orders import BrokerOrderId, Coid, DecisionId, OrderId
from tradebot.domain.stored import Changes


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three orders of a database that was there before ids were kept."""
    home = tmp_path_factory.mktemp("home")
    (home / "state").mkdir()
    engine = create_database(f"sqlite:///{home / 'state' / 'tradebot.db'}")
    orders = [
        an_order(
            id=OrderId(str(n)),
            coid=Coid(f"C{n}"),
            decision_id=DecisionId(f"signal-{n}"),
            broker_order_id=BrokerOrderId(f"B{n}"),
        )
        for n in (1, 2, 3)
    ]
    SqlOrderStore(engine).save(Changes(orders=orders, attempts=[an_attempt(order) for order in orders]))
    engine.dispose()
    return home


def test_orders_are_moved_in_once_and_then_every_id_leads_to_its_order(home: Path) -> None:
    before = run_main("ids", "check", "--home", home)
    assert (before.returncode, len(before.stdout.splitlines())) == (70, 3)

    first = run_main("ids", "migrate", "--home", home)
    second = run_main("ids", "migrate", "--home", home)
    assert first.stdout.startswith("total 3, migrated 3, skipped 0, errors 0, ")
    assert second.stdout.startswith("total 3, migrated 0, skipped 3, errors 0, ")

    assert run_main("ids", "check", "--home", home).stdout == "ids: all is well\n"
    assert "order_id  3    3" in run_main("ids", "stats", "--home", home).stdout
    assert run_main("ids", "resolve", "B2", "--home", home).stdout.startswith("order 2: order_id, active\n")


def test_what_leads_to_no_order_is_said_and_kept(home: Path) -> None:
    asked = run_main("ids", "resolve", "nobody", "--home", home)
    dead = run_main("ids", "dead", "--home", home)

    assert asked.returncode == 2
    assert "leads to no order" in asked.stderr
    assert "missing_lifecycle_id" in dead.stdout
