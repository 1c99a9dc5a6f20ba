"""An honest home with one of each, and the lies that can be planted in it, each with what an audit has to find."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from tests.auditor.audit import audit
from tests.auditor.findings import Kind, Report
from tests.auditor.hand_written import NOW, HandWrittenHome


class Honest(HandWrittenHome):
    """One of each: pruned, sold, half sold, held with a sell standing, filled in part, rejected, retried, waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.rejected = self.place("OLD")
        self.end(self.rejected, "REJECTED", event="refused", status="failed")
        self.change(self.rejected, "expired", "cancelled")
        self.pass_days(9)
        del self.registry[self.orders[self.rejected]["coid"]]
        self.sold = self.buy("SOLD", 10, "100.05")
        self.its_sell = self.sell(self.sold, 10, "110")
        self.half = self.buy("HALF", 3, "33.35")
        self.sell(self.half, 1, "40")
        self.held = self.buy("HELD", 5, "50")
        self.standing = self.place("HELD", 5, side="sell", position_id=self.orders[self.held]["position_id"])
        self.part = self.place("PART", 20)
        self.partly(self.part, 8, "30")
        self.end(self.part, "CANCELLED", event="bought", status="ongoing")
        self.retried = self.place("AGAIN")
        self.end(self.retried, "REJECTED", event="refused", status="failed")
        self.retry(self.retried)
        self.end(self.retried, "CANCELLED", event="cancelled", status="cancelled")
        self.waiting = self.place("WAIT")
        self.partly(self.waiting, 4, "12.5")
        self.untagged("MANUAL", 3, "10")
        self.batch("rolled_back", (self.sold, self.its_sell), (self.retried, None))
        self.batch("success", (self.held, None))

    def audited(self, folder: Path, *, stopped_cleanly: bool = True) -> Report:
        home = self.write(folder / "home")
        stream = home / "stream.jsonl" if self.stream else None
        return audit(home, stopped_cleanly=stopped_cleanly, log_is_complete=True, stream=stream)


def a_second_order_with_a_tag(home: Honest) -> None:
    home.duplicate(home.waiting)


def an_order_without_a_row(home: Honest) -> None:
    coid = home.orders.pop(home.waiting)["coid"]
    del home.attempts[coid], home.requests[coid]
    home.exchange_orders[home.registry[coid]["broker_order_id"]] |= {"filled_quantity": 0, "filled_value": "0"}
    home.trades = [trade for trade in home.trades if trade["order_id"] != home.registry[coid]["broker_order_id"]]
    home.fills = [fill for fill in home.fills if fill["order_id"] != home.waiting]
    home.events = home.events[: next(i for i, e in enumerate(home.events) if e["order_id"] == home.waiting)]
    home.positions.pop(f"P{coid}")
    del home.holdings["WAIT"]
    home.cash += 50
    home.log = [line for line in home.log if line["order_id"] != home.waiting]


def an_order_whose_number_was_never_saved(home: Honest) -> None:
    home.attempt(home.standing)["broker_order_id"] = None
    home.entry(home.standing)["broker_order_id"] = None


def an_order_without_a_registry_entry(home: Honest) -> None:
    del home.registry[home.orders[home.part]["coid"]]


def an_open_order_pruned_from_the_registry(home: Honest) -> None:
    home.attempt(home.waiting)["updated_at"] = NOW
    del home.registry[home.orders[home.waiting]["coid"]]


def an_acceptance_that_never_was(home: Honest) -> None:
    del home.exchange_orders[home.attempt(home.standing)["broker_order_id"]]


def a_cancellation_that_never_was(home: Honest) -> None:
    del home.exchange_orders[home.attempt(home.standing)["broker_order_id"]]
    home.attempt(home.standing).update(broker_order_id=None, status="cancelled")
    home.entry(home.standing).update(broker_order_id=None, status="cancelled")


def a_fill_booked_twice(home: Honest) -> None:
    home.fills.append(dict(home.fills[-1]))


def a_fill_at_another_price(home: Honest) -> None:
    home.fills[-1]["price"] = Decimal("12.55")


def a_forgotten_fill(home: Honest) -> None:
    del home.fills[-1]


def a_rejected_order_that_is_ongoing(home: Honest) -> None:
    home.at_exchange(home.held)["status"] = "REJECTED"


