"""Entries: what a signal becomes, what is refused and why, and that every signal ends as a decision."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import MONDAY, NOON, a_position, a_quote, a_signal, an_attempt, an_order, some_terms
from tests.unit.engine.house import House
from tradebot.domain.errors import BrokerRejected
from tradebot.domain.events import EventName
from tradebot.domain.orders import Decision, EntryType, OrderStatus, Variety
from tradebot.domain.policy import GuardMode, Policy, QuoteLimits, RiskLimits
from tradebot.domain.stored import Changes
from tradebot.engine import ledger

REENTRY = EntryType.REENTRY


def decided(house: House) -> list[tuple[str, str]]:
    return [(decision.outcome, decision.reason) for decision in house.memory.decisions.values()]


def a_house(*symbols: str, risk: RiskLimits | None = None, **options: Any) -> House:
    house = House(policy=replace(Policy(), risk=risk or RiskLimits()), **options)
    house.broker.symbol_terms |= {symbol: some_terms(symbol) for symbol in symbols}
    return house


def test_a_signal_becomes_an_order_and_a_decision_that_names_it() -> None:
    house = a_house()

    house.signals(a_signal(metadata={"target": "1050", "atr": "12"}))

    order = house.the_order()
    (decision,) = house.memory.decisions.values()
    assert (decision.outcome, decision.order_id, decision.id) == ("sent", order.id, "signal-1")
    assert (order.quantity, order.price, order.variety) == (10, Decimal(1000), Variety.AMO)
    own = {"priced_by": "signal", "sized_by": "signal", "reference_price": "1000.00"}
    assert order.metadata == {"strategy": "test", "target": "1050", "atr": "12", **own}
    assert house.count_rows("decisions") == 1


@pytest.mark.parametrize(("limit", "price"), [("1000.04", "1000.00"), ("1000.05", "1000.05"), (None, "1010.00")])
def test_a_buys_limit_is_rounded_down_to_the_tick_and_protected_where_none_is_given(
    limit: str | None, price: str
) -> None:
    house = a_house()

    house.signals(a_signal(limit_price=None if limit is None else Decimal(limit)))

    assert house.the_order().price == Decimal(price)


def test_a_signal_without_a_quantity_is_sized_from_the_capital() -> None:
    house = a_house()

    house.signals(a_signal(quantity=None, reference_close=Decimal(999)))

    assert house.the_order().quantity == 50


def test_a_quantity_is_whole_lots_and_at_least_one() -> None:
    house = a_house("TCS")
    house.broker.symbol_terms |= {name: some_terms(name, lot_size=25) for name in ("INFY", "TCS")}

    house.signals(a_signal(quantity=60), a_signal(2, "TCS", quantity=10))

    assert [order.quantity for order in house.orders()] == [50, 25]


@pytest.mark.parametrize(
    ("risk", "reason"),
    [
        (RiskLimits(order_notional_max=Decimal("9999.99")), "RISK_LIMIT_ORDER_NOTIONAL"),
        (RiskLimits(exposure_pct_max=Decimal("0.99")), "RISK_LIMIT_MAX_EXPOSURE"),
        (RiskLimits(symbol_exposure_pct_max=Decimal("0.99")), "RISK_LIMIT_MAX_SYMBOL_EXPOSURE"),
        (RiskLimits(trades_per_day_max=0), "RISK_LIMIT_MAX_TRADES_PER_DAY"),
    ],
)
def test_a_risk_refusal_leaves_a_decision_with_figures_and_no_order(risk: RiskLimits, reason: str) -> None:
    house = a_house(risk=risk)

    house.signals(a_signal())

    (decision,) = house.memory.decisions.values()
    assert (decision.outcome, decision.reason) == ("blocked", reason)
    assert f"{reason}.found" in decision.figures
    assert f"{reason}.allowed" in decision.figures
    assert house.orders() == []
    assert house.registry.open_entries() == []
    (event,) = house.told(EventName.GUARD_BLOCK)
    assert (event.fields["block_reason"], event.fields["guard"]) == (reason, "risk")


@pytest.mark.parametrize(
    ("risk", "begins"),
    [
        (RiskLimits(positions_max=0), "portfolio_full"),
        (RiskLimits(cash_reserve_min=Decimal(992_345)), "insufficient_funds - shortfall: Rs 2,345"),
    ],
)
def test_a_full_portfolio_and_missing_cash_leave_a_failed_row(risk: RiskLimits, begins: str) -> None:
    house = a_house(risk=risk)

    house.signals(a_signal())

    order = house.the_order()
    assert order.status is OrderStatus.FAILED
    assert order.reason.startswith(begins)
    assert (order.retry_count, order.first_failed_at) == (1, house.clock.at)
    assert house.registry.open_entries() == []
    assert house.memory.attempts.values() == []
    assert [outcome for outcome, _ in decided(house)] == ["failed"]
    assert "place" not in house.broker.calls


def test_what_is_failed_once_and_comes_again_is_one_row() -> None:
    house = a_house(risk=RiskLimits(positions_max=0))

    house.signals(a_signal())
    house.signals(a_signal())

    assert len(house.orders()) == 1


def test_a_reentry_that_failed_for_want_of_cash_can_be_placed_when_there_is_some() -> None:
    signal = a_signal(entry_type=REENTRY)
    house = a_house(risk=RiskLimits(exposure_pct_max=Decimal(10_000), symbol_exposure_pct_max=Decimal(10_000)))
    house.broker.cash = Decimal(5_000)
    house.signals(signal)

    house.broker.cash = Decimal(500_000)
    house.signals(signal)

    assert house.memory.entries_stopped == ""
    assert house.broker.count("place") == 1


def test_a_refused_entry_whose_id_was_reserved_before_is_not_sent() -> None:
    house = a_house(risk=RiskLimits(positions_max=0), is_started=False)
    order = an_order()
    house.registry.reserve([ledger.registry_entry(an_attempt(order), order)])
    house.restart()

    house.signals(a_signal())

    assert "place" not in house.broker.calls


def test_a_signal_that_was_rejected_and_comes_again_passes_the_guards_again() -> None:
    house = a_house()
    house.broker.troubles["place"] = [BrokerRejected("margin")]
    house.signals(a_signal())
    house.market.halts["INFY"] = "a jump of 40 %"

    house.signals(a_signal())

    assert house.broker.count("place") == 1


def test_the_same_signals_again_are_one_order_and_are_told_as_duplicates() -> None:
    house = a_house("TCS")

    house.signals(a_signal(), a_signal(2, "TCS"))
    house.signals(a_signal(), a_signal(2, "TCS"))

    assert house.broker.count("place") == 2
    assert len(house.told(EventName.COID_DUPLICATE)) == 2


def test_the_same_signals_again_after_a_restart_are_one_order() -> None:
    house = a_house()
    house.signals(a_signal())

    house.restart()
    house.signals(a_signal())

    assert house.broker.count("place") == 1


@pytest.mark.parametrize("status", [OrderStatus.PENDING, OrderStatus.ONGOING, OrderStatus.FAILED])
def test_a_symbol_with_a_living_order_takes_no_initial_entry(status: OrderStatus) -> None:
    house = a_house(stored=Changes(orders=[an_order(status=status, first_failed_at=NOON)]))

    house.signals(a_signal(2))

    assert decided(house) == [("blocked", "SYMBOL_TAKEN")]


@pytest.mark.parametrize("status", [OrderStatus.CLOSED, OrderStatus.CANCELLED])
def test_a_symbol_whose_order_is_finished_is_free(status: OrderStatus) -> None:
    house = a_house(stored=Changes(orders=[an_order(status=status)]))

    house.signals(a_signal(2))

    assert [outcome for outcome, _ in decided(house)] == ["sent"]


def test_a_reentry_passes_while_the_position_is_ongoing() -> None:
    house = a_house(stored=Changes(orders=[an_order(status=OrderStatus.ONGOING)], positions=[a_position()]))

    house.signals(a_signal(2, entry_type=REENTRY))
    house.broker.fill("1", 10, "1100")
    house.look()

    assert house.the_position().quantity == 20
    assert house.the_position().average_price == 1050


def test_a_pending_order_of_another_symbol_is_no_obstacle() -> None:
    house = a_house("TCS")

    house.signals(a_signal(), a_signal(2, "TCS"))

    assert house.broker.count("place") == 2


@pytest.mark.parametrize(("minutes", "is_blocked"), [(14.99, True), (15, False)])
def test_a_symbol_rests_15_minutes_after_its_exit(minutes: float, is_blocked: bool) -> None:
    closed = a_position(quantity=0, cost=Decimal(0), closed_at=NOON - timedelta(minutes=minutes))
    order = an_order(status=OrderStatus.CLOSED, position_id=closed.id)
    house = a_house(stored=Changes(orders=[order], positions=[closed]))

    house.signals(a_signal(2))

    assert decided(house) == [("blocked", "COOLDOWN") if is_blocked else ("sent", "")]


def test_a_halted_symbol_takes_no_entry_and_is_told_once() -> None:
    house = a_house()
    house.market.halts["INFY"] = "2026-11-16: 10 is -99 % away"

    house.signals(a_signal())
    house.signals(a_signal())

    assert decided(house) == [("blocked", "SYMBOL_HALTED")]
    assert len(house.told(EventName.SYMBOL_HALTED)) == 1


def test_a_symbol_without_terms_is_blocked() -> None:
    house = a_house()

    house.signals(a_signal(symbol="NOBODY"))

    assert decided(house) == [("blocked", "NO_MARKET_DATA")]


def test_a_price_outside_the_band_is_blocked() -> None:
    house = a_house()

    house.signals(a_signal(limit_price=Decimal("1200.05")))

    assert decided(house) == [("blocked", "PRICE_BAND")]


def test_all_reasons_are_listed_together() -> None:
    house = a_house(risk=RiskLimits(order_notional_max=Decimal(1)))
    house.market.halts["INFY"] = "a jump"

    house.signals(a_signal(limit_price=Decimal(1300)))

    assert decided(house) == [("blocked", "SYMBOL_HALTED, PRICE_BAND, RISK_LIMIT_ORDER_NOTIONAL")]


def test_a_full_portfolio_with_another_reason_leaves_no_row() -> None:
    house = a_house(risk=RiskLimits(positions_max=0))
    house.market.halts["INFY"] = "a jump"

    house.signals(a_signal())

    assert house.orders() == []
    assert decided(house) == [("blocked", "SYMBOL_HALTED, RISK_LIMIT_MAX_POSITIONS")]


def test_each_entry_counts_what_the_ones_before_it_took() -> None:
    symbols = [f"S{number}" for number in range(8)]
    house = a_house(*symbols)

    house.signals(*(a_signal(number, symbol) for number, symbol in enumerate(symbols)))

    assert house.broker.count("place") == 6
    assert [order.status for order in house.orders()].count(OrderStatus.FAILED) == 2


def test_each_entry_leaves_less_cash_to_the_next() -> None:
    house = a_house("TCS", risk=RiskLimits(exposure_pct_max=Decimal(500), symbol_exposure_pct_max=Decimal(500)))
    house.broker.cash = Decimal(15_000)

    house.signals(a_signal(), a_signal(2, "TCS"))

    first, second = house.orders()
    assert (first.status, second.status) == (OrderStatus.PENDING, OrderStatus.FAILED)
    assert second.reason == "insufficient_funds - shortfall: Rs 5,000"


def test_at_night_the_quote_guards_are_not_evaluated_and_say_so() -> None:
    house = a_house()

    house.signals(a_signal(), variety=Variety.AMO)

    assert len(house.told(EventName.GUARD_NOT_EVALUATED)) == 1
    assert house.broker.count("place") == 1


def test_in_the_session_a_missing_quote_blocks() -> None:
    house = a_house()

    house.signals(a_signal(), variety=Variety.REGULAR)

    assert decided(house) == [("blocked", "NO_MARKET_DATA")]


def test_in_the_session_a_bad_book_blocks() -> None:
    house = a_house()
    house.market.prices["INFY"] = a_quote("990", "1000")

    house.signals(a_signal(), variety=Variety.REGULAR)

    assert decided(house) == [("blocked", "WIDE_SPREAD")]


@pytest.mark.parametrize("mode", [GuardMode.SHADOW, GuardMode.OFF])
def test_a_guard_in_the_shadow_tells_and_one_that_is_off_is_silent_and_neither_blocks(mode: GuardMode) -> None:
    house = House(policy=Policy(quotes=QuoteLimits(spread=mode)))
    house.market.prices["INFY"] = a_quote("990", "1000")

    house.signals(a_signal(), variety=Variety.REGULAR)

    assert house.broker.count("place") == 1
    assert [event.fields["shadow"] for event in house.told(EventName.GUARD_BLOCK)] == (
        [True] if mode is GuardMode.SHADOW else []
    )


def test_a_stale_quote_is_no_market_data() -> None:
    house = a_house()
    house.market.prices["INFY"] = a_quote(at=NOON - timedelta(minutes=30))

    house.signals(a_signal(), variety=Variety.REGULAR)

    assert decided(house) == [("blocked", "NO_MARKET_DATA")]


def test_a_guard_that_fails_blocks() -> None:
    house = a_house()
    house.market.prices["INFY"] = a_quote("0", "1000")

    house.signals(a_signal(), variety=Variety.REGULAR)

    ((outcome, reason),) = decided(house)
    assert (outcome, reason) == ("blocked", "GUARD_FAULT")


def test_a_signal_that_was_blocked_and_then_sent_is_decided_as_sent() -> None:
    house = a_house()
    house.market.halts["INFY"] = "a jump"
    house.signals(a_signal())
    house.market.halts.clear()

    house.signals(a_signal())

    assert house.broker.count("place") == 1
    assert [outcome for outcome, _ in decided(house)] == ["sent"]


def test_a_batch_tells_how_its_signals_ended() -> None:
    house = a_house("TCS")
    house.market.halts["TCS"] = "a jump"

    house.signals(a_signal(), a_signal(2, "TCS"))

    (event,) = house.told(EventName.SIGNALS_RECEIVED)
    assert event.fields == {"trading_day": MONDAY.isoformat(), "signals": 2, "sent": 1, "blocked": 1}


def test_decisions_of_the_day_are_known_after_a_restart() -> None:
    house = a_house()
    house.market.halts["INFY"] = "a jump"
    house.signals(a_signal())
    before: list[Decision] = house.memory.decisions.values()

    house.restart()

    assert house.memory.decisions.values() == before
