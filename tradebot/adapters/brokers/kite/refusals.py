"""What an error answer of Kite Connect means for the caller: by HTTP code, error type and text, as a table.

https://kite.trade/docs/connect/v3/exceptions/. The codes are coarse: "Order request timed out. Please check the order
book" came with HTTP 400. So nothing is a refusal but what a row of the table calls one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradebot.adapters.brokers.http import Answer
from tradebot.domain.errors import BrokerError, BrokerRejected, OutcomeUnknown, RateLimited, SessionExpired
from tradebot.domain.refusals import RefusalClass, refusal_class

REFUSED, SESSION, RATE, OPEN = "refused", "session", "rate", "open"

TABLE: Mapping[tuple[int, str], str] = {
    (400, "InputException"): REFUSED,
    (400, "OrderException"): REFUSED,
    (400, "MarginException"): REFUSED,
    (400, "HoldingException"): REFUSED,
    (400, "UserException"): REFUSED,
    (403, "TokenException"): SESSION,
    (403, "PermissionException"): REFUSED,
    (403, "UserException"): REFUSED,
    (429, "NetworkException"): RATE,
    (429, ""): RATE,
}
"""Every pair that is not here leaves the outcome open."""

_TELLS_WHY = frozenset(
    {
        RefusalClass.MARGIN,
        RefusalClass.PRICE_BAND,
        RefusalClass.QUANTITY,
        RefusalClass.HOLDINGS,
        RefusalClass.NOT_FOUND,
        RefusalClass.FINISHED,
    }
)
"""The SDK's own default for OrderException is HTTP 500: then the text must say why it was refused."""


def refusal(answer: Answer) -> BrokerError | None:
    """None for a success. Raises NotJson for what is no JSON."""
    if answer.status == _TOO_MANY and "json" not in answer.content_type:
        return RateLimited("too many requests", retry_after_s=answer.retry_after_s)
    body: dict[str, Any] = answer.json()
    if answer.status == _OK and body.get("status") == "success":
        return None
    kind, text = str(body.get("error_type") or ""), str(body.get("message") or f"HTTP {answer.status}")
    match _meaning(answer.status, kind, text):
        case "session":
            return SessionExpired(text)
        case "rate":
            return RateLimited(text, retry_after_s=answer.retry_after_s)
        case "refused":
            return BrokerRejected(text, code=kind)
        case _:
            return OutcomeUnknown(f"HTTP {answer.status} {kind}: {text}")


_OK = 200
_TOO_MANY = 429


def _meaning(status: int, kind: str, text: str) -> str:
    reason = refusal_class(text)
    if reason is RefusalClass.OUTCOME_OPEN:
        return OPEN
    if kind == "OrderException" and reason in _TELLS_WHY:
        return REFUSED
    return TABLE.get((status, kind), OPEN)
