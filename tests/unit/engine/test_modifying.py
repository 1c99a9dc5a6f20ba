"""Another price or quantity for an order that stands: judged where it takes on more, and left alone where refused."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.builders import a_quote, a_signal, some_terms
from tests.unit.engine.fakes import AnswerLost
from tests.unit.engine.holder import PROFIT, a_holder, add, ask, the_sell
from tests.unit.engine.house import House
from tradebot.adapters.storage.lifecycle_store import LifecycleStore
from tradebot.domain.errors import BrokerRejected, KillSwitchLatched, MoreThanEntered
from tradebot.domain.events import EventName
from tradebot.domain.kill import KillMode
from tradebot.domain.lifecycle_ids import IdStatus
from tradebot.domain.orders import Order, OrderStatus, Variety
from tradebot.domain.policy import Policy, RiskLimits
from tradebot.engine.answers import Answer, Outcome
from tradebot.engine.commands import KillSwitch, ModifyOrder, PauseEntries


def a_buyer(policy: Policy | None = None) -> House:
    """Ten shares wanted at Rs 1,000, and the order stands."""
    house = House(policy=policy or Policy())
    house.market.prices["INFY"] = a_quote()
    house.signals(a_signal(), variety=Variety.REGULAR)
    assert house.the_order().quantity == 10
    return house


@pytest.fixture
def house() -> House:
    return a_buyer()


def change(house: House, price: str | None = None, quantity: int | None = None, name: str = "") -> Answer:
    order_id = name or house.orders()[-1].id
    wanted = None if price is None else Decimal(price)
    return ask(house, ModifyOrder(order_id=order_id, price=wanted, quantity=quantity, correlation_id="me"))


def stands_at(house: House) -> tuple[Decimal, int]:
    row = next(row for row in house.broker.rows.values() if row.word == "open")
    return row.price, row.quantity


def the_order(house: House) -> tuple[Decimal | None, int, str]:
    order: Order = house.the_order()
    return order.price, order.quantity, order.reason


def test_a_larger_quantity_is_asked_for_and_kept_when_the_book_shows_it(house: House) -> None:
    answer = change(house, quantity=15)
    house.look()

    assert (answer.outcome, answer.text[:3]) == (Outcome.ASKED, "MOD")
    assert stands_at(house) == (Decimal("1000.00"), 15)
    assert the_order(house) == (Decimal("1000.00"), 15, "Quantity changed: 10 -> 15")
    assert house.memory.attempts[house.the_order().coid].quantity == 15
    found = LifecycleStore(house.database.engine).resolve(answer.text, house.clock.at)
    assert found is not None and found.status is IdStatus.EXECUTED


@pytest.mark.parametrize(
    ("stopped", "is_paused"), [(KillSwitchLatched("kill switch"), False), (MoreThanEntered("too much"), True)]
)
def test_a_larger_quantity_that_meets_the_last_door_leaves_the_order_as_it_is(
    house: House, stopped: Exception, is_paused: bool
) -> None:
    """The switch fell, or the day's gross was reached, after the change was decided; it may be asked for again."""
    house.broker.troubles["modify"] = [stopped]

    change(house, quantity=15)
    house.look()

    assert stands_at(house) == (Decimal("1000.00"), 10)
    assert the_order(house)[:2] == (Decimal("1000.00"), 10)
    assert len(house.told(EventName.CHANGE_REFUSED)) == 1
    assert house.memory.is_paused is is_paused
    if not is_paused:
        assert change(house, quantity=15).outcome is Outcome.ASKED


def test_only_what_takes_on_more_says_so_at_the_last_door(house: House) -> None:
    for price, quantity in ((None, 15), ("995", 15), ("996", None), ("990", 12)):
        change(house, price, quantity)
        house.look()

    assert house.broker.added == [Decimal(5_000), None, Decimal(15), None]


def test_price_and_quantity_are_changed_together(house: House) -> None:
    change(house, "995.03", 12)
    house.look()

    assert stands_at(house) == (Decimal("995.00"), 12)
    assert the_order(house)[2] == "Price changed: 1000.00 -> 995.00, Quantity changed: 10 -> 12"


def test_a_quantity_is_above_what_is_filled_and_the_refusal_says_both(house: House) -> None:
    house.broker.fill("1", 4)
    house.look()

    too_little = change(house, quantity=4)
    assert (too_little.outcome, too_little.figures) == (
        Outcome.INVALID,
        {"quantity": "4 is not above the 4 that are filled; cancel what is left instead"},
    )
    assert change(house, quantity=5).outcome is Outcome.ASKED
    house.look()
    house.broker.fill("1", 1)
    house.look()
    assert (house.the_order().status, house.the_order().execution_qty) == (OrderStatus.ONGOING, 5)


def test_what_takes_on_more_meets_every_guard_with_figure_and_threshold() -> None:
    house = a_buyer(Policy(risk=RiskLimits(order_notional_max=Decimal(12_000), symbol_exposure_pct_max=Decimal(100))))

    refused = change(house, quantity=13)

    assert refused.outcome is Outcome.BLOCKED
    assert refused.figures == {
        "RISK_LIMIT_ORDER_NOTIONAL.found": "13000.00",
        "RISK_LIMIT_ORDER_NOTIONAL.allowed": "12000",
    }
    assert house.told(EventName.GUARD_BLOCK)
    assert house.broker.count("modify") == 0
    assert change(house, quantity=12).outcome is Outcome.ASKED


