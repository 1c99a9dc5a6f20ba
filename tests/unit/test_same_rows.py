"""Rows of a broker that say the same: translated once, and the very same value as long as they do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tradebot.adapters.brokers.same_rows import SameRows


def a_translator(seen: list[Mapping[str, Any]]) -> SameRows[object]:
    def translate(rows: Iterable[Mapping[str, Any]]) -> Sequence[object]:
        rows = list(rows)
        seen.extend(rows)
        return [object() for row in rows if row["kind"] != "foreign"]

    return SameRows("id", translate)


def row(number: str, kind: str = "ours", filled: int = 0) -> dict[str, Any]:
    return {"id": number, "kind": kind, "filled": filled}


def test_a_row_that_says_the_same_is_the_same_value_and_is_translated_once() -> None:
    seen: list[Mapping[str, Any]] = []
    rows = a_translator(seen)

    first, second = rows.of([row("1"), row("2")]), rows.of([row("1"), row("2")])

    assert first[0] is second[0]
    assert first[1] is second[1]
    assert len(seen) == 2


def test_a_row_that_changed_is_translated_anew_and_the_others_are_not() -> None:
    seen: list[Mapping[str, Any]] = []
    rows = a_translator(seen)
    first = rows.of([row("1"), row("2")])

    second = rows.of([row("1", filled=3), row("2")])

    assert second[0] is not first[0]
    assert second[1] is first[1]
    assert len(seen) == 3


def test_rows_keep_the_order_of_the_answer_and_those_that_are_left_out_stay_out() -> None:
    rows = a_translator([])
    first = rows.of([row("1"), row("2", "foreign"), row("3")])

    second = rows.of([row("3"), row("2", "foreign"), row("1")])

    assert len(first) == 2
    assert (second[0], second[1]) == (first[1], first[0])


def test_what_has_left_the_answer_is_forgotten() -> None:
    seen: list[Mapping[str, Any]] = []
    rows = a_translator(seen)
    rows.of([row("1")])
    rows.of([])

    rows.of([row("1")])

    assert len(seen) == 2
