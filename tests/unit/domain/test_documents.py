"""The documents that are made from the code say what the code says."""

from __future__ import annotations

import pytest

from docs.generate import DOCUMENTS, FOLDER
from tradebot.domain.lifecycle import ATTEMPT_TABLE, ORDER_TABLE


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_generated_document_is_up_to_date(name: str) -> None:
    committed = (FOLDER / name).read_text(encoding="utf-8")

    assert committed == DOCUMENTS[name](), "run `python -m docs.generate`"


def test_the_state_machines_name_every_change_of_both_tables() -> None:
    text = DOCUMENTS["state-machines.md"]()

    for table in (ORDER_TABLE, ATTEMPT_TABLE):
        for state, row in table.items():
            for change, after in row.items():
                assert f"| `{state}` | `{change}` | `{after}` |" in text
                assert f"    {state} --> {after}: {change}" in text
