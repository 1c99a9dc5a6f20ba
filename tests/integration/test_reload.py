"""The configuration edited while tradebot runs: by the engine, by the loops, and in a process of its own."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from config.settings import KEYS
from tests.builders import MONDAY, a_signal
from tests.simulator.killing import ROOT, environment
from tests.unit.config.homes import place_of, with_value
from tests.unit.engine.house import House
from tests.unit.engine.test_saving import Books
from tests.unit.test_reload import the_file
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.domain.events import EventName
from tradebot.domain.orders import Variety
from tradebot.domain.policy import Policy
from tradebot.engine.commands import PolicyChanged
from tradebot.engine.messages import Job, JobDue, SignalsReady
from tradebot.runtime.replay import ReplayLoop

DEADLINE_S = 60.0
START = datetime(2026, 9, 16, 4, 0, tzinfo=UTC)

Line = Mapping[str, Any]


def test_the_next_message_is_handled_by_the_new_policy() -> None:
    house = House()

    house.tell(signals_of(1), capital(10_000), signals_of(2))

    assert [order.quantity for order in house.orders()] == [50, 10]
    (told,) = house.told(EventName.CONFIG_CHANGED)
    assert told.fields == {"key": "CAPITAL_PER_TRADE", "old": "50000", "new": "10000"}


def test_a_flag_is_logged_without_the_name_of_an_event() -> None:
    house = House()

    house.tell(PolicyChanged(policy=Policy(), changes=(("ENABLE_ENTRY_SLIPPAGE_GUARD", "true", "false"),)))

    (told,) = house.told(EventName.CONFIG_CHANGED)
    assert told.fields["key"] == "entry_slippage_guard"
    assert "ENTRY_SLIPPAGE" not in f"{told.message}{dict(told.fields)}"


def test_what_came_before_a_change_keeps_the_old_policy_when_its_batch_is_saved_again() -> None:
    books = Books([])
    house = House(books=books.wrap)
    books.refusals["save"] = 1

    house.tell(signals_of(1), capital(10_000), signals_of(2))

    assert [order.quantity for order in house.orders()] == [50, 10]
    assert len(house.told(EventName.CONFIG_CHANGED)) == 1


class StillVenue:
    """An exchange where nothing happens."""

    def __init__(self) -> None:
        self.now = START

    def advance_to(self, limit: datetime) -> Sequence[Any]:
        self.now = limit
        return ()


class Nothing:
    """A timetable without jobs and a clock that nobody reads."""

    def next_due(self) -> datetime | None:
        return None

    def fire_due(self, now: datetime) -> None: ...

    def set(self, at: datetime) -> None: ...


def a_loop(waits: list[datetime], beats: list[int], span: timedelta | None) -> ReplayLoop:
    def wait(at: datetime) -> bool:
        waits.append(at)
        return True

    return ReplayLoop(
        engine=House().engine,
        venue=StillVenue(),
        timetable=Nothing(),
        clock=Nothing(),
        wait_until=wait,
        on_beat=lambda: beats.append(len(waits)),
        beat_span=span,
    )


def test_a_slow_replay_looks_around_while_it_waits() -> None:
    waits: list[datetime] = []
    beats: list[int] = []

    a_loop(waits, beats, timedelta(seconds=10)).run(START + timedelta(seconds=35))

    assert [(at - START).total_seconds() for at in waits] == [10, 20, 30, 35]
    assert beats == [0, 1, 2, 3]


def test_a_replay_at_full_speed_looks_around_at_every_step() -> None:
    waits: list[datetime] = []
    beats: list[int] = []

    a_loop(waits, beats, None).run(START + timedelta(days=2))

    assert (len(waits), beats) == (1, [0])


@pytest.mark.parametrize("mode", ["replay", "paper"])
def test_a_running_process_takes_edits_and_refuses_broken_ones(mode: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "config", tmp_path / "config", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    home, file = tmp_path / "home", tmp_path / "config" / "tradebot.toml"
    # In a replay the seeded day goes on for half a minute: longer than all edits take.
    words = ["replay", "--speed", "1000"] if mode == "replay" else []
    text = the_file(mode=f'"{mode}"')
    file.write_text(text)
    with running([*words, "--ui", "off", "--config", str(tmp_path / "config"), "--home", str(home)]) as process:
        until(process, lambda: list(home.glob("sessions/*/settings.json")))
        rename_into(file, with_value(KEYS.by_name["MAX_POSITIONS"], "8", text))
        (changed,) = until(process, lambda: logged(home, "CONFIG_CHANGED"))
        rename_into(file, with_value(KEYS.by_name["MAX_POSITIONS"], "800", text))
        (refused,) = until(process, lambda: logged(home, "CONFIG_REFUSED"))
        rename_into(file, with_value(KEYS.by_name["MAX_POSITIONS"], "9", text))
        _, last = until(process, lambda: found if len(found := logged(home, "CONFIG_CHANGED")) > 1 else [])
        process.send_signal(signal.SIGTERM)
        errors = process.communicate(timeout=DEADLINE_S)[1]

    assert process.returncode == 0
    assert "Traceback" not in errors
    assert [changed[name] for name in ("key", "old", "new")] == ["MAX_POSITIONS", "6", "8"]
    assert refused["level"] == "ERROR"
    assert f"{place_of(KEYS.by_name['MAX_POSITIONS'], text)}: MAX_POSITIONS = 800: is not allowed" in refused["message"]
    assert [last[name] for name in ("key", "old", "new")] == ["MAX_POSITIONS", "8", "9"]
    (session,) = home.glob("sessions/*")
    recorded = json.loads((session / "settings.json").read_bytes())
    assert [change["keys"]["MAX_POSITIONS"]["new"] for change in recorded["changes"]] == ["8", "9"]
    flight = [json.loads(line) for line in (session / "flight.jsonl").read_bytes().splitlines()]
    policies = [row["message"]["policy"] for row in flight if row["kind"] == "PolicyChanged"]
    assert [policy["risk"]["positions_max"] for policy in policies] == [8, 9]


def capital(rupees: int) -> PolicyChanged:
    return PolicyChanged(
        policy=replace(Policy(), capital_per_trade=Decimal(rupees)),
        changes=(("CAPITAL_PER_TRADE", "50000", str(rupees)),),
    )


@contextmanager
def running(words: Sequence[str], variables: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "main.py", *words],
        cwd=ROOT,
        env=environment(variables or {}),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def until(process: subprocess.Popen[str], found: Callable[[], list[Any]]) -> list[Any]:
    """What is found, as soon as it is something."""
    clock = RealClock()
    ends = clock.monotonic() + DEADLINE_S
    while not (result := found()):
        assert process.poll() is None, process.communicate()
        assert clock.monotonic() < ends, "it never came"
        Event().wait(0.1)
    return result


def logged(home: Path, name: str) -> list[Line]:
    lines = [line for path in home.glob("logs/*.jsonl") for line in path.read_bytes().splitlines(keepends=True)]
    rows = [json.loads(line) for line in lines if line.endswith(b"\n")]
    return [row for row in rows if row["event"] == name]


def rename_into(file: Path, text: str) -> None:
    temporary = file.with_suffix(".new")
    temporary.write_text(text)
    temporary.replace(file)


def signals_of(number: int) -> SignalsReady:
    """One signal without a quantity, for a symbol of its own."""
    house = House(is_started=False)
    symbols = {1: "INFY", 2: "TCS"}
    return SignalsReady(
        job=JobDue(name=Job.AMO_PLACEMENT, at=house.clock.at),
        trading_day=MONDAY,
        variety=Variety.AMO,
        signals=(a_signal(number, symbols[number], quantity=None, reference_close=Decimal(999)),),
        terms={symbol: replace(house.broker.symbol_terms["INFY"], symbol=symbol) for symbol in symbols.values()},
        funds=house.broker.funds(),
        quotes={},
        halted={},
    )
