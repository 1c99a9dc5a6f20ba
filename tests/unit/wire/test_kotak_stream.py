"""Kotak's order feed: who is heard, and what it is told."""

from __future__ import annotations

import json

import pytest

from tests.unit.exchange.builders import an_exchange
from tests.unit.wire.clients import MORNING, House, KotakClient, read
from tradebot.exchange.rows import OrderUpdate
from tradebot.exchange.wire.kotak.stream import KotakStream
from tradebot.exchange.wire.messages import Request


@pytest.fixture
def kotak() -> KotakClient:
    return KotakClient(House(an_exchange(opening=MORNING)))


def a_stream(kotak: KotakClient) -> KotakStream:
    stream = kotak.house.kotak.stream(Request(method="GET", path="/realtime"))
    assert stream is not None
    return stream


def greeting(kotak: KotakClient) -> str:
    return f"{{type:cn,Authorization:{kotak.headers['auth']},Sid:{kotak.headers['sid']},src:WEB}}"


def test_a_trade_is_told_as_an_order_and_a_position(kotak: KotakClient) -> None:
    stream, told = a_stream(kotak), list[OrderUpdate]()
    kotak.house.venue.listeners.append(told.append)
    stream.hear(greeting(kotak))
    order_id = read(kotak.place(pr="101"))["nOrdNo"]
    kotak.house.venue.catch_up()
    order, position = (json.loads(frame) for frame in stream.told(told[0]))
    assert (order["type"], order["data"]["nOrdNo"], order["data"]["ordSt"]) == ("order", order_id, "complete")
    assert (position["type"], position["data"]["flBuyQty"], position["data"]["trdSym"]) == ("position", "10", "ABC-EQ")


def test_nothing_is_told_before_the_first_frame(kotak: KotakClient) -> None:
    stream, told = a_stream(kotak), list[OrderUpdate]()
    kotak.house.venue.listeners.append(told.append)
    kotak.place(pr="101")
    kotak.house.venue.catch_up()
    assert stream.told(told[0]) == []


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        ("hello", "invalid request format"),
        ('{"type":"cn"}', "invalid request format"),
        ("{type:cn,Authorization:x,Sid:y,src:WEB}", "Authentication Failed"),
        ('{"type":"cn","Authorization":"x","Sid":"y"}', "Authentication Failed"),
    ],
)
def test_a_stranger_is_refused(kotak: KotakClient, frame: str, told: str) -> None:
    answer = json.loads(a_stream(kotak).hear(frame)[0])
    assert (answer["ak"], answer["msg"]) == ("nk", told)


def test_there_is_no_market_feed(kotak: KotakClient) -> None:
    assert kotak.house.kotak.stream(Request(method="GET", path="/apifeed")) is None