def a_filled_order_that_is_pending(home: Honest) -> None:
    home.orders[home.held]["status"] = "pending"
    home.events = [e for e in home.events if (e["order_id"], e["event"]) != (home.held, "bought")]
    for number, event in enumerate(home.events, start=1):
        event["sequence"] = number
    home.log = [line for line in home.log if line["order_id"] != home.held]


def a_standing_order_called_cancelled(home: Honest) -> None:
    home.change(home.standing, "cancelled", "cancelled")


def an_attempt_called_filled(home: Honest) -> None:
    home.attempt(home.standing)["status"] = "filled"
    home.entry(home.standing)["status"] = "filled"


def an_attempt_with_too_little_filled(home: Honest) -> None:
    home.attempt(home.waiting)["filled_quantity"] = 3
    home.entry(home.waiting)["filled_qty"] = 3


def a_wrong_executed_quantity(home: Honest) -> None:
    home.orders[home.waiting]["execution_qty"] = 5


def a_wrong_executed_value(home: Honest) -> None:
    home.orders[home.held]["execution_value"] = Decimal("250.05")


def a_position_from_nowhere(home: Honest) -> None:
    empty = {"quantity": 0, "closed_at": NOW, "bought_quantity": 0, "sold_quantity": 0}
    home.positions["P1"] = home.position(home.sold) | empty | {"id": "P1", "symbol": "NONE"}


def a_position_with_a_wrong_history(home: Honest) -> None:
    home.position(home.half).update(bought_quantity=4, sold_quantity=2)


def a_position_that_holds_too_much(home: Honest) -> None:
    home.position(home.half)["quantity"] = 3


def an_empty_position_that_is_open(home: Honest) -> None:
    home.position(home.sold)["closed_at"] = None


def a_buy_without_a_position(home: Honest) -> None:
    home.orders[home.part]["position_id"] = None


def an_ongoing_buy_of_a_closed_position(home: Honest) -> None:
    home.orders[home.sold]["status"] = "ongoing"
    del home.events[next(i for i, e in enumerate(home.events) if e["event"] == "position_sold")]
    for number, event in enumerate(home.events, start=1):
        event["sequence"] = number


def a_profit_too_high(home: Honest) -> None:
    home.position(home.half)["realised_pnl"] += Decimal("0.01")


def a_cost_too_low(home: Honest) -> None:
    home.position(home.half)["cost"] -= Decimal("0.01")


def shares_that_the_exchange_does_not_have(home: Honest) -> None:
    home.holdings["HELD"] = 4


def shares_that_we_do_not_know(home: Honest) -> None:
    home.holdings["ALIEN"] = 4


def cash_that_is_missing(home: Honest) -> None:
    home.cash -= Decimal("0.01")


def cash_that_is_too_much(home: Honest) -> None:
    home.cash += Decimal("0.01")


def a_missing_event(home: Honest) -> None:
    del home.events[2]


def an_event_numbered_twice(home: Honest) -> None:
    home.events[4]["sequence"] = 4


def an_event_that_begins_elsewhere(home: Honest) -> None:
    home.events[-1]["from_status"] = "failed"


def a_status_that_no_event_tells(home: Honest) -> None:
    home.orders[home.retried]["status"] = "failed"
    home.at_exchange(home.retried)["status"] = "REJECTED"
    home.attempt(home.retried)["status"] = home.entry(home.retried)["status"] = "rejected"


def an_order_that_begins_ongoing(home: Honest) -> None:
    home.events = [e for e in home.events if e["order_id"] != home.held or e["event"] == "recorded"]
    next(e for e in home.events if e["order_id"] == home.held)["to_status"] = "ongoing"
    for number, event in enumerate(home.events, start=1):
        event["sequence"] = number
    home.log = [line for line in home.log if line["order_id"] != home.held]


def a_sell_that_is_ongoing(home: Honest) -> None:
    home.change(home.standing, "bought", "ongoing")
    home.change(home.standing, "position_sold", "closed")
    home.at_exchange(home.standing)["status"] = "COMPLETE"
    home.attempt(home.standing)["status"] = home.entry(home.standing)["status"] = "filled"


def an_empty_reason(home: Honest) -> None:
    home.orders[home.held]["reason"] = " "


def an_id_that_was_drawn(home: Honest) -> None:
    coid, drawn = home.orders[home.standing]["coid"], "A000000000000DRAWN"
    home.at_exchange(home.standing)["tag"] = drawn
    home.orders[home.standing]["coid"] = drawn
    home.attempts[drawn] = home.attempts.pop(coid) | {"coid": drawn}
    home.registry[drawn] = home.registry.pop(coid) | {"coid": drawn}


