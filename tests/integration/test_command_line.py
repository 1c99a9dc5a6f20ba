"""The command line as a person uses it: what it prints, how it ends, and what a signal does to it."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from tests.simulator.killing import ROOT, Command, busy_day, environment, outcome, run_main, write_market
from tradebot import __version__

STOPS_WITHIN_S = 5.0
APPEARS_WITHIN_S = 30.0


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """A finished replay of a small market in which some signals were blocked."""
    folder = tmp_path_factory.mktemp("command_line")
    data = write_market(folder / "market.csv", date(2026, 6, 1), date(2026, 9, 14))
    command = busy_day(folder / "home", data)
    command = replace(command, variables={**command.variables, "MAX_POSITIONS": "6"})
    ended = command.run()
    assert ended.returncode == 0, ended.stderr
    return command


def test_the_version_is_told() -> None:
    told = run_main("--version")
    assert (told.returncode, told.stdout) == (0, f"tradebot {__version__}\n")


@pytest.mark.parametrize(
    ("words", "purpose"),
    [
        (("orders", "why"), "What happened to an order, or to a signal that became none."),
        (("report",), "Write the report of a run (HTML and text)."),
        (("migrate",), "Bring the database to this code's schema, back, or elsewhere."),
    ],
)
def test_the_help_of_a_command_says_what_it_is_for(words: tuple[str, ...], purpose: str) -> None:
    told = run_main(*words, "--help")
    assert told.returncode == 0
    assert purpose in told.stdout.splitlines()


@pytest.mark.parametrize(
    "words",
    [("--bogus",), ("replay", "--bogus"), ("orders",), ("orders", "show"), ("orders", "list", "--status", "lost")],
    ids=" ".join,
)
def test_what_makes_no_sense_ends_with_2_and_the_usage(words: tuple[str, ...]) -> None:
    refused = run_main(*words)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr.startswith("usage: main.py")


def test_the_summary_is_for_people(day: Command, tmp_path: Path) -> None:
    told = replace(day.in_home(tmp_path / "home"), variables={**day.variables, "UI": "off"}).run().stdout
    assert re.search(r"^orders +\d+ \(.+closed", told, re.MULTILINE)
    assert "888" in told.splitlines()[0], "how many rows were read"


def test_a_state_folder_that_others_could_read_is_closed_to_them(day: Command, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "state").mkdir(parents=True, mode=0o755)
    day.in_home(home).run()
    assert (home / "state").stat().st_mode & 0o777 == 0o700


def test_the_summary_shows_no_python(day: Command, tmp_path: Path) -> None:
    told = replace(day.in_home(tmp_path / "home"), variables={**day.variables, "UI": "off"}).run().stdout
    assert "ReadReport(" not in told


def test_every_order_is_listed_once(day: Command) -> None:
    listed = run_main("orders", "list", "--home", day.home)
    header, *rows = listed.stdout.splitlines()
    assert listed.returncode == 0
    assert header.split()[:3] == ["id", "symbol", "side"]
    assert sorted(row.split()[0] for row in rows) == sorted(_column(day.home, "select id from orders"))


def test_orders_of_one_status_are_listed(day: Command) -> None:
    listed = run_main("orders", "list", "--status", "closed", "--home", day.home)
    found = {row.split()[0] for row in listed.stdout.splitlines()[1:]}
    assert found == set(_column(day.home, "select id from orders where status = 'closed'"))


def test_days_without_a_session_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    told = run_main("replay", "--from", "2026-09-19", "--to", "2026-09-20", "--home", str(tmp_path))
    text = "command line: no trading day lies between 2026-09-19 and 2026-09-20; the next one is 2026-09-21"
    assert (told.returncode, told.stderr) == (78, f"tradebot: {text}\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a command as somebody else")
def test_a_folder_of_somebody_else_is_named_without_a_number(day: Command, tmp_path: Path) -> None:
    words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "main.py", "orders", "list"]
    home = day.in_home(tmp_path / "home")
    home.run()
    tmp_path.chmod(0o755)
    told = subprocess.run([*words, "--home", str(home.home)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 73
    assert told.stderr == f"tradebot: {home.home}/state/tradebot.db: Permission denied\n"


def test_canceled_is_taken_for_cancelled(day: Command) -> None:
    listed = [
        run_main("orders", "list", "--status", word, "--home", str(day.home)) for word in ("canceled", "cancelled")
    ]
    assert [told.returncode for told in listed] == [0, 0]
    assert listed[0].stdout == listed[1].stdout


def test_a_list_has_a_limit_and_says_which_one_is_allowed(day: Command) -> None:
    assert len(run_main("orders", "list", "--limit", "3", "--home", day.home).stdout.splitlines()) == 4
    refused = run_main("orders", "list", "--limit", "0", "--home", day.home)
    assert refused.returncode == 2
    assert "1 to 1000" in refused.stderr


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """An order of a signal that was filled, under every id that it has."""

    ids: Mapping[str, str]
    coid: str
    quantity: int


@pytest.fixture(scope="module")
def filled(day: Command) -> Filled:
    query = (
        "select id, coid, broker_order_id, decision_id, symbol, execution_qty from orders"
        " where side = 'buy' and execution_qty > 0 order by id limit 1"
    )
    order_id, coid, broker_order_id, decision_id, symbol, quantity = _row(day.home, query)
    ids = {"order": order_id, "coid": coid, "broker": broker_order_id, "decision": decision_id, "symbol": symbol}
    return Filled(ids=ids, coid=coid, quantity=quantity)


@pytest.mark.parametrize("kind", ["order", "coid", "broker", "decision", "symbol"])
def test_an_order_is_shown_by_each_of_its_ids(kind: str, day: Command, filled: Filled) -> None:
    shown = run_main("orders", "show", filled.ids[kind], "--home", day.home)
    assert shown.returncode == 0, shown.stderr
    if kind == "symbol":  # the newest one of the symbol
        assert f" {filled.ids[kind]} " in f" {shown.stdout} "
        return
    assert filled.coid in shown.stdout
    assert f"{filled.quantity} of {filled.quantity} filled" in shown.stdout


@pytest.mark.parametrize("kind", ["order", "coid", "broker"])
def test_why_tells_an_order_from_its_decision_to_its_last_fill(kind: str, day: Command, filled: Filled) -> None:
    told = run_main("orders", "why", filled.ids[kind], "--home", day.home)
    assert told.returncode == 0, told.stderr
    story = told.stdout
    places = [story.index(word) for word in ("decided: sent", "place prepared", "place acked", "fill booked")]
    assert places == sorted(places)
    assert f"fill booked: {filled.quantity} @" in story


@pytest.mark.parametrize("kind", ["decision", "symbol"])
def test_why_tells_what_became_of_a_signal(kind: str, day: Command, filled: Filled) -> None:
    told = run_main("orders", "why", filled.ids[kind], "--home", day.home)
    assert told.returncode == 0, told.stderr
    assert f"{filled.ids['decision']} {filled.ids['symbol']} buy" in told.stdout


def test_why_a_signal_was_blocked_is_told_with_figure_and_threshold(day: Command) -> None:
    (blocked, *_) = _column(day.home, "select id from decisions where outcome = 'failed' order by id")
    told = run_main("orders", "why", blocked, "--home", day.home)
    assert told.returncode == 0
    assert "RISK_LIMIT_MAX_POSITIONS" in told.stdout
    assert re.search(r"found=7\b.*allowed=6\b", told.stdout)


def test_an_order_that_a_stop_sold_says_so(day: Command) -> None:
    query = (
        "select max(id) from orders where side = 'sell' and cast(json_extract(metadata, '$.realised_pnl') as real) < 0"
    )
    (sold_at_a_loss,) = _column(day.home, query)
    told = run_main("orders", "why", sold_at_a_loss, "--home", day.home)
    assert told.returncode == 0
    assert "atr_stop" in told.stdout


@pytest.mark.parametrize("command", ["show", "why"])
def test_an_id_that_nobody_knows_ends_with_2_and_says_where_to_look(command: str, day: Command) -> None:
    refused = run_main("orders", command, "NOPE", "--home", day.home)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "NOPE" in refused.stderr
    assert "orders list" in refused.stderr


def test_looking_at_orders_changes_nothing_that_is_kept(day: Command) -> None:
    before = outcome(day.home)
    for words in (("list",), ("show", "NOPE"), ("why", "NOPE")):
        run_main("orders", *words, "--home", day.home)
    assert outcome(day.home) == before
    assert not list(day.home.glob("state/lock.holder"))


def test_a_reader_that_has_gone_is_no_failure(day: Command) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "main.py", "orders", "list", "--home", str(day.home)]
    try:
        ended = subprocess.run(
            words, cwd=ROOT, env=environment({}), stdout=writer, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writer)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("words", ["orders list", "orders why AXISBANK", "--help"])
def test_the_first_line_can_be_cut_off_in_a_shell(words: str, day: Command) -> None:
    home = "" if words == "--help" else f"--home {day.home}"
    line = f"set -o pipefail; {sys.executable} main.py {words} {home} | head -1"
    ended = subprocess.run(
        ["bash", "-c", line], cwd=ROOT, env=environment({}), capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr, len(ended.stdout.splitlines())) == (0, "", 1)


def test_a_replay_whose_reader_has_gone_still_ends_in_an_orderly_way(day: Command, tmp_path: Path) -> None:
    command = day.in_home(tmp_path / "home")
    line = f"set -o pipefail; {sys.executable} main.py replay --home {command.home} | head -1"
    ended = subprocess.run(
        ["bash", "-c", line], cwd=ROOT, env=environment(command.variables), capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr, len(ended.stdout.splitlines())) == (0, "", 1)
    assert outcome(command.home) == outcome(day.home)


def test_stopped_by_ctrl_c_and_then_by_sigterm_the_same_command_goes_on(day: Command, tmp_path: Path) -> None:
    command = day.in_home(tmp_path / "home")
    paced = replace(command, variables={**day.variables, "SPEED": "1000"})
    first = _stopped(paced, signal.SIGINT, "ORDER_FILLED")
    assert "went on from" not in first
    second = _stopped(paced, signal.SIGTERM, "RECONCILE_RESULT")
    assert _instant("went on from", second) == _instant("stopped at", first)
    ended = command.run()
    assert ended.returncode == 0, ended.stderr
    assert _instant("went on from", ended.stdout) == _instant("stopped at", second)
    assert outcome(command.home) == outcome(day.home)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_stopped_while_it_reads_its_data_it_ends_in_an_orderly_way(
    number: signal.Signals, day: Command, tmp_path: Path
) -> None:
    data = tmp_path / "market.csv"
    os.mkfifo(data)
    command = replace(day.in_home(tmp_path / "home"), variables={**day.variables, "DATA": str(data)})
    with _Running(command) as process:
        # It waits for the file's first byte as soon as somebody could write it.
        writer = os.open(data, os.O_WRONLY)
        process.send_signal(number)
        _, told = process.communicate(timeout=STOPS_WITHIN_S)
        os.close(writer)
    assert (process.returncode, told) == (0, "")
    assert not command.home.exists()


def _stopped(command: Command, number: signal.Signals, after: str) -> str:
    """What it printed; the signal comes when a line with the word `after` has."""
    with _Running(command) as process:
        assert process.stdout is not None
        head = ""
        for line in process.stdout:
            head += line
            if after in line:
                break
        process.send_signal(number)
        sent_at = time.monotonic()
        rest, told = process.communicate(timeout=APPEARS_WITHIN_S)
        took_s = time.monotonic() - sent_at
    assert (process.returncode, told) == (0, "")
    assert took_s < STOPS_WITHIN_S
    return head + rest


def _instant(words: str, text: str) -> str:
    found = re.search(rf"^{words} (\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d IST)", text, re.MULTILINE)
    assert found is not None, f"no line says '{words}'"
    return found[1]


class _Running:
    """The command in the background; killed when the test is over and it is still there."""

    def __init__(self, command: Command) -> None:
        self._process = command.start()

    def __enter__(self) -> subprocess.Popen[str]:
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def _column(home: Path, query: str, *values: str) -> list[str]:
    with sqlite3.connect(f"file:{home / 'state' / 'tradebot.db'}?mode=ro", uri=True) as connection:
        found = [row[0] for row in connection.execute(query, values)]
    connection.close()
    return found


def _row(home: Path, query: str) -> tuple[str, str, str, str, str, int]:
    with sqlite3.connect(f"file:{home / 'state' / 'tradebot.db'}?mode=ro", uri=True) as connection:
        found: tuple[str, str, str, str, str, int] = connection.execute(query).fetchone()
    connection.close()
    return found
