"""Lifecycle ids as values: what replaces what, and which word may follow which."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product
from typing import Any

import pytest

from tests.builders import NOON, later
from tradebot.domain.lifecycle_ids import (
    STATUS_TABLE,
    IdConflict,
    IdStatus,
    IdType,
    InvalidIdStatus,
    LifecycleId,
    StatusNote,
    added,
    with_status,
)
from tradebot.domain.orders import OrderId


def an_id(name: str = "SL1", **changes: Any) -> LifecycleId:
    entry = LifecycleId(
        order_id=OrderId("7"), id_type=IdType.STOP_LOSS, lifecycle_id=name, created_at=NOON, updated_at=NOON
    )
    return replace(entry, **changes)


def test_a_first_id_is_active() -> None:
    assert added(None, None, an_id()) == (an_id(),)


def test_a_new_one_replaces_the_active_one_and_is_named_by_it() -> None:
    new = an_id("SL2", created_at=later(1), updated_at=later(1))

    old, kept = added(None, an_id(), new)

    assert (old.status, old.replaced_by, old.updated_at) == (IdStatus.REPLACED, "SL2", later(1))
    assert kept == new


def test_the_same_id_again_writes_nothing() -> None:
    assert added(an_id(), an_id(), an_id()) == ()
    assert added(an_id(status=IdStatus.EXECUTED), None, an_id()) == ()


@pytest.mark.parametrize("changes", [{"order_id": OrderId("8")}, {"id_type": IdType.CLOSE}])
def test_an_id_of_something_else_is_a_conflict(changes: dict[str, Any]) -> None:
    with pytest.raises(IdConflict, match="SL1"):
        added(an_id(**changes), None, an_id())


@pytest.mark.parametrize(("before", "after"), list(product(IdStatus, IdStatus)))
def test_each_pair_of_words_is_set_kept_or_refused(before: IdStatus, after: IdStatus) -> None:
    note = STATUS_TABLE[before].get(after)
    if note is None:
        with pytest.raises(InvalidIdStatus, match=f"is {before}: it cannot be {after}"):
            with_status(an_id(status=before), after, later(1))
        return
    found, told = with_status(an_id(status=before), after, later(1))
    is_changed = note in (StatusNote.SET, StatusNote.RACE)
    assert told is note
    assert (found.status, found.updated_at) == ((after, later(1)) if is_changed else (before, NOON))


def test_the_pairs_are_those_of_the_specification() -> None:
    allowed = {(b, a) for b, row in STATUS_TABLE.items() for a, note in row.items() if note is StatusNote.SET}
    assert allowed == {
        (IdStatus.ACTIVE, IdStatus.REPLACED),
        (IdStatus.ACTIVE, IdStatus.CANCELLED),
        (IdStatus.ACTIVE, IdStatus.EXECUTED),
        (IdStatus.REPLACED, IdStatus.CANCELLED),
        (IdStatus.REPLACED, IdStatus.EXECUTED),
    }
    assert STATUS_TABLE[IdStatus.CANCELLED][IdStatus.EXECUTED] is StatusNote.RACE
    assert STATUS_TABLE[IdStatus.EXECUTED][IdStatus.CANCELLED] is StatusNote.IGNORED


CONFIRMATIONS = (IdStatus.CANCELLED, IdStatus.EXECUTED, IdStatus.CANCELLED, IdStatus.EXECUTED)


@pytest.mark.parametrize("before", [IdStatus.ACTIVE, IdStatus.REPLACED])
def test_in_whatever_order_confirmations_come_and_repeat_an_execution_has_the_last_word(before: IdStatus) -> None:
    for order in set(permutations(CONFIRMATIONS)):
        entry = an_id(status=before)
        for status in order:
            entry, _ = with_status(entry, status, later(1))
        assert entry.status is IdStatus.EXECUTED
