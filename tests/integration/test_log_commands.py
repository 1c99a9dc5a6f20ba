"""The shell commands of the runbook on the log of a busy replay: each figure is the database's."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from tests.simulator.killing import busy_day, write_market
from tradebot.adapters.flight_record import read_flight
from tradebot.domain.events import EventName

FILLED = """
    select count(*) from order_events e join orders o on o.id = e.order_id
    where e.event in ('bought', 'sold')
      and (select sum(quantity) from fills f where f.order_id = o.id and f.booked_at <= e.at) >= o.quantity
"""
PARTIAL = "select count(*) from order_events where event = 'partially_filled'"
SENT_AT = "select prepared_at from broker_requests order by prepared_at"
ORDERS_PER_S = 10
CACHE_TOLD = {"LOG_CACHE_EVENTS_IN_REPLAY": "true"}
MEAN_SLIPPAGE = """
    select avg((cast(execution_value as real) / execution_qty - json_extract(metadata, '$.reference_price'))
               / json_extract(metadata, '$.reference_price') * 10000)
    from orders where id in (select order_id from order_events where event in ('bought', 'late_bought'))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days with a few hundred orders, in shares so little traded that many fill in parts. The generator is asked
    twice, so that every signal of the second one is a duplicate: three in an hour, which does not stop entries yet."""
    for tool in ("bash", "grep", "awk", "wc", "tail", "jq"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not there")
    folder = tmp_path_factory.mktemp("log_commands")
    data = write_market(folder / "market.csv", date(2026, 6, 1), date(2026, 9, 14), volume=9_000)
    command = busy_day(folder / "home", data)
    twice = '[{ name = "generator", signals_per_day = 90 }, { name = "generator", signals_per_day = 3 }]'
    ended = replace(
        command,
        variables={
            **command.variables,
            "TO": "2026-09-14",
            "STRATEGIES": twice,
            "OPENING_CASH": "10000000",
            **CACHE_TOLD,
        },
    ).run()
    assert ended.returncode == 0, ended.stderr
    return command.home


def test_the_run_is_busy_enough_to_prove_something(home: Path) -> None:
    assert _count(home, "select count(*) from orders") >= 200
    assert _count(home, FILLED) >= 50
    assert _count(home, PARTIAL) >= 5


def test_exactly_one_file_is_matched(home: Path) -> None:
    assert _shell(home, "ls logs/*.jsonl | wc -l") == "1"


def test_filled_orders_are_counted(home: Path) -> None:
    assert int(_shell(home, 'grep "ORDER_FILLED" logs/*.jsonl | wc -l')) == _count(home, FILLED)


def test_partial_fills_are_counted(home: Path) -> None:
    assert int(_shell(home, 'grep "ORDER_PARTIAL" logs/*.jsonl | wc -l')) == _count(home, PARTIAL)


def test_calls_that_had_to_wait_are_counted(home: Path) -> None:
    """Of the requests in the database, those that ten in a second leave over. Looks are far below their limit here."""
    throttled = int(_shell(home, 'grep "RATE_LIMIT_THROTTLE" logs/*.jsonl | wc -l'))
    assert throttled == _delayed([datetime.fromisoformat(at) for at in _column(home, SENT_AT)]) >= 50


def test_uses_of_remembered_quotes_are_counted(home: Path) -> None:
    """Every quote that came in was answered from memory or fetched; here no two come within seconds."""
    hits = int(_shell(home, 'grep "CACHE_HIT" logs/*.jsonl | wc -l'))
    misses = int(_shell(home, 'grep "CACHE_MISS" logs/*.jsonl | wc -l'))
    stale = int(_shell(home, 'grep "CACHE_STALE" logs/*.jsonl | wc -l'))
    (session,) = home.glob("sessions/*")
    lines = read_flight(session / "flight.jsonl")
    assert hits + stale + misses == sum(len(line["message"].get("quotes", ())) for line in lines) > 0
    assert misses > 0


def test_duplicates_are_shown_with_everything_that_is_needed_to_find_them(home: Path) -> None:
    lines = [json.loads(line) for line in _shell(home, 'grep "COID_DUPLICATE" logs/*.jsonl').splitlines()]
    known = set(_column(home, "select coid from attempts"))
    assert len(lines) >= 5
    assert {line["event"] for line in lines} == {"COID_DUPLICATE"}
    assert {line["coid"] for line in lines} <= known
    assert {line["order_id"] for line in lines} <= set(_column(home, "select id from orders"))
    assert all({"symbol", "side", "decision_id", "attempt"} <= line.keys() for line in lines)


@pytest.mark.parametrize("level", ["ERROR", "WARNING"])
def test_a_level_is_grepped_without_other_lines(level: str, home: Path) -> None:
    lines = _shell(home, f'grep "{level}" logs/*.jsonl | tail -20').splitlines()
    told = [line for line in _log(home) if line["level"] == level]
    assert [json.loads(line) for line in lines] == told[-20:]
    assert int(_shell(home, f'grep -c "{level}" logs/*.jsonl || true')) == len(told)


def test_the_size_of_the_registry_is_its_number_of_lines(home: Path) -> None:
    lines = int(_shell(home, "wc -l state/coid_registry.json").split()[0])
    entries = int(_shell(home, "jq '.entries | length' state/coid_registry.json"))
    journal = int(_shell(home, "wc -l state/coid_registry.journal").split()[0]) - 1
    assert lines == entries + 2
    assert 0 <= _count(home, "select count(*) from attempts") - entries <= journal


@pytest.mark.parametrize("name", [name.value for name in EventName])
def test_a_name_stands_in_the_lines_of_its_event_only(name: str, home: Path) -> None:
    told = Counter(line["event"] for line in _log(home))
    assert int(_shell(home, f'grep -c "{name}" logs/*.jsonl || true')) == told[name]


def test_the_mean_slippage_of_entries_is_that_of_the_books(home: Path) -> None:
    command = "grep \"ENTRY_SLIPPAGE\" logs/*.jsonl | jq '.slippage_bps' | awk '{s+=$1; n++} END {print s/n}'"
    told = int(_shell(home, 'grep "ENTRY_SLIPPAGE" logs/*.jsonl | wc -l'))
    assert told == _count(home, "select count(*) from order_events where event in ('bought', 'late_bought')") > 0
    assert float(_shell(home, command)) == pytest.approx(float(_column(home, MEAN_SLIPPAGE)[0]), abs=0.01)


def test_every_line_is_json_with_the_fields_that_jq_is_asked_for(home: Path) -> None:
    wanted = 'has("ts") and has("level") and has("event") and has("message") and has("session_id")'
    told = _shell(home, f'jq -c \'{wanted} and has("correlation_id") and has("component")\' logs/*.jsonl | sort -u')
    assert told == "true"


def _delayed(sent: list[datetime]) -> int:
    """How many of these calls cannot go at once where only so many may go in any second."""
    gone: list[datetime] = []
    for at in sent:
        before = gone[-ORDERS_PER_S] if len(gone) >= ORDERS_PER_S else None
        gone.append(at if before is None else max(at, before + timedelta(seconds=1)))
    return sum(at != was for at, was in zip(gone, sent, strict=True))


def _shell(home: Path, line: str) -> str:
    ended = subprocess.run(["bash", "-c", line], cwd=home, capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    return ended.stdout.strip()


def _log(home: Path) -> list[dict[str, object]]:
    (path,) = home.glob("logs/*.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def _count(home: Path, query: str) -> int:
    return int(_column(home, query)[0])


def _column(home: Path, query: str) -> list[str]:
    with sqlite3.connect(f"file:{home / 'state' / 'tradebot.db'}?mode=ro", uri=True) as connection:
        found = [row[0] for row in connection.execute(query)]
    connection.close()
    return found
