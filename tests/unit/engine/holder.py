"""A house that holds ten shares, and what somebody asks of the orders that bought them."""

from __future__ import annotations

from decimal import Decimal

from tests.builders import a_quote, a_signal
from tests.unit.engine.fakes import a_holding
from tests.unit.engine.house import House
from tradebot.adapters.storage.lifecycle_store import LifecycleStore
from tradebot.domain.lifecycle_ids import IdStatus, IdType
from tradebot.domain.orders import Order, Side, Variety
from tradebot.domain.policy import ExitRules, Policy
from tradebot.domain.protection import Protection
from tradebot.engine.answers import Answer
from tradebot.engine.commands import AddProtection, CancelProtection, CloseOrder, Command

STOP, PROFIT = Protection.STOP_LOSS, Protection.TAKE_PROFIT
ACTIVE, CANCELLED, EXECUTED = IdStatus.ACTIVE, IdStatus.CANCELLED, IdStatus.EXECUTED


def a_holder() -> House:
    """Ten shares bought at Rs 1,000, and no rule of the operator's that would sell them."""
    house = House(policy=Policy(exits=ExitRules(use_stop=False, use_trailing=False)))
    house.signals(a_signal(), variety=Variety.REGULAR, settle=False)
    house.market.prices["INFY"] = a_quote()
    house.signals(a_signal(), variety=Variety.REGULAR)
    house.broker.fill("1", 10)
    house.look()
    house.broker.owned = [a_holding(10)]
    return house


def ask(house: House, command: Command) -> Answer:
    future = house.answers.expect(command.correlation_id)
    house.tell(command)
    house.advance(seconds=1)
    return future.result(timeout=0)


def add(house: House, protection: Protection, price: int, name: str | None = None) -> Answer:
    return ask(
        house,
        AddProtection(
            order_id=name or the_buy(house).id, protection=protection, price=Decimal(price), correlation_id="me"
        ),
    )


def cancel(house: House, protection: Protection) -> Answer:
    return ask(house, CancelProtection(order_id=the_buy(house).id, protection=protection, correlation_id="me"))


def close(house: House) -> Answer:
    return ask(house, CloseOrder(order_id=the_buy(house).id, reason="enough", correlation_id="me"))


def the_buy(house: House) -> Order:
    return house.the_order(Side.BUY)


def the_sell(house: House) -> Order:
    return house.orders(Side.SELL)[-1]


def statuses(house: House) -> dict[IdType, list[IdStatus]]:
    found = LifecycleStore(house.database.engine).history(the_buy(house).id)
    return {kind: [entry.status for entry in entries] for kind, entries in found.items() if entries}


def price_is(house: House, bid: str, ask_price: str) -> None:
    house.market.prices["INFY"] = a_quote(bid, ask_price, at=house.clock.at)


def sold(house: House, price: str = "1050") -> None:
    house.broker.fill(str(the_sell(house).broker_order_id), 10, price)
    house.look()
