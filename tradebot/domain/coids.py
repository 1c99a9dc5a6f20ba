"""Client order ids: derived from the intent, so that the same intent has the same id on any machine; or drawn."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from tradebot.domain.orders import Coid, DecisionId, Side

VERSION = "A"
DRAWN = "R"
"""The first letter of an id that stands in no registry and says nothing about its intent."""
MIGRATED, IMPORTED = "LEGACY", "IMPORT"
"""How ids begin that an order gets here which had none: from an old database, and from an old file."""
FOREIGN = (MIGRATED, IMPORTED)
ATTEMPTS_MAX = 36 * 36 - 1
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_HASH_LENGTH = 15
_LENGTH = 1 + _HASH_LENGTH + 2


@dataclass(frozen=True, slots=True)
class IntentKey:
    """What makes two intents the same one."""

    account_id: str
    decision_id: DecisionId
    leg: int
    side: Side


def derive(key: IntentKey, attempt: int) -> Coid:
    """18 upper-case letters and digits: a version, 15 of the intent's hash, 2 of the attempt (1..1295).

    Fits the tag of every supported broker (Kite: at most 20 letters and digits).
    Raises ValueError for an attempt out of its range.
    """
    if not 1 <= attempt <= ATTEMPTS_MAX:
        raise ValueError(f"attempt {attempt} of {key.decision_id}: allowed are 1 to {ATTEMPTS_MAX}")
    text = "\x1f".join((key.account_id, key.decision_id, str(key.leg), key.side))
    number = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    return Coid(VERSION + _base36(number, _HASH_LENGTH) + _base36(attempt, 2))


def drawn(number: int) -> Coid:
    """18 upper-case letters and digits that are made from chance alone."""
    return Coid(DRAWN + _base36(number, _HASH_LENGTH + 2))


def is_drawn(coid: Coid) -> bool:
    return coid.startswith(DRAWN)


def is_derived(tag: str) -> bool:
    """Whether a broker's tag has the form of an id of ours that says what it is for."""
    return len(tag) == _LENGTH and tag.startswith(VERSION) and set(tag) <= set(_DIGITS)


def is_foreign(coid: Coid) -> bool:
    """The id of an order that other software placed, and that came here by a migration or an import."""
    return coid.startswith(FOREIGN)


def stands_in_no_registry(coid: Coid) -> bool:
    """Nothing was reserved before it was sent, so that the registry cannot miss it."""
    return is_drawn(coid) or is_foreign(coid)


def attempt_of(coid: Coid) -> int:
    """The attempt's number that stands in a client order id."""
    return int(coid[-2:], 36)


def _base36(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 36)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
