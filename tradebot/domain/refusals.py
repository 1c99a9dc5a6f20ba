"""Why a broker refused an order, sorted out of its own words; the first class that matches wins.

The texts vary from day to day and from broker to broker; these words are what is common to those that were seen
(Zerodha's page on order rejections, forum and issue threads of both brokers).
"""

from __future__ import annotations

from enum import StrEnum


class RefusalClass(StrEnum):
    """In the order in which they are looked for. `outcome_open`: the words do not say that nothing was done."""

    MARGIN = "margin"
    PRICE_BAND = "price_band"
    QUANTITY = "quantity"
    HOLDINGS = "holdings"
    NOT_ALLOWED = "not_allowed"
    SESSION = "session"
    ADDRESS = "address"
    RATE = "rate"
    DUPLICATE = "duplicate"
    FINISHED = "finished"
    NOT_FOUND = "not_found"
    OUTCOME_OPEN = "outcome_open"
    RISK = "risk"
    UNKNOWN = "unknown"


_WORDS: tuple[tuple[RefusalClass, tuple[str, ...]], ...] = (
    (RefusalClass.MARGIN, ("insufficient funds", "margin exceeds", "margin shortfall", "insufficient margin")),
    (
        RefusalClass.PRICE_BAND,
        ("circuit", "ckt", "dpr", "price out of", "price range", "operating range", "lpp", "tick size"),
    ),
    (RefusalClass.QUANTITY, ("freeze", "max quantity", "maximum quantity", "exceeds quantity", "16327", "lot size")),
    (
        RefusalClass.HOLDINGS,
        ("cdsl", "edis", "tpin", "holding", "scrip limit insufficient", "more than the quantity you currently hold"),
    ),
    (
        RefusalClass.NOT_ALLOWED,
        (
            "not allowed to be traded",
            "16387",
            "intraday",
            "trade to trade",
            "t2t",
            "cannot be placed at this time",
            "not allowed via api",
            "market protection",
            "algo id not allowed",
            "after market order",
            "amo order",
            "amos ",
        ),
    ),
    (
        RefusalClass.SESSION,
        ("access_token", "session", "token", "authentication failed", "invalid credentials", "login again"),
    ),
    (RefusalClass.ADDRESS, ("ip address", "invalid ip", "whitelist", "ip mismatch", "unauthorized")),
    (RefusalClass.RATE, ("too many requests", "rate limit", "maximum allowed order requests")),
    (RefusalClass.DUPLICATE, ("already exists", "duplicate")),
    (
        RefusalClass.FINISHED,
        ("order is completed", "being processed", "already", "cannot be modified", "cannot be cancelled"),
    ),
    (RefusalClass.NOT_FOUND, ("does not exist", "not found", "valid order number", "couldn't find", "no such order")),
    (RefusalClass.OUTCOME_OPEN, ("timed out", "timeout", "time out", "check the order book", "oms", "gateway")),
    (RefusalClass.RISK, ("rms", "risk", "blocked", "ban period", "watch list")),
)

_OPEN = ("timed out", "timeout", "check the order book")


def refusal_class(text: str) -> RefusalClass:
    """What the words of a refusal are about. Words of an open outcome win: whatever else they say, look."""
    said = " ".join(text.lower().split())
    if any(word in said for word in _OPEN):
        return RefusalClass.OUTCOME_OPEN
    return next((kind for kind, words in _WORDS if any(word in said for word in words)), RefusalClass.UNKNOWN)
