"""The rules of the status migration, as properties over any row the old software can have written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrations.simplification import (
    OLD_STATUSES,
    REASON_COLUMNS,
    REASON_LENGTH_MAX,
    STATUSES,
    filled,
    is_rejection,
    nine_word,
    old_reasons,
    old_texts,
    simplify,
)

_TEXTS = st.none() | st.sampled_from(["", "  ", "Broker rejected: RMS"]) | st.text(max_size=700)


@st.composite
def old_rows(draw: st.DrawFn) -> dict[str, Any]:
    word = draw(st.sampled_from(OLD_STATUSES))
    failure = {"reason": draw(_TEXTS), "retry_count": draw(st.integers(0, 9))}
    return {
        "id": 1,
        "status": draw(st.sampled_from([word, word.upper(), word.title()])),
        "side": draw(st.sampled_from(["buy", "sell"])),
        "first_failed_at": draw(st.none() | st.just("2026-11-20 16:05:00")),
        "retry_count": draw(st.none() | st.integers(0, 9)),
        "order_metadata": draw(st.none() | st.just("no json") | st.just({"failed_order": failure})),
        **{column: draw(_TEXTS) for column in REASON_COLUMNS},
    }


@given(old_rows())
def test_no_reason_is_lost_and_none_is_too_long(row: dict[str, Any]) -> None:
    new = simplify(row, frozenset())

    reason = new.columns["reason"]
    kept = {event.reason for event in new.events} | {reason}
    assert set(old_texts(row).values()) <= kept
    assert reason is None or len(reason) <= REASON_LENGTH_MAX
    assert new.columns["status"] in STATUSES


@given(old_rows())
def test_doing_it_again_changes_nothing(row: dict[str, Any]) -> None:
    new = simplify(row, frozenset())
    after = row | dict(new.columns)

    again = simplify(after, frozenset(event.reason for event in new.events))

    assert (dict(again.columns), again.events) == (
        {name: after[name] for name in ("status", "side", "reason")},
        [],
    )
    assert not (again.side_was_wrong or again.was_failed_order)


@given(old_rows())
def test_the_old_columns_have_every_text_again_on_the_way_down(row: dict[str, Any]) -> None:
    new = simplify(row, frozenset())
    down = row | dict(new.columns)

    found = old_reasons(down, new.events)

    assert set(old_texts(row).values()) <= set(found.values())


@given(old_rows())
def test_the_way_down_and_up_again_ends_where_it_began(row: dict[str, Any]) -> None:
    new = simplify(row, frozenset())
    up = row | dict(new.columns)
    down = up | dict.fromkeys(REASON_COLUMNS) | old_reasons(up, new.events) | {"status": nine_word(up)}

    again = simplify(down | {"reason": None}, frozenset())

    rejected = is_rejection(new.columns["reason"] or "")
    assert again.columns["status"] == ("failed" if rejected else new.columns["status"])


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ({"reason": "Broker rejected: RMS", "status": "failed", "first_failed_at": "x"}, "rejected"),
        ({"reason": "Rejected by broker", "status": "failed", "first_failed_at": "x"}, "rejected"),
        ({"reason": "no money", "status": "failed", "first_failed_at": "x"}, "retry_pending"),
        ({"reason": "no money", "status": "failed", "first_failed_at": None}, "failed"),
        ({"reason": None, "status": "pending", "side": "sell"}, "sell"),
        ({"reason": None, "status": "pending", "side": "buy"}, "amo"),
        ({"reason": "Order executed at Rs 5.00", "status": "ongoing"}, "ongoing"),
        ({"reason": "Cancelled", "status": "cancelled"}, "cancelled"),
        ({"reason": "", "status": "closed"}, "closed"),
    ],
)
def test_the_first_rule_that_matches_gives_the_old_status(row: dict[str, Any], word: str) -> None:
    assert nine_word({"side": "buy", "first_failed_at": None} | row) == word


@pytest.mark.parametrize(
    ("reason", "status", "column"),
    [
        ("Broker rejected: RMS", "failed", "rejection_reason"),
        ("Rejected by broker", "failed", "rejection_reason"),
        ("insufficient_funds - shortfall: Rs 12,345", "failed", "failure_reason"),
        ("Manual: changed my mind", "cancelled", "cancelled_reason"),
        ("Order expired - past next trading day market close (2026-11-23 15:30)", "cancelled", "cancelled_reason"),
        ("Already in holdings - order not needed", "cancelled", "cancelled_reason"),
        ("Dropped from retry queue", "cancelled", "cancelled_reason"),
        ("told by the broker", "cancelled", "cancelled_reason"),
    ],
)
def test_the_prefix_of_a_reason_tells_its_old_column(reason: str, status: str, column: str) -> None:
    assert old_reasons({"reason": reason, "status": status}, []) == {column: reason}


@pytest.mark.parametrize("reason", ["Order executed at Rs 5.00", "Order placed - waiting for execution", None])
def test_a_reason_that_is_no_failure_has_no_old_column(reason: str | None) -> None:
    assert old_reasons({"reason": reason, "status": "ongoing"}, []) == {}


def test_blanks_are_no_reason() -> None:
    assert filled(" \n") is None
