"""Writes the documents that are made from the code: `python -m docs.generate`; a test compares them with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from docs.flags import flags_page
from docs.monitoring import alert_rules, dashboard
from docs.operator_pages import deployment_page, monitoring_page
from tradebot.domain.event_fields import EVENT_FIELDS
from tradebot.domain.events import EventName
from tradebot.domain.lifecycle import ATTEMPT_TABLE, ORDER_TABLE, diagram

FOLDER = Path(__file__).parent

Table = Mapping[Any, Mapping[Any, StrEnum]]

_GROUPS: Mapping[str, Sequence[str]] = {
    "order": EVENT_FIELDS[EventName.ORDER_INTENT].always,
    "position": EVENT_FIELDS[EventName.POSITION_OPENED].always,
}


def state_machines() -> str:
    """The two state machines: a diagram and the whole table of each."""
    return "\n".join(
        [
            "# State machines",
            "",
            "Made from `tradebot/domain/lifecycle.py` by `python -m docs.generate`; not to be edited by hand.",
            "",
            "## Orders",
            "",
            "An order has one of five words. `bought`, `late_bought` and `position_sold` happen to buys only, `sold`",
            "and `late_sold` to sells only. Every change that is not in the table is an error that names both words;",
            "the order stays as it was.",
            "",
            *_machine(ORDER_TABLE),
            "",
            "## Attempts",
            "",
            "Each client order id of an order is one attempt. A finished attempt changes only when the broker shows it",
            "open or filled after all; one that was declared expired also takes the broker's own last word.",
            "",
            *_machine(ATTEMPT_TABLE),
            "",
        ]
    )


def events() -> str:
    """What the daemon says about itself: a row for each event, in the order of the enum."""
    reserved = ", ".join(f"`{name}`" for name in EventName if name not in EVENT_FIELDS)
    return "\n".join(
        [
            "# Events",
            "",
            "Made from `tradebot/domain/event_fields/` by `python -m docs.generate`; not to be edited by hand.",
            "",
            "Each event is one line of the log in `logs/` (`tradebot/adapters/jsonl_log.py`). A line has `ts` (UTC),",
            "`level`, `event`, `message`, `session_id`, `correlation_id` and `component`, and beside them the fields",
            "of its event. Money and prices are numbers with exactly their digits; what is not known is `null`.",
            "`message` is for people and may change; the names of events and fields do not. `correlation_id` is the",
            "same for everything that came from one decision. In a session's `events.jsonl` the same event has `at`",
            "in place of `ts`, its fields stand in `fields`, and there is no `session_id`.",
            "",
            "A field in brackets is there at times. Two groups of fields have a name in the table:",
            "",
            *[f"- *{group}*: {_listed(fields)}" for group, fields in _GROUPS.items()],
            "",
            "| event | level | fields | meaning |",
            "|---|---|---|---|",
            *[_event(name) for name in EventName if name in EVENT_FIELDS],
            "",
            *([f"Reserved, and told by nothing: {reserved}.", ""] if reserved else []),
        ]
    )


def openapi() -> str:
    """Every endpoint of the HTTP interface, for programs."""
    from tradebot.interfaces.api.application import bare_app

    return json.dumps(bare_app().openapi(), indent=1, ensure_ascii=False) + "\n"


DOCUMENTS: Mapping[str, Callable[[], str]] = {
    "state-machines.md": state_machines,
    "events.md": events,
    "MONITORING.md": monitoring_page,
    "DEPLOYMENT.md": deployment_page,
    "openapi.json": openapi,
    "../monitoring/alerts.yml": alert_rules,
    "../monitoring/dashboard.json": dashboard,
}


FROM_TESTS: Mapping[str, Callable[[], str]] = {"FEATURE_FLAGS.md": flags_page}
"""What also changes when a test is marked with a flag."""


def main() -> None:
    for name, make in {**DOCUMENTS, **FROM_TESTS}.items():
        (FOLDER / name).write_text(make(), encoding="utf-8")


def _machine(table: Table) -> list[str]:
    rows = [
        f"| `{state}` | `{change}` | `{after}` |"
        for state, changes in table.items()
        for change, after in changes.items()
    ]
    ends = ", ".join(f"`{state}`" for state, changes in table.items() if not changes)
    return [
        "```mermaid",
        diagram(table),
        "```",
        "",
        "| from | change | to |",
        "|---|---|---|",
        *rows,
        "",
        f"Nothing leads away from {ends}.",
    ]


def _event(name: EventName) -> str:
    told = EVENT_FIELDS[name]
    always = told.always
    fields = []
    for group, members in _GROUPS.items():
        if set(members) <= set(always):
            always = tuple(field for field in always if field not in members)
            fields.append(f"*{group}*")
    fields += [f"`{field}`" for field in always] + [f"(`{field}`)" for field in told.sometimes]
    return f"| `{name}` | {', '.join(told.levels)} | {', '.join(fields) or 'none'} | {told.meaning} |"


def _listed(fields: Sequence[str]) -> str:
    return ", ".join(f"`{field}`" for field in fields)


if __name__ == "__main__":
    main()
