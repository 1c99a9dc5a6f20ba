"""What an error answer of Kotak Neo means for the caller: by HTTP code, its own code and text, as a table.

A 2xx answer may carry an error, an empty book is one (5203), and the same envelope has its words in several
spellings. Nothing is a refusal but what a row of the tables calls one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradebot.adapters.brokers.http import Answer
from tradebot.domain.errors import BrokerError, BrokerRejected, OutcomeUnknown, RateLimited, SessionExpired
from tradebot.domain.refusals import RefusalClass, refusal_class

NO_DATA = "5203"
REFUSED, SESSION, RATE, OPEN = "refused", "session", "rate", "open"

CODES: Mapping[str, str] = {
    "1007": REFUSED,
    "1009": REFUSED,
    "1021": REFUSED,
    "1037": REFUSED,
    NO_DATA: REFUSED,
    "5204": REFUSED,
    "10020": SESSION,
    "91400": REFUSED,
    "100008": REFUSED,
    "100021": SESSION,
    "100022": SESSION,
    "900901": SESSION,
}
"""Kotak's own codes. One that is not here is judged by HTTP code and text."""

STATUSES: Mapping[int, str] = {400: REFUSED, 401: SESSION, 403: SESSION, 429: RATE}
"""HTTP codes of JSON answers; every other one leaves the outcome open."""

_TELLS_WHY = frozenset(
    {
        RefusalClass.MARGIN,
        RefusalClass.PRICE_BAND,
        RefusalClass.QUANTITY,
        RefusalClass.HOLDINGS,
        RefusalClass.NOT_ALLOWED,
        RefusalClass.DUPLICATE,
        RefusalClass.FINISHED,
        RefusalClass.RISK,
    }
)
_OK = 200
_BAD = 300
_TOO_MANY = 429


def refusal(answer: Answer) -> BrokerError | None:
    """None for a success. Raises NotJson for what is no JSON."""
    if answer.status == _TOO_MANY and "json" not in answer.content_type:
        return RateLimited("too many requests", retry_after_s=answer.retry_after_s)
    body: Any = answer.json()
    is_taken = _OK <= answer.status < _BAD
    if is_taken and (not isinstance(body, dict) or _is_success(body)):
        return None
    code, text = _told(body if isinstance(body, dict) else {})
    text = text or f"HTTP {answer.status}"
    match _meaning(answer.status, code, text):
        case "session":
            return SessionExpired(text)
        case "rate":
            return RateLimited(text, retry_after_s=answer.retry_after_s)
        case "refused":
            return BrokerRejected(text, code=code)
        case _:
            return OutcomeUnknown(f"HTTP {answer.status} {code}: {text}")


def _is_success(body: Mapping[str, Any]) -> bool:
    if body.get("error") or body.get("Error") or body.get("errMsg") or body.get("emsg"):
        return False
    said = str(body.get("stat", body.get("status", "ok"))).lower()
    return said in ("ok", "success")


def _told(body: Mapping[str, Any]) -> tuple[str, str]:
    """Code and text, wherever they stand. Gateways answer {"error": [{"code": ..., "message": ...}]}."""
    errors = body.get("error") or body.get("Error")
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        return str(errors[0].get("code", "")), str(errors[0].get("message", ""))
    text = body.get("errMsg") or body.get("emsg") or body.get("message") or (errors if isinstance(errors, str) else "")
    return str(body.get("stCode", body.get("code", ""))), str(text or "")


def _meaning(status: int, code: str, text: str) -> str:
    reason = refusal_class(text)
    if reason is RefusalClass.OUTCOME_OPEN:
        return OPEN
    if code in CODES:
        return CODES[code]
    if code.isdigit() and int(code) in STATUSES and _OK <= status < _BAD:
        return STATUSES[int(code)]
    if status in STATUSES:
        return RATE if reason is RefusalClass.RATE else STATUSES[status]
    return REFUSED if _OK <= status < _BAD and reason in _TELLS_WHY else OPEN
