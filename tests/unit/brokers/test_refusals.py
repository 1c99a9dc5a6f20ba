"""Failures by name: nothing is a refusal but what the tables call one, and doubt means a look."""

from __future__ import annotations

import json

import pytest

from tradebot.adapters.brokers.http import Answer, NotJson
from tradebot.adapters.brokers.kite.refusals import refusal as kite
from tradebot.adapters.brokers.kotak.refusals import refusal as kotak
from tradebot.domain.errors import BrokerError, BrokerRejected, OutcomeUnknown, RateLimited, SessionExpired
from tradebot.domain.refusals import RefusalClass, refusal_class


def answer(status: int, body: object) -> Answer:
    return Answer(status=status, content_type="application/json", body=json.dumps(body).encode())


def kite_error(status: int, kind: str, text: str) -> Answer:
    return answer(status, {"status": "error", "message": text, "error_type": kind, "data": None})


@pytest.mark.parametrize(
    ("status", "kind", "text", "error"),
    [
        (400, "InputException", "Missing or empty field `price`", BrokerRejected),
        (400, "OrderException", "Order rejected, Stock in circuit freeze. Place order within 1 to 2.", BrokerRejected),
        (400, "MarginException", "Insufficient funds. Required margin is 95417.84", BrokerRejected),
        (500, "OrderException", "The order for ID (1) does not exist", BrokerRejected),
        (500, "OrderException", "Something went wrong", OutcomeUnknown),
        (
            400,
            "OrderException",
            "Order request timed out. Please check the order book and confirm before placing again.",
            OutcomeUnknown,
        ),
        (403, "TokenException", "Incorrect `api_key` or `access_token`.", SessionExpired),
        (403, "PermissionException", "Access denied: unregistered IP address", BrokerRejected),
        (429, "NetworkException", "Too many requests", RateLimited),
        (503, "NetworkException", "Gateway timed out", OutcomeUnknown),
        (502, "DataException", "Unknown Content-Type", OutcomeUnknown),
        (500, "GeneralException", "Something unexpected happened", OutcomeUnknown),
        (404, "GeneralException", "Route not found", OutcomeUnknown),
        (400, "NewException", "words nobody has seen", OutcomeUnknown),
        (200, "", "an error with a good status", OutcomeUnknown),
    ],
)
def test_kites_errors_are_sorted_by_code_type_and_text(
    status: int, kind: str, text: str, error: type[BrokerError]
) -> None:
    assert type(kite(kite_error(status, kind, text))) is error


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, {"stat": "Not_Ok", "stCode": 5203, "errMsg": "No Data"}, BrokerRejected),
        (
            200,
            {"stat": "Not_Ok", "stCode": 5204, "errMsg": "Put Order Response : Client OrderID already exists"},
            BrokerRejected,
        ),
        (
            200,
            {"stCode": 1021, "errMsg": "order is completed", "stat": "please provide valid order number"},
            BrokerRejected,
        ),
        (200, {"stat": "Not_Ok", "stCode": 1009, "emsg": "bad symbol"}, BrokerRejected),
        (200, {"stCode": 100008, "errMsg": "unauthorized", "stat": "Not_Ok"}, BrokerRejected),
        (200, {"stCode": 100022, "errMsg": "invalid session token", "stat": "Not_Ok"}, SessionExpired),
        (200, {"stCode": 429, "errMsg": "Invalid UCC", "status": "failure"}, RateLimited),
        (401, {"stCode": 401, "errMsg": "Invalid MPIN"}, SessionExpired),
        (403, {"stat": "Not_Ok", "errMsg": "forbidden"}, SessionExpired),
        (400, {"error": [{"code": "400", "message": "Missing required field 'Mpin'"}]}, BrokerRejected),
        (429, {"errMsg": "slow down"}, RateLimited),
        (502, {"stat": "Not_Ok", "errMsg": "OMS unreachable"}, OutcomeUnknown),
        (504, {}, OutcomeUnknown),
        (200, {"stat": "Not_Ok", "stCode": 77777, "errMsg": "words nobody has seen"}, OutcomeUnknown),
        (200, {"stat": "Not_Ok", "stCode": 5204, "errMsg": "Order request timed out"}, OutcomeUnknown),
        (200, {"stat": "Not_Ok", "errMsg": "RMS:Margin Exceeds,Required:9, Available:1"}, BrokerRejected),
    ],
)
def test_kotaks_errors_are_sorted_by_code_and_text(status: int, body: object, error: type[BrokerError]) -> None:
    assert type(kotak(answer(status, body))) is error


@pytest.mark.parametrize("stat", ["Ok", "ok", "OK"])
def test_kotak_says_ok_in_several_spellings(stat: str) -> None:
    assert kotak(answer(200, {"stat": stat, "nOrdNo": "1", "stCode": 200})) is None


def test_a_page_of_a_gateway_is_no_answer_and_too_many_requests_need_no_json() -> None:
    page = Answer(status=503, content_type="text/html", body=b"<html>")
    for judge in (kite, kotak):
        with pytest.raises(NotJson):
            judge(page)
        found = judge(Answer(status=429, content_type="text/html", body=b"", retry_after_s=3.0))
        assert isinstance(found, RateLimited) and found.retry_after_s == 3.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RMS:Margin Exceeds,Required:95417.84, Available:74251.80 for entity account-X", RefusalClass.MARGIN),
        ("Rate Not Within Ckt Limit 395.25 To 592.85", RefusalClass.PRICE_BAND),
        ("Order rejected, Stock in circuit freeze. Place order within 78.95 to 113.60.", RefusalClass.PRICE_BAND),
        ("Validate Qty from CDSL", RefusalClass.HOLDINGS),
        ("You are trying to sell more than the quantity you currently hold", RefusalClass.HOLDINGS),
        ("Insufficient Holding Quantity", RefusalClass.HOLDINGS),
        ("16387 : Security is not allowed to trade in this market", RefusalClass.NOT_ALLOWED),
        ("Market order with Algo Id not allowed", RefusalClass.NOT_ALLOWED),
        ("Order amount exceeds what is sold", RefusalClass.UNKNOWN),
        ("Invalid session token", RefusalClass.SESSION),
        ("Access denied: Unregistered IP address", RefusalClass.ADDRESS),
        ("Too many requests", RefusalClass.RATE),
        ("Put Order Response : Client OrderID already exists", RefusalClass.DUPLICATE),
        ("order is completed", RefusalClass.FINISHED),
        ("Order is being processed. Try later.", RefusalClass.FINISHED),
        ("The order for ID (151220000000000) does not exist", RefusalClass.NOT_FOUND),
        ("Margin shortfall: order request timed out, check the order book", RefusalClass.OUTCOME_OPEN),
        ("RMS:Rule: Check circuit limit including square off", RefusalClass.PRICE_BAND),
        ("RMS: blocked for new positions", RefusalClass.RISK),
        ("", RefusalClass.UNKNOWN),
        ("words nobody has seen", RefusalClass.UNKNOWN),
    ],
)
def test_reasons_are_sorted_into_classes_and_words_of_doubt_win(text: str, expected: RefusalClass) -> None:
    assert refusal_class(text) is expected