def an_id_of_another_attempt(home: Honest) -> None:
    home.attempt(home.standing)["number"] = 2


def a_registry_with_another_status(home: Honest) -> None:
    home.entry(home.sold)["status"] = "pending"


def a_registry_with_another_number(home: Honest) -> None:
    home.entry(home.sold)["broker_order_id"] = "1"


def a_registry_with_another_symbol(home: Honest) -> None:
    home.entry(home.sold)["symbol"] = "ELSE"


def a_fill_told_twice(home: Honest) -> None:
    home.log.append({"event": "ORDER_FILLED", "order_id": home.sold})


def a_fill_not_told(home: Honest) -> None:
    home.log.remove({"event": "ORDER_FILLED", "order_id": home.its_sell})


def a_partial_fill_not_told(home: Honest) -> None:
    home.log.remove({"event": "ORDER_PARTIAL", "order_id": home.part})


def a_cancelled_rest_told_as_filled(home: Honest) -> None:
    home.log.append({"event": "ORDER_FILLED", "order_id": home.part})


def lines_that_the_log_lost(home: Honest) -> None:
    home.log.append({"event": "LOG_LOST", "lost": 2})


def a_second_sell_of_a_position(home: Honest) -> None:
    home.place("HELD", 5, side="sell", position_id=home.orders[home.held]["position_id"])


def a_sell_that_still_stands(home: Honest) -> None:
    position_id = home.orders[home.held]["position_id"]
    other = home.place("HELD", 5, side="sell", position_id=position_id)
    home.change(other, "cancelled", "cancelled")


def a_request_that_nobody_answered(home: Honest) -> None:
    home.requests[home.orders[home.standing]["coid"]]["state"] = "prepared"


def an_order_with_more_filled_than_traded(home: Honest) -> None:
    home.at_exchange(home.held)["filled_value"] = "251"


def a_trade_of_no_order(home: Honest) -> None:
    home.trades.append({"order_id": "261120000009999", "trade_id": "1", "quantity": 1, "price": "1"})


def a_rollback_while_a_leg_is_filled(home: Honest) -> None:
    home.batches[1]["status"] = "rolled_back"


def a_rollback_that_did_not_sell(home: Honest) -> None:
    home.legs[0]["unwind_order_id"] = None


def a_failed_batch_with_an_open_order(home: Honest) -> None:
    home.batch("failed", (home.standing, None))


def a_leg_of_no_batch(home: Honest) -> None:
    home.legs[2]["batch_id"] = "B9"


def a_message_of_nothing(home: Honest) -> None:
    home.listen()
    home.stream[-1]["data"]["order_id"] = "0000000000000009999"


def a_message_with_another_status(home: Honest) -> None:
    home.listen()
    home.stream[-1]["data"]["status"] = "closed"


def a_message_that_was_taken_back(home: Honest) -> None:
    home.listen()
    told = home.stream[-1]
    home.stream.append(told | {"seq": told["seq"] + 1})


def a_message_that_was_left_out(home: Honest) -> None:
    home.listen()
    del home.stream[3]


def a_message_told_twice(home: Honest) -> None:
    home.listen()
    home.stream.insert(3, home.stream[2])


def an_end_that_was_not_told(home: Honest) -> None:
    home.listen()
    del home.stream[-1]


Lie = Callable[[Honest], None]

