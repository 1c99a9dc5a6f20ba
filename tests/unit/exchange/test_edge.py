"""Fault dials: what the caller sees, and what the exchange knows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.exchange.builders import (
    ME,
    MON,
    TUE,
    a_buy,
    a_sell,
    an_exchange,
    at,
    run_to,
    rupees,
    with_holding,
)
from tradebot.domain.orders import Variety
from tradebot.exchange.commands import Accepted, ErrorType, Placed, Refused
from tradebot.exchange.dials import (
    AbsentThenPresent,
    AcceptedThenRejected,
    AnswerLostAfter,
    AnswerLostBefore,
    DuplicateTagRefused,
    EmptyBookIsError,
    ErrorInstead,
    FillsAfterCancel,
    StaleBook,
)
from tradebot.exchange.edge import INCIDENTS_MAX, AnswerLost, Ask, Call, Dial, Edge, ErrorAnswer, NotReached
from tradebot.exchange.rows import Status

REGULAR: dict[str, Any] = {"variety": Variety.REGULAR}
TIMED_OUT = Refused(http_status=400, error_type=ErrorType.ORDER, text="Order request timed out.")


def an_edge(*dials: Dial, opening: str = "09:16:30") -> Edge:
    return Edge(an_exchange(opening=at(MON, opening)), seed=1, dials=dials)


def placed_at(edge: Edge, **changes: object) -> str:
    answer = edge.place(ME, a_buy(**{"price": "99", **REGULAR, **changes}))
    assert isinstance(answer, Placed)
    return answer.order_id


def test_without_dials_the_edge_is_the_exchange() -> None:
    edge = an_edge()
    order_id = placed_at(edge, tag="T1")
    assert edge.order_book(ME) == edge.exchange.order_book(ME)
    assert edge.order(ME, order_id) == edge.exchange.order(ME, order_id)
    assert edge.order_history(ME, order_id) == edge.exchange.order_history(ME, order_id)
    assert edge.quote("ABC") == edge.exchange.quote("ABC")
    assert edge.terms("ABC") == edge.exchange.terms("ABC")
    assert edge.margins(ME) == edge.exchange.margins(ME)
    assert isinstance(edge.modify(ME, order_id, Variety.REGULAR, quantity=5, price=rupees("99.5")), Accepted)
    run_to(edge.exchange, at(MON, "10:00"))
    assert edge.trades(ME) == edge.exchange.trades(ME) != []
    assert edge.order_trades(ME, order_id) == edge.exchange.order_trades(ME, order_id)
    assert edge.holdings(ME) == edge.exchange.holdings(ME) != []
    assert edge.positions(ME) == edge.exchange.positions(ME) != []
    assert isinstance(edge.cancel(ME, order_id, Variety.REGULAR), Refused)
    assert (edge.now, edge.refuses_duplicate_tag, list(edge.incidents)) == (at(MON, "10:00"), False, [])


def test_an_answer_lost_after_acceptance_leaves_the_order_standing() -> None:
    edge = an_edge(AnswerLostAfter(per_mille=1000))
    with pytest.raises(AnswerLost):
        edge.place(ME, a_buy(price="99", tag="T1", **REGULAR))
    assert [row.tag for row in edge.order_book(ME)] == ["T1"]
    assert [(i.dial, i.call.key) for i in edge.incidents] == [("answer_lost_after", "T1")]


@pytest.mark.parametrize(("is_known", "error"), [(False, AnswerLost), (True, NotReached)])
def test_a_call_lost_before_acceptance_leaves_nothing(is_known: bool, error: type[Exception]) -> None:
    edge = an_edge(AnswerLostBefore(per_mille=1000, is_known=is_known))
    with pytest.raises(error):
        edge.place(ME, a_buy(price="99", **REGULAR))
    assert edge.order_book(ME) == []


@pytest.mark.parametrize("is_carried_out", [False, True])
def test_a_time_out_can_be_told_as_an_error(is_carried_out: bool) -> None:
    edge = an_edge(ErrorInstead(per_mille=1000, refused=TIMED_OUT, is_carried_out=is_carried_out))
    assert edge.place(ME, a_buy(price="99", **REGULAR)) == TIMED_OUT
    assert len(edge.order_book(ME)) == is_carried_out


def test_a_question_answered_with_an_error_raises_it() -> None:
    edge = an_edge(ErrorInstead(per_mille=1000, refused=TIMED_OUT, calls=frozenset({"margins"})))
    with pytest.raises(ErrorAnswer) as caught:
        edge.margins(ME)
    assert caught.value.refused == TIMED_OUT


def test_a_stale_book_shows_orders_and_trades_as_they_were() -> None:
    edge = an_edge(StaleBook(per_mille=1000, age=timedelta(minutes=2)))
    order_id = placed_at(edge, price="99.5")
    assert edge.order_book(ME) == []
    assert edge.order(ME, order_id) is None
    run_to(edge.exchange, at(MON, "09:20"))
    assert [(row.status, row.filled_quantity) for row in edge.order_book(ME)] == [(Status.OPEN, 0)]
    assert edge.trades(ME) == []
    run_to(edge.exchange, at(MON, "09:21"))
    assert [row.status for row in edge.order_book(ME)] == [Status.COMPLETE]
    assert len(edge.trades(ME)) == 1


def test_an_order_can_be_absent_and_present_later() -> None:
    edge = an_edge(AbsentThenPresent(per_mille=1000, hidden_for=timedelta(seconds=30)))
    order_id = placed_at(edge, price="110")
    assert (edge.order_book(ME), edge.order(ME, order_id), edge.trades(ME)) == ([], None, [])
    assert edge.order_trades(ME, order_id) == []
    run_to(edge.exchange, at(MON, "09:17"))
    assert len(edge.order_book(ME)) == 1
    assert len(edge.trades(ME)) > 0
    assert {incident.dial for incident in edge.incidents} == {"absent_then_present"}


def test_an_empty_book_can_be_an_error() -> None:
    edge = an_edge(EmptyBookIsError())
    with pytest.raises(ErrorAnswer) as caught:
        edge.order_book(ME)
    assert caught.value.refused.code == "5203"
    placed_at(edge)
    assert len(edge.order_book(ME)) == 1


def test_an_accepted_order_can_be_rejected_in_the_same_moment() -> None:
    edge = an_edge(AcceptedThenRejected(per_mille=1000))
    placed_at(edge)
    (row,) = edge.order_book(ME)
    assert row.status is Status.REJECTED
    assert row.status_text_raw.startswith("RMS:")
    assert edge.margins(ME).blocked == 0
    assert edge.incidents[0].detail == row.order_id


def test_more_can_be_filled_after_a_cancel_once() -> None:
    edge = an_edge(FillsAfterCancel(per_mille=1000, delay=timedelta(seconds=30)))
    order_id = placed_at(edge, quantity=20)
    edge.cancel(ME, order_id, Variety.REGULAR)
    assert [row.filled_quantity for row in edge.order_book(ME)] == [0]
    run_to(edge.exchange, at(MON, "09:18"))
    (row,) = edge.order_book(ME)
    assert row.status is Status.CANCELLED
    assert 1 <= row.filled_quantity <= 10
    (trade,) = edge.trades(ME)
    assert edge.margins(ME).cash == 1_000_000 - trade.price * trade.quantity
    run_to(edge.exchange, at(MON, "11:00"))
    assert len(edge.trades(ME)) == 1
    assert len(edge.incidents) == 1


def test_a_late_fill_is_told_by_the_next_advance() -> None:
    edge = an_edge(FillsAfterCancel(per_mille=1000, delay=timedelta(0)))
    order_id = placed_at(edge)
    edge.cancel(ME, order_id, Variety.REGULAR)
    assert edge.exchange.advance_to(edge.now)
    edge.order_book(ME)
    (update,) = edge.exchange.advance_to(edge.now)
    assert (update.order.status, len(update.trades)) == (Status.CANCELLED, 1)


def test_a_late_fill_never_takes_more_than_there_is() -> None:
    exchange = an_exchange()
    with_holding(exchange, quantity=3)
    run_to(exchange, at(TUE, "09:16"))
    answer = exchange.place(ME, a_sell(quantity=3, price="110", **REGULAR))
    assert isinstance(answer, Placed)
    assert not exchange.levers.fill_after_cancel(answer.order_id, 2)
    exchange.cancel(ME, answer.order_id, Variety.REGULAR)
    assert exchange.levers.fill_after_cancel(answer.order_id, 99)
    (holding,) = exchange.holdings(ME)
    assert holding.quantity == 0
    assert not exchange.levers.fill_after_cancel(answer.order_id, 1)


def test_a_duplicate_tag_can_be_refused_on_the_way() -> None:
    edge = an_edge(DuplicateTagRefused())
    placed_at(edge, tag="T1")
    answer = edge.place(ME, a_buy(price="99", tag="T1", **REGULAR))
    assert isinstance(answer, Refused)
    assert answer.code == "5204"
    placed_at(edge, tag="T2")
    assert len(edge.incidents) == 1


def test_which_calls_are_struck_depends_on_the_seed_and_the_calls_number_only() -> None:
    def struck(seed: int) -> list[bool]:
        edge = Edge(an_exchange(opening=at(MON, "09:16:30")), seed=seed, dials=[AnswerLostAfter(per_mille=500)])
        answers = []
        for _ in range(20):
            try:
                edge.place(ME, a_buy(price="99", **REGULAR))
                answers.append(False)
            except AnswerLost:
                answers.append(True)
        return answers

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert 3 < sum(struck(1)) < 17


class Passed:
    """A dial that writes down the calls it sees."""

    name = "passed"

    def __init__(self, seen: list[str], label: str) -> None:
        self.seen = seen
        self.label = label

    def through(self, call: Call, ask: Ask, edge: Edge) -> object:
        self.seen.append(f"{self.label} before {call.name}")
        answer = ask()
        self.seen.append(f"{self.label} after {call.name}")
        edge.note(self, call)
        return answer


def test_dials_stand_around_a_call_the_first_one_outermost() -> None:
    seen: list[str] = []
    edge = an_edge(Passed(seen, "one"), Passed(seen, "two"))
    edge.margins(ME)
    assert seen == ["one before margins", "two before margins", "two after margins", "one after margins"]


def test_the_incidents_are_bounded() -> None:
    edge = an_edge(Passed([], "one"))
    for _ in range(INCIDENTS_MAX + 5):
        edge.margins(ME)
    assert len(edge.incidents) == INCIDENTS_MAX
    assert edge.incidents[-1].call.number == INCIDENTS_MAX + 5


def test_a_rejection_cannot_undo_a_trade() -> None:
    edge = an_edge(AcceptedThenRejected(per_mille=1000))
    order_id = placed_at(edge, price="110")
    row = edge.order(ME, order_id)
    assert row is not None
    assert row.status is Status.COMPLETE
    rest: Sequence[object] = edge.trades(ME)
    assert rest
