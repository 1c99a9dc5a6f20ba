"""Each fault dial, as a client of the wire meets it."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.exchange.builders import MON, TUE, an_exchange, at
from tests.unit.wire.clients import MORNING, House, KiteClient, KotakClient, is_lost, read, refusal
from tradebot.exchange import dials as d
from tradebot.exchange import event_dials as e
from tradebot.exchange import gateway_dials as g
from tradebot.exchange import house_dials as h
from tradebot.exchange import order_dials as o
from tradebot.exchange.dial_box import KINDS, dial_in, dial_of, dial_out
from tradebot.exchange.rows import OrderUpdate
from tradebot.exchange.wire.messages import Response

ALWAYS = 1000


@pytest.fixture
def house() -> House:
    return House(an_exchange(opening=MORNING))


@pytest.fixture
def kite(house: House) -> KiteClient:
    return KiteClient(house)


@pytest.fixture
def kotak(house: House) -> KotakClient:
    return KotakClient(house)


def test_an_answer_that_is_lost_on_the_way_out_leaves_no_order(house: House, kite: KiteClient) -> None:
    house.turn(d.AnswerLostBefore(per_mille=ALWAYS))
    assert is_lost(kite.place())
    assert kite.book() == []


def test_an_answer_that_is_lost_on_the_way_back_leaves_an_order(house: House, kite: KiteClient) -> None:
    house.turn(d.AnswerLostAfter(per_mille=ALWAYS, hold_s=3))
    answer = kite.place()
    assert (is_lost(answer), getattr(answer, "hold_s", None)) == (True, 3)
    assert [row["tag"] for row in kite.book()] == ["T1"]


def test_a_time_out_is_told_as_a_bad_request(house: House, kite: KiteClient, kotak: KotakClient) -> None:
    house.turn(g.TimeoutAsBadRequest(per_mille=ALWAYS))
    answer = kite.place()
    assert refusal(answer) == (400, "OrderException")
    assert "check the order book" in read(answer)["message"]
    assert len(kite.book()) == 1
    assert "check the order book" in read(kotak.place())["errMsg"]


def test_an_answer_comes_a_minute_late(house: House, kite: KiteClient) -> None:
    house.turn(g.Late(per_mille=ALWAYS))
    answer = kite.place()
    assert isinstance(answer, Response)
    assert (answer.status, answer.delay_s) == (200, 60.0)
    assert kite.ask("GET", "/orders").delay_s == 0.0  # type: ignore[union-attr]


def test_a_call_arrives_late(house: House) -> None:
    assert house.venue.arrival_delay_s() == 0.0
    house.turn(h.ArrivesLate(per_mille=ALWAYS, delay_s=5))
    assert house.venue.arrival_delay_s() == 5.0


def test_an_order_is_accepted_and_then_rejected(house: House, kite: KiteClient) -> None:
    house.turn(d.AcceptedThenRejected(per_mille=ALWAYS, raw="Validate Qty from CDSL"))
    assert kite.status(kite.placed()) == "REJECTED"
    assert kite.book()[0]["status_message_raw"] == "Validate Qty from CDSL"


def test_an_order_is_refused_without_being_in_the_book(house: House, kite: KiteClient) -> None:
    house.turn(g.RefusedWithoutOrder(per_mille=ALWAYS))
    assert refusal(kite.place()) == (400, "OrderException")
    assert kite.book() == []


def test_an_order_is_stuck_in_an_interim_status(house: House, kite: KiteClient) -> None:
    house.turn(o.StuckInterim(per_mille=ALWAYS, stuck_for=timedelta(seconds=90)))
    order_id = kite.placed(price="101")
    row = kite.book()[0]
    assert (row["status"], row["filled_quantity"]) == ("PUT ORDER REQ RECEIVED", 0)
    assert read(kite.ask("GET", "/trades"))["data"] == []
    assert refusal(kite.ask("DELETE", f"/orders/regular/{order_id}")) == (400, "OrderException")
    assert len(read(kite.ask("GET", f"/orders/{order_id}"))["data"]) == 1
    house.run_to(MORNING + timedelta(seconds=90))
    assert kite.status(order_id) == "COMPLETE"


def test_the_book_is_stale(house: House, kite: KiteClient) -> None:
    house.turn(d.StaleBook(per_mille=ALWAYS, age=timedelta(seconds=10)))
    order_id = kite.placed()
    assert kite.book() == []
    house.run_to(MORNING + timedelta(seconds=10))
    kite.ask("DELETE", f"/orders/regular/{order_id}")
    assert kite.status(order_id) == "OPEN"
    house.run_to(MORNING + timedelta(seconds=20))
    assert kite.status(order_id) == "CANCELLED"


def test_an_order_is_absent_and_then_present(house: House, kite: KiteClient, kotak: KotakClient) -> None:
    house.turn(d.AbsentThenPresent(per_mille=ALWAYS, hidden_for=timedelta(seconds=30)))
    order_id = kite.placed()
    assert kite.book() == []
    assert read(kotak.ask("GET", "/quick/user/orders"))["stCode"] == 5203
    assert refusal(kite.ask("GET", f"/orders/{order_id}")) == (400, "OrderException")
    house.run_to(MORNING + timedelta(seconds=30))
    assert kite.status(order_id) == "OPEN"


def test_an_empty_book_is_an_error(house: House, kite: KiteClient) -> None:
    house.turn(d.EmptyBookIsError())
    assert read(kite.ask("GET", "/orders"))["message"] == "No Data"
    kite.placed()
    assert len(kite.book()) == 1


def test_too_many_requests_are_a_network_problem(house: House, kite: KiteClient, kotak: KotakClient) -> None:
    house.turn(g.TooManyRequests(per_mille=ALWAYS))
    assert refusal(kite.place()) == refusal(kite.ask("GET", "/orders")) == (429, "NetworkException")
    answer = kotak.place()
    assert isinstance(answer, Response)
    assert (answer.status, answer.headers) == (429, (("retry-after", "1"),))


def test_the_order_system_is_not_there(house: House, kite: KiteClient) -> None:
    house.turn(g.Unavailable(per_mille=ALWAYS, calls=frozenset({"place"}), is_carried_out=True))
    assert refusal(kite.place()) == (503, "NetworkException")
    assert len(kite.book()) == 1


@pytest.mark.parametrize("http_status", [200, 502])
def test_a_page_comes_instead_of_json(house: House, kite: KiteClient, http_status: int) -> None:
    house.turn(g.HtmlInstead(per_mille=ALWAYS, http_status=http_status))
    answer = kite.ask("GET", "/orders")
    assert isinstance(answer, Response)
    assert (answer.status, answer.content_type) == (http_status, "text/html")


def test_a_session_dies_with_a_call(house: House, kite: KiteClient, kotak: KotakClient) -> None:
    house.turn(g.DeadSession(per_mille=ALWAYS, calls=frozenset({"margins"})))
    assert refusal(kite.ask("GET", "/user/margins")) == (403, "TokenException")
    assert read(kotak.ask("POST", "/quick/user/limits"))["stCode"] == 100022
    house.turn()
    assert refusal(kite.ask("GET", "/orders")) == (403, "TokenException"), "it stays dead"
    assert read(kotak.ask("GET", "/quick/user/orders"))["stCode"] == 100022
    kite.log_in()
    assert kite.book() == []


def test_orders_from_a_wrong_address_are_refused_and_questions_are_not(
    house: House, kite: KiteClient, kotak: KotakClient
) -> None:
    house.turn(g.WrongAddress())
    assert refusal(kite.place()) == (403, "PermissionException")
    assert read(kotak.place())["stCode"] == 100008
    assert kite.book() == []


def test_a_parked_order_needs_another_variety(kite: KiteClient) -> None:
    house = House(an_exchange(opening=at(MON, "18:00")))
    client = KiteClient(house)
    house.turn(o.AmoCancelOtherVariety())
    order_id = client.placed("amo")
    assert refusal(client.ask("DELETE", f"/orders/amo/{order_id}")) == (503, "NetworkException")
    assert client.status(order_id) == "AMO REQ RECEIVED"
    assert read(client.ask("DELETE", f"/orders/regular/{order_id}"))["status"] == "success"
    assert client.status(order_id) == "CANCELLED"


def test_a_modification_is_not_taken(house: House, kite: KiteClient) -> None:
    order_id = kite.placed()
    house.turn(o.ModifyNotTaken(per_mille=ALWAYS))
    assert read(kite.ask("PUT", f"/orders/regular/{order_id}", price="96"))["status"] == "success"
    row = kite.book()[0]
    assert (row["status"], row["price"]) == ("OPEN", 95.0)
    assert row["status_message"] == "16346 : Order cannot be modified"


def test_stop_orders_are_cancelled_by_the_exchange(house: House, kite: KiteClient) -> None:
    order_id = kite.placed(order_type="SL", price="110", trigger_price="109")
    assert kite.status(order_id) == "TRIGGER PENDING"
    house.turn(o.StopsCancelled(per_mille=ALWAYS))
    assert kite.status(order_id) == "CANCELLED"


def test_a_cancelled_order_trades_once_more(house: House, kite: KiteClient) -> None:
    order_id = kite.placed(price="99")
    kite.ask("DELETE", f"/orders/regular/{order_id}")
    house.turn(d.FillsAfterCancel(per_mille=ALWAYS, delay=timedelta(0), quantity_max=3))
    row = kite.book()[0]
    assert row["status"] == "CANCELLED"
    assert 0 < row["filled_quantity"] <= 3


def test_a_band_that_moved_overnight_rejects_the_release() -> None:
    house = House(an_exchange(opening=at(MON, "18:00")))
    kite = KiteClient(house)
    house.turn(h.BandMoved(per_mille=ALWAYS, percent=Decimal(1)))
    order_id = kite.placed("amo", price="90")
    house.run_to(at(TUE, "09:00"))
    kite.log_in()
    assert kite.status(order_id) == "REJECTED"
    assert "Place order within" in kite.book()[0]["status_message"]


def test_a_doubled_tag_is_refused(house: House, kite: KiteClient, kotak: KotakClient) -> None:
    house.turn(d.DuplicateTagRefused())
    kite.placed()
    assert refusal(kite.place()) == (400, "OrderException")
    assert read(kotak.place())["stCode"] == 5204


def test_a_price_of_zero_is_filled_at_a_substitute(house: House, kite: KiteClient) -> None:
    assert refusal(kite.place(price="0")) == (400, "InputException")
    house.turn(o.PriceZeroFilled())
    order_id = kite.placed(price="0", quantity=1)
    assert kite.status(order_id) == "COMPLETE"
    assert kite.book()[0]["price"] > 110


def test_a_holiday_is_declared_at_short_notice() -> None:
    house = House(an_exchange(opening=at(MON, "18:00")))
    kite = KiteClient(house)
    order_id = kite.placed("amo", price="102")
    house.turn(h.AdHocHoliday(day=TUE))
    house.run_to(at(TUE, "12:00"))
    kite.log_in()
    assert kite.status(order_id) == "AMO REQ RECEIVED"
    house.run_to(at(TUE + timedelta(days=1), "09:16"))
    kite.log_in()
    assert kite.status(order_id) == "COMPLETE"


def test_a_day_that_has_begun_does_not_become_a_holiday(house: House) -> None:
    with pytest.raises(ValueError, match="has begun"):
        house.turn(h.AdHocHoliday(day=MON))


class Heard:
    """What a listener of the venue is told of one order, word by word."""

    def __init__(self, house: House) -> None:
        self.words: list[str] = []
        house.venue.listeners.append(self._hear)

    def _hear(self, update: OrderUpdate) -> None:
        self.words.append(update.order.status.value)


def _a_cancelled_order(kite: KiteClient, house: House) -> None:
    order_id = kite.placed()
    kite.ask("PUT", f"/orders/regular/{order_id}", price="96")
    house.venue.catch_up()
    kite.ask("DELETE", f"/orders/regular/{order_id}")
    house.venue.catch_up()


@pytest.mark.parametrize(
    ("dial", "words"),
    [
        (None, ["OPEN", "CANCELLED"]),
        (e.EventsMissing(per_mille=ALWAYS), []),
        (e.StreamSilent(), []),
        (e.EventsDoubled(per_mille=ALWAYS), ["OPEN", "OPEN", "CANCELLED", "CANCELLED"]),
        (e.EventsReordered(per_mille=ALWAYS), ["CANCELLED", "OPEN"]),
        (e.EventsLateAfterFinal(per_mille=ALWAYS), ["OPEN", "CANCELLED", "CANCEL PENDING"]),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_events_are_lost_doubled_and_mixed_up(
    house: House, kite: KiteClient, dial: e.EventsMissing | None, words: list[str]
) -> None:
    house.turn(*([dial] if dial else []))
    heard = Heard(house)
    _a_cancelled_order(kite, house)
    assert heard.words == words
    assert (dial.name in house.struck()) if dial else not house.struck()


def test_streams_are_cut_off_after_a_while(house: House) -> None:
    assert house.venue.stream_lives_s() is None
    house.turn(h.StreamDrops(every_s=2))
    assert house.venue.stream_lives_s() == 2


def test_the_same_calls_meet_the_same_faults() -> None:
    def struck() -> list[tuple[str, int]]:
        house = House(an_exchange(opening=MORNING))
        kite = KiteClient(house)
        house.turn(d.AnswerLostAfter(per_mille=300), g.Unavailable(per_mille=300))
        for _ in range(30):
            kite.place(quantity=1)
        return [(incident.dial, incident.call.number) for incident in house.venue.incidents]

    first = struck()
    assert 5 < len(first) < 30
    assert struck() == first


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_dial_that_is_written_down_is_read_back(name: str) -> None:
    plain = {"name": name} | ({"day": "2025-01-07"} if name == "ad_hoc_holiday" else {})
    if name in ("stale_book", "absent_then_present", "fills_after_cancel"):
        plain |= {{"stale_book": "age", "absent_then_present": "hidden_for"}.get(name, "delay"): "5"}
    dial = dial_in(plain)
    assert dial_in(dial_out(dial)) == dial


def test_every_dial_and_every_parameter_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "exchange-process.md").read_text()
    lines = [line for line in page.splitlines() if line.startswith("| `")]
    for name, kind in KINDS.items():
        found = [line for line in lines if f"`{name}`" in line.split("|")[1]]
        assert len(found) == 1, name
        parameters = {field.name for field in fields(kind)} - {"name", "per_mille"}
        assert parameters == set(re.findall(r"`(\w+)`", found[0].split("|")[2])), name


def test_a_dial_is_typed_as_words() -> None:
    dial = dial_of("answer_lost_after=30,hold_s=2,calls=place+cancel")
    assert dial == d.AnswerLostAfter(per_mille=30, hold_s=2.0, calls=frozenset({"place", "cancel"}))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nonsense", "there is no dial 'nonsense'"),
        ("late=x", "late.per_mille: 'x' is no int"),
        ("late,speed=2", "the dial late has no speed"),
        ("stale_book", "the dial stale_book needs age"),
        ("late,calls=place+dance", "late.calls"),
    ],
)
def test_a_dial_that_makes_no_sense_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        dial_of(text)
