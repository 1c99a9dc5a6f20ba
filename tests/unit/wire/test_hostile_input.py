"""Whatever comes over the wire is answered: no face and no stream fails on it, and nothing is placed."""

from __future__ import annotations

import json
from functools import cache
from urllib.parse import urlencode

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.exchange.builders import ME, an_exchange
from tests.unit.wire.clients import MORNING, House, KiteClient, KotakClient
from tradebot.exchange.wire.messages import Request, Response

_WORDS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "0", "-1", "NaN", "1e999", "9" * 30, "null", "ABC", "NSE:ABC", "nse_cm|1", "🙂", "%00", "true"]
    ),
)
_KITE_PATHS = st.sampled_from(
    [
        "/orders",
        "/orders/regular",
        "/orders/amo/{}",
        "/orders/{}",
        "/orders/{}/trades",
        "/quote",
        "/quote/ltp",
        "/session/token",
        "/instruments/{}",
        "/user/margins/{}",
        "/portfolio/{}",
        "/{}",
        "//",
    ]
)
_KOTAK_PATHS = st.sampled_from(
    [
        "/quick/order/rule/ms/place",
        "/quick/order/vr/modify",
        "/quick/order/cancel",
        "/quick/order/history",
        "/quick/user/orders/{}",
        "/quick/{}",
        "/login/1.0/tradeApiLogin",
        "/login/1.0/tradeApiValidate",
        "/script-details/1.0/quotes/neosymbol/{}/all",
        "/script-details/{}",
        "/portfolio/v2/positions",
    ]
)
_METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"])
_FIELDS = st.dictionaries(
    st.sampled_from(
        [
            "exchange",
            "tradingsymbol",
            "transaction_type",
            "quantity",
            "price",
            "order_type",
            "product",
            "tag",
            "trigger_price",
            "validity",
            "disclosed_quantity",
            "market_protection",
            "autoslice",
            "i",
            "api_key",
            "am",
            "es",
            "ts",
            "tt",
            "pt",
            "pr",
            "qt",
            "rt",
            "tp",
            "pc",
            "ig",
            "no",
            "on",
            "vd",
            "nOrdNo",
            "totp",
        ]
    ),
    _WORDS,
    max_size=12,
)


@cache
def the_house() -> tuple[House, KiteClient, KotakClient]:
    house = House(an_exchange(opening=MORNING))
    return house, KiteClient(house), KotakClient(house)


def a_house() -> tuple[House, KiteClient, KotakClient]:
    """Logged in, also when the last call was a logout."""
    house, kite, kotak = the_house()
    kite.log_in()
    return house, kite, kotak


@given(method=_METHODS, path=_KITE_PATHS, word=_WORDS, fields=_FIELDS)
def test_kite_answers_anything(method: str, path: str, word: str, fields: dict[str, str]) -> None:
    house, kite, _ = a_house()
    answer = house.kite.handle(
        Request(
            method=method,
            path=path.replace("{}", word),
            query={name: (value,) for name, value in fields.items()},
            body=urlencode(fields).encode(),
            headers={"authorization": f"token {house.kite.sessions.app.api_key}:{kite.token}"},
        )
    )
    assert isinstance(answer, Response)
    assert answer.status in (200, 302, 400, 403, 404)
    assert house.venue.exchange.order_book(ME) == []


@given(method=_METHODS, path=_KOTAK_PATHS, word=_WORDS, fields=_FIELDS, is_json=st.booleans())
def test_kotak_answers_anything(method: str, path: str, word: str, fields: dict[str, str], is_json: bool) -> None:
    house, _, kotak = a_house()
    body = json.dumps(fields) if is_json else urlencode({"jData": json.dumps(fields)})
    answer = house.kotak.handle(
        Request(method=method, path=path.replace("{}", word), body=body.encode(), headers=kotak.headers)
    )
    assert isinstance(answer, Response)
    assert answer.status in (200, 400, 401, 403, 404)
    assert house.venue.exchange.order_book(ME) == []


@given(body=st.binary(max_size=40))
def test_bodies_that_are_no_text_are_answered(body: bytes) -> None:
    house, kite, kotak = a_house()
    headers = {"authorization": f"token {house.kite.sessions.app.api_key}:{kite.token}"}
    for face, path, known in (
        (house.kite, "/orders/regular", headers),
        (house.kotak, "/quick/order/rule/ms/place", kotak.headers),
    ):
        answer = face.handle(Request(method="POST", path=path, body=body, headers=known))
        assert isinstance(answer, Response)
        assert answer.status == 400


@given(text=st.one_of(_WORDS, st.builds(json.dumps, st.dictionaries(st.sampled_from(["a", "v"]), _WORDS))))
def test_streams_hear_anything(text: str) -> None:
    house, kite, _ = a_house()
    query = {"api_key": (house.kite.sessions.app.api_key,), "access_token": (kite.token,)}
    for face in (house.kite, house.kotak):
        stream = face.stream(Request(method="GET", path="/realtime", query=query))
        assert stream is not None, face
        stream.hear(text)
        stream.ticks(house.venue.exchange.picture)
