"""A replay as the operator starts it: the same command writes the same bytes, real prices give the right holdings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.auditor.audit import audit
from tests.auditor.exchange_view import read_exchange
from tests.simulator.killing import ROOT, Command, busy_day, outcome, write_market
from tradebot.domain.calendar import IST

NSE_DAILY = ROOT.parent / "shared" / "data" / "nse_daily_2024_2025.csv.gz"
OPENING_CASH = {"primary": Decimal(1_000_000)}

Line = Mapping[str, Any]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """A small market and a day of about thirty orders on it, run once."""
    folder = tmp_path_factory.mktemp("replay")
    data = write_market(folder / "market.csv", *_MONTHS)
    return _run(busy_day(folder / "first", data))


def test_the_same_command_writes_the_same_bytes(day: Command, tmp_path: Path) -> None:
    again = _run(day.in_home(tmp_path / "again"))
    assert _events(again.home) == _events(day.home)
    assert outcome(again.home) == outcome(day.home)


def test_the_same_command_in_the_same_home_writes_the_same_bytes_again(day: Command, tmp_path: Path) -> None:
    home = tmp_path / "home"
    _run(day.in_home(home))
    _run(day.in_home(home))
    first, second = sorted(home.glob("sessions/*/events.jsonl"))
    assert first.read_bytes() == second.read_bytes() == _events(day.home)
    assert (home / "state" / "archive" / "1" / "tradebot.db").exists()


def test_another_seed_writes_another_day(day: Command, tmp_path: Path) -> None:
    other = _run(_with(day, tmp_path / "other", SEED="2"))
    assert _events(other.home) != _events(day.home)
    assert outcome(other.home)["fills"] != outcome(day.home)["fills"]


def test_the_clock_of_the_machine_stands_in_no_event(day: Command) -> None:
    days = {datetime.fromisoformat(line["at"]).date().isoformat() for line in _lines(_events(day.home))}
    assert days == {"2026-09-09", "2026-09-10"}


def test_a_replay_at_full_speed_and_a_paced_one_write_the_same_bytes(day: Command, tmp_path: Path) -> None:
    paced = _run(_with(day, tmp_path / "paced", SPEED="5000"))
    assert _events(paced.home) == _events(day.home)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Real days with a split or a bonus issue, and signals of the operator's file before it."""

    first: str
    last: str
    rows: Sequence[str]
    held: Mapping[str, int]
    """Shares at the end, by symbol."""
    fills: int


BONUS_AND_MUHURAT = Window(
    first="2024-10-22",
    last="2024-11-06",
    rows=(
        "2024-10-22,INFY,buy,4,1900,,",
        "2024-10-23,TCS,buy,3,4200,,",
        "2024-10-25,RELIANCE,buy,5,2700,,",
        "2024-10-29,RELIANCE,buy,6,1350,,after-the-bonus",
        "2024-10-29,ITC,buy,20,500,,",
        "2024-10-30,RELIANCE,sell,4,1300,,",
        "2024-11-01,SBIN,buy,7,840,,",
        "2024-11-01,INFY,sell,3,1700,,",
    ),
    held={"RELIANCE": 12, "INFY": 1, "TCS": 3, "ITC": 20, "SBIN": 7},
    fills=8,
)
SPLIT_AND_BONUS = Window(
    first="2025-06-11",
    last="2025-06-19",
    rows=(
        "2025-06-11,INFY,buy,4,1680,,",
        "2025-06-12,BAJFINANCE,buy,3,9500,,",
        "2025-06-17,BAJFINANCE,sell,8,900,,",
        "2025-06-18,SBIN,buy,5,850,,",
    ),
    held={"BAJFINANCE": 22, "INFY": 4, "SBIN": 5},
    fills=4,
)


@pytest.mark.parametrize("window", [BONUS_AND_MUHURAT, SPLIT_AND_BONUS], ids=["bonus", "split"])
def test_real_days_with_a_split_or_a_bonus_issue_end_with_the_right_holdings(window: Window, tmp_path: Path) -> None:
    home = _played(window, tmp_path).home
    assert _held(home) == window.held
    report = audit(home, opening_cash=OPENING_CASH, stopped_cleanly=True, log_is_complete=True)
    assert report.ok, str(report)
    assert sum(line["event"] == "POSITION_ADJUSTED" for line in _log(home)) == 1
    assert sum(line["event"] == "ORDER_FILLED" for line in _log(home)) == window.fills


def test_on_the_day_of_the_muhurat_orders_fill_in_its_session_only(tmp_path: Path) -> None:
    home = _played(BONUS_AND_MUHURAT, tmp_path).home
    times = [
        at.time()
        for line in _log(home)
        if line["event"] == "ORDER_FILLED"
        for at in [datetime.fromisoformat(line["ts"]).astimezone(IST)]
        if at.date().isoformat() == "2024-11-01"
    ]
    assert times
    assert all(time(17, 53) <= at <= time(19, 0) for at in times)


_MONTHS = (datetime(2026, 6, 1, tzinfo=IST).date(), datetime(2026, 9, 14, tzinfo=IST).date())


def _run(command: Command) -> Command:
    ended = command.run()
    assert ended.returncode == 0, ended.stderr
    return command


def _with(command: Command, home: Path, **variables: str) -> Command:
    return Command(home=home, options=command.options, variables={**command.variables, **variables})


def _played(window: Window, folder: Path) -> Command:
    """The window with the operator's signals; stops are off, so that what is bought is held over the split."""
    if not NSE_DAILY.exists():
        pytest.skip(f"{NSE_DAILY} is not there")
    signals = folder / "signals.csv"
    signals.write_text("\n".join(["date,symbol,side,quantity,limit,target,id", *window.rows]) + "\n")
    command = Command(
        home=folder / "home",
        options=("--data", str(NSE_DAILY), "--from", window.first, "--to", window.last, "--speed", "0", "--ui", "off"),
        variables={
            "STRATEGIES": f'[{{ name = "csv", path = "{signals}" }}]',
            "ENABLE_STOP_LOSS": "false",
            # The auditor wants every id in the registry.
            "REGISTRY_KEEP_DAYS": "60",
            "ENABLE_TRAILING_STOP": "false",
        },
    )
    return _run(command)


def _held(home: Path) -> dict[str, int]:
    holdings = read_exchange(home / "state" / "exchange").holdings
    return {symbol: quantity for (_, symbol), quantity in holdings.items() if quantity}


def _events(home: Path) -> bytes:
    (path,) = home.glob("sessions/*/events.jsonl")
    return path.read_bytes()


def _log(home: Path) -> list[Line]:
    (path,) = home.glob("logs/*.jsonl")
    return _lines(path.read_bytes())


def _lines(data: bytes) -> list[Line]:
    return [json.loads(line) for line in data.splitlines()]