def test_the_money_that_is_kept_for_the_order_counts_as_free() -> None:
    wide = Decimal(10_000)
    house = a_buyer(Policy(risk=RiskLimits(exposure_pct_max=wide, symbol_exposure_pct_max=wide)))
    house.broker.cash = Decimal(1_000)

    assert change(house, quantity=11).outcome is Outcome.ASKED
    house.look()
    refused = change(house, quantity=13)
    assert list(refused.figures) == ["RISK_LIMIT_MIN_CASH.found", "RISK_LIMIT_MIN_CASH.allowed"]
    assert refused.figures["RISK_LIMIT_MIN_CASH.found"] == "-1000.00"


def test_a_pause_stops_what_takes_on_more_and_lets_less_pass(house: House) -> None:
    house.tell(PauseEntries(is_paused=True, correlation_id="pause"))

    assert change(house, quantity=11).text == "PAUSED"
    assert change(house, "1001").text == "PAUSED"
    assert change(house, quantity=9).outcome is Outcome.ASKED


def test_the_kill_switch_stops_every_change_of_an_entry(house: House) -> None:
    ask(house, KillSwitch(mode=KillMode.STOP, reason="now", correlation_id="kill"))

    assert change(house, quantity=9).text == "KILL_SWITCH"


def test_a_sell_is_for_no_more_than_is_held() -> None:
    house = a_holder()
    add(house, PROFIT, 1050)

    refused = change(house, quantity=11, name=the_sell(house).id)

    assert (refused.outcome, refused.figures) == (Outcome.BLOCKED, {"NOT_HELD.found": "10", "NOT_HELD.wanted": "11"})
    assert change(house, quantity=6, name=the_sell(house).id).outcome is Outcome.ASKED


def test_the_instruments_own_limits_hold_for_the_whole_order(house: House) -> None:
    house.broker.symbol_terms["INFY"] = some_terms(freeze_quantity=14, lot_size=2, upper_limit=Decimal(1010))

    assert change(house, quantity=13).figures == {"quantity": "13 is no multiple of the lot of 2"}
    assert change(house, quantity=16).figures["FREEZE_QUANTITY.freeze_quantity"] == "14"
    assert change(house, "1020").figures["PRICE_BAND.upper_limit"] == "1010"


@pytest.mark.parametrize(
    ("price", "quantity"),
    [(None, None), ("0", None), ("-1", 5), ("NaN", None), ("Infinity", None), ("2000000", None), (None, 0), (None, -3)],
)
def test_what_makes_no_sense_is_refused_at_once(house: House, price: str | None, quantity: int | None) -> None:
    assert change(house, price, quantity).outcome is Outcome.INVALID
    assert house.broker.count("modify") == 0


def test_what_it_is_already_is_no_change(house: House) -> None:
    assert change(house, "1000", 10).outcome is Outcome.CONFLICT
    assert change(house, "1000", 10, name="nobody").outcome is Outcome.UNKNOWN_ID


def test_a_refusal_of_the_broker_leaves_the_order_as_it_is(house: House) -> None:
    house.broker.troubles["modify"] = [BrokerRejected("16346 : Order cannot be modified")]

    asked = change(house, quantity=12)
    house.look()

    assert stands_at(house) == (Decimal("1000.00"), 10)
    assert the_order(house)[:2] == (Decimal("1000.00"), 10)
    assert house.broker.count("cancel") == 0
    (told,) = house.told(EventName.CHANGE_REFUSED)
    assert told.fields["cause"] == "16346 : Order cannot be modified"
    found = LifecycleStore(house.database.engine).resolve(asked.text, house.clock.at)
    assert found is not None and found.status is IdStatus.CANCELLED
    assert change(house, quantity=12).outcome is Outcome.ASKED


def test_one_change_at_a_time_and_a_lost_answer_is_looked_up(house: House) -> None:
    house.broker.troubles["modify"] = [AnswerLost("no answer")]
    house.broker.frozen = list(house.broker.rows.values())
    change(house, quantity=12)
    assert change(house, quantity=14).text == "a change of the order is under way"

    house.broker.frozen = None
    house.look()

    assert the_order(house)[1] == 12
    assert house.broker.count("modify") == 1
    assert not house.told(EventName.MANUAL_MODIFICATION)


def test_a_change_that_outlived_a_restart_is_seen_as_ours(house: House) -> None:
    house.broker.frozen = list(house.broker.rows.values())
    change(house, quantity=12)
    house.restart()

    house.broker.frozen = None
    house.look()

    assert the_order(house)[1] == 12
    assert not house.told(EventName.MANUAL_MODIFICATION)


def test_what_was_filled_meanwhile_cannot_be_changed(house: House) -> None:
    house.broker.fill("1", 10)
    house.look()

    answer = change(house, quantity=12)

    assert answer.outcome is Outcome.CONFLICT
    assert answer.text.endswith("is ongoing and does not stand at the broker")