LIES: tuple[tuple[Lie, set[Kind]], ...] = (
    (a_second_order_with_a_tag, {Kind.DUPLICATE_ORDER}),
    (an_order_without_a_row, {Kind.LOST_ORDER}),
    (an_order_whose_number_was_never_saved, {Kind.LOST_ORDER}),
    (an_order_without_a_registry_entry, {Kind.UNREGISTERED_ORDER}),
    (an_open_order_pruned_from_the_registry, {Kind.UNREGISTERED_ORDER}),
    (an_acceptance_that_never_was, {Kind.INVENTED_ORDER}),
    (a_cancellation_that_never_was, {Kind.INVENTED_ORDER}),
    (a_fill_booked_twice, {Kind.INVENTED_FILL, Kind.WRONG_POSITION, Kind.WRONG_PROFIT}),
    (a_fill_at_another_price, {Kind.INVENTED_FILL, Kind.FORGOTTEN_FILL, Kind.WRONG_PROFIT}),
    (a_forgotten_fill, {Kind.FORGOTTEN_FILL, Kind.WRONG_POSITION}),
    (a_rejected_order_that_is_ongoing, {Kind.WRONG_STATUS}),
    (a_filled_order_that_is_pending, {Kind.WRONG_STATUS}),
    (a_standing_order_called_cancelled, {Kind.WRONG_STATUS}),
    (an_attempt_called_filled, {Kind.WRONG_STATUS}),
    (an_attempt_with_too_little_filled, {Kind.WRONG_STATUS}),
    (a_wrong_executed_quantity, {Kind.WRONG_EXECUTION}),
    (a_wrong_executed_value, {Kind.WRONG_EXECUTION}),
    (a_position_from_nowhere, {Kind.WRONG_POSITION}),
    (a_position_with_a_wrong_history, {Kind.WRONG_POSITION}),
    (a_position_that_holds_too_much, {Kind.WRONG_POSITION, Kind.WRONG_HOLDING}),
    (an_empty_position_that_is_open, {Kind.WRONG_POSITION}),
    (a_buy_without_a_position, {Kind.WRONG_POSITION}),
    (an_ongoing_buy_of_a_closed_position, {Kind.WRONG_STATUS}),
    (a_profit_too_high, {Kind.WRONG_PROFIT}),
    (a_cost_too_low, {Kind.WRONG_PROFIT}),
    (shares_that_the_exchange_does_not_have, {Kind.WRONG_HOLDING}),
    (shares_that_we_do_not_know, {Kind.WRONG_HOLDING}),
    (cash_that_is_missing, {Kind.WRONG_CASH}),
    (cash_that_is_too_much, {Kind.WRONG_CASH}),
    (a_missing_event, {Kind.BROKEN_STORY}),
    (an_event_numbered_twice, {Kind.BROKEN_STORY}),
    (an_event_that_begins_elsewhere, {Kind.BROKEN_STORY}),
    (a_status_that_no_event_tells, {Kind.BROKEN_STORY}),
    (an_order_that_begins_ongoing, {Kind.ILLEGAL_TRANSITION}),
    (a_sell_that_is_ongoing, {Kind.ILLEGAL_TRANSITION}),
    (an_empty_reason, {Kind.MISSING_REASON}),
    (an_id_that_was_drawn, {Kind.WRONG_ID}),
    (an_id_of_another_attempt, {Kind.WRONG_ID}),
    (a_registry_with_another_status, {Kind.REGISTRY_DISAGREES}),
    (a_registry_with_another_number, {Kind.REGISTRY_DISAGREES}),
    (a_registry_with_another_symbol, {Kind.REGISTRY_DISAGREES}),
    (a_fill_told_twice, {Kind.WRONG_LOG}),
    (a_fill_not_told, {Kind.WRONG_LOG}),
    (a_partial_fill_not_told, {Kind.WRONG_LOG}),
    (a_cancelled_rest_told_as_filled, {Kind.WRONG_LOG}),
    (lines_that_the_log_lost, {Kind.WRONG_LOG}),
    (a_rollback_while_a_leg_is_filled, {Kind.WRONG_BATCH}),
    (a_rollback_that_did_not_sell, {Kind.WRONG_BATCH}),
    (a_failed_batch_with_an_open_order, {Kind.WRONG_BATCH}),
    (a_leg_of_no_batch, {Kind.WRONG_BATCH}),
    (a_message_of_nothing, {Kind.WRONG_STREAM}),
    (a_message_with_another_status, {Kind.WRONG_STREAM}),
    (a_message_that_was_taken_back, {Kind.WRONG_STREAM}),
    (a_message_that_was_left_out, {Kind.WRONG_STREAM}),
    (a_message_told_twice, {Kind.WRONG_STREAM}),
    (an_end_that_was_not_told, {Kind.WRONG_STREAM}),
    (a_second_sell_of_a_position, {Kind.SECOND_LIVE_SELL}),
    (a_sell_that_still_stands, {Kind.SECOND_LIVE_SELL, Kind.WRONG_STATUS}),
    (a_request_that_nobody_answered, {Kind.UNANSWERED_REQUEST}),
    (an_order_with_more_filled_than_traded, {Kind.CONTRADICTORY_BOOKS}),
    (a_trade_of_no_order, {Kind.CONTRADICTORY_BOOKS}),
)
