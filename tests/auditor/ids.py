"""Checks of client order ids: how they are derived, and whether registry and database tell the same about them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache

from tests.auditor.database_view import Attempt
from tests.auditor.evidence import Evidence
from tests.auditor.findings import Finding, Kind
from tests.auditor.registry_view import OPEN, RegistryEntry

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ATTEMPTS_MAX = 36 * 36 - 1


def ids_are_derived(evidence: Evidence) -> Iterator[Finding]:
    """Each id is the one that follows from account, decision, leg, side and attempt."""
    for entry in evidence.registry.entries.values():
        expected = derived(entry.account_id, entry.decision_id, entry.leg, entry.side, entry.attempt)
        if entry.coid != expected:
            yield Finding(Kind.WRONG_ID, f"{entry.coid} in the registry should be {expected}")
    for attempt in evidence.database.attempts:
        expected = derived(attempt.account_id, attempt.decision_id, attempt.leg, attempt.side, attempt.number)
        if attempt.coid != expected:
            yield Finding(Kind.WRONG_ID, f"{attempt.coid} in the database should be {expected}")


def registry_and_database_agree(evidence: Evidence) -> Iterator[Finding]:
    """What the registry says of an id is what the database says; after a crash its last answers may be missing."""
    for coid, entry in evidence.registry.entries.items():
        attempt = evidence.attempts.get(coid)
        if attempt is None:
            continue
        if _intent(entry) != (attempt.account_id, attempt.decision_id, attempt.leg, attempt.side, attempt.symbol):
            yield Finding(Kind.REGISTRY_DISAGREES, f"{coid} is another intent in the registry than in the database")
        ours = (attempt.status, attempt.broker_order_id, attempt.filled_quantity)
        theirs = (entry.status, entry.broker_order_id, entry.filled)
        if ours != theirs and (evidence.stopped_cleanly or not _lags_behind(entry, attempt)):
            yield Finding(Kind.REGISTRY_DISAGREES, f"{coid} is {theirs} in the registry, {ours} in the database")


@lru_cache(maxsize=10_000)
def derived(account_id: str, decision_id: str, leg: int, side: str, attempt: int) -> str:
    """ "A", the last 15 base-36 digits of a SHA-256 over the intent, and the attempt in 2 digits."""
    if not 1 <= attempt <= _ATTEMPTS_MAX:
        return f"no id: attempt {attempt} is out of range"
    intent = "\x1f".join((account_id, decision_id, str(leg), side))
    number = int(hashlib.sha256(intent.encode()).hexdigest(), 16)
    return f"A{_in_base_36(number % 36**15, 15)}{_in_base_36(attempt, 2)}"


def _in_base_36(number: int, width: int) -> str:
    return "".join(_DIGITS[number // 36**place % 36] for place in reversed(range(width)))


def _intent(entry: RegistryEntry) -> tuple[str, str, int, str, str]:
    return entry.account_id, entry.decision_id, entry.leg, entry.side, entry.symbol


def _lags_behind(entry: RegistryEntry, attempt: Attempt) -> bool:
    """An older word, of which the database knows what came after it.

    `filled` is the last word of all. Another finished word is older only by an earlier instant: nothing but a late
    fill or a reopening can follow it.
    """
    is_subset = entry.broker_order_id in (None, attempt.broker_order_id) and entry.filled <= attempt.filled_quantity
    if entry.status in OPEN:
        return is_subset and entry.updated <= attempt.updated_at
    return is_subset and entry.status != "filled" and entry.updated < attempt.updated_at
