"""Orders are dropped and cancelled from the command line: in a running process, and for the next start."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from tests.integration.test_reload import DEADLINE_S, running, until
from tests.simulator.killing import run_main
from tradebot.adapters.holder import Owner, owner_of
from tradebot.cli.exit_codes import ExitCode

DAY = ["replay", "--from", "2026-09-16", "--to", "2026-09-16", "--ui", "off"]


def rows(home: Path, query: str) -> list[tuple[str, ...]]:
    database = home / "state" / "tradebot.db"
    if not database.exists():
        return []
    with closing(sqlite3.connect(database)) as connection:
        try:
            return connection.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []


def pending(home: Path) -> list[tuple[str, ...]]:
    query = "select id, status, reason from orders where status = 'pending' and side = 'buy' order by id"
    return rows(home, f"{query} limit 1")


def order(home: Path, order_id: str) -> tuple[str, ...]:
    (found,) = rows(home, f"select status, reason from orders where id = '{order_id}'")
    return found


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=DEADLINE_S)


def test_a_running_replay_is_told_to_cancel_and_does_it(tmp_path: Path) -> None:
    with running([*DAY, "--speed", "20", "--home", str(tmp_path)]) as process:
        ((order_id, *_),) = until(process, lambda: pending(tmp_path))
        told = run_main("orders", "cancel", order_id, "--home", tmp_path)
        until(process, lambda: rows(tmp_path, f"select 1 from orders where id = '{order_id}' and status = 'cancelled'"))
        twice = run_main("orders", "cancel", order_id, "--home", tmp_path)
        stop(process)

    assert (told.returncode, told.stdout) == (0, f"order {order_id} cancellation asked for\n"), told.stderr
    assert order(tmp_path, order_id) == ("cancelled", "Manual: User cancelled")
    assert twice.returncode == ExitCode.REFUSED
    assert f"order {order_id} is cancelled, not pending" in twice.stderr
    assert len(rows(tmp_path, "select * from command_runs")) == 2


def test_a_running_replay_is_told_to_change_an_order_and_asked_for_its_alerts(tmp_path: Path) -> None:
    with running([*DAY, "--speed", "20", "--home", str(tmp_path)]) as process:
        ((order_id, *_),) = until(process, lambda: pending(tmp_path))
        ((before,),) = rows(tmp_path, f"select quantity from orders where id = '{order_id}'")
        less = str(int(before) - 1)
        told = run_main("orders", "modify", order_id, "--quantity", less, "--home", tmp_path)
        until(process, lambda: rows(tmp_path, f"select 1 from orders where id = '{order_id}' and quantity = {less}"))
        nonsense = run_main("orders", "modify", order_id, "--price", "cheap", "--home", tmp_path)
        too_much = run_main("orders", "modify", order_id, "--quantity", "9000000", "--home", tmp_path)
        listed = run_main("alerts", "list", "--home", tmp_path)
        quiet = run_main("alerts", "ack", "fill_rate", "--by", "anna", "--home", tmp_path)
        stop(process)

    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith(f"order {order_id} change asked for: MOD")
    assert nonsense.returncode == ExitCode.USAGE
    assert too_much.returncode == ExitCode.REFUSED
    assert "freeze_quantity" in too_much.stderr
    assert listed.returncode == 0, listed.stderr
    assert "fill_rate" in listed.stdout
    assert (quiet.returncode, "fill_rate does not stand" in quiet.stderr) == (ExitCode.REFUSED, True)


def test_without_a_daemon_no_alert_fires_and_nothing_is_waited_for(tmp_path: Path) -> None:
    for words in (("list",), ("ack", "fill_rate")):
        told = run_main("alerts", *words, "--home", tmp_path)
        assert (told.returncode, "no tradebot runs" in told.stderr) == (ExitCode.LATER, True)
    assert not (tmp_path / "state" / "commands").exists()


def test_a_daemon_that_has_died_and_that_nobody_has_asked_about_runs_no_more(tmp_path: Path) -> None:
    """As in a container without an init: its number is still taken, by what is left of it."""
    with running([*DAY, "--speed", "20", "--home", str(tmp_path)]) as process:
        until(process, lambda: owner_of(tmp_path / "state")[0] is Owner.RUNNING)
        os.kill(process.pid, signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        found = owner_of(tmp_path / "state")[0]
        process.communicate(timeout=DEADLINE_S)
    assert found is Owner.KILLED


def test_without_a_daemon_it_is_kept_and_done_at_the_next_start(tmp_path: Path) -> None:
    with running([*DAY, "--speed", "20", "--home", str(tmp_path)]) as process:
        ((order_id, *_),) = until(process, lambda: pending(tmp_path))
        process.kill()
        process.communicate(timeout=DEADLINE_S)
    told = run_main("orders", "cancel", order_id, "--reason", "changed my mind", "--home", tmp_path)
    waiting = [path.suffix for path in (tmp_path / "state" / "commands").iterdir()]

    with running([*DAY, "--speed", "20", "--home", str(tmp_path)]) as process:
        until(process, lambda: rows(tmp_path, f"select 1 from orders where id = '{order_id}' and status = 'cancelled'"))
        (answer,) = until(process, lambda: list((tmp_path / "state" / "commands").glob("*.answer")))
        stop(process)

    assert told.returncode == ExitCode.LATER
    assert "done at the next start" in told.stdout
    assert waiting == [".command"]
    assert order(tmp_path, order_id) == ("cancelled", "Manual: changed my mind")
    assert json.loads(answer.read_bytes())["outcome"] == "asked"


def test_an_order_that_is_not_known_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    run_main(*DAY, "--speed", "0", "--home", tmp_path)

    told = run_main("orders", "drop", "nobody", "--home", tmp_path)

    assert told.returncode == ExitCode.USAGE
    assert not (tmp_path / "state" / "commands").exists()


def test_a_failed_order_is_listed_in_the_queue_retried_and_dropped_while_a_replay_runs(tmp_path: Path) -> None:
    one_slot = {"MAX_POSITIONS": "1"}
    with running([*DAY, "--speed", "20", "--home", str(tmp_path)], one_slot) as process:
        ((first, *_), *_) = until(process, lambda: rows(tmp_path, "select id from orders where status = 'failed'"))
        listed = run_main("orders", "queue", "--home", tmp_path)
        asked = run_main("orders", "retry", first, "--home", tmp_path)
        dropped = run_main("orders", "drop", first, "--home", tmp_path)
        stop(process)

    assert first in listed.stdout
    assert listed.stdout.splitlines()[0].split()[5:9] == ["failures", "failed", "(IST)", "until"]
    assert (asked.returncode, dropped.returncode) in ((0, 0), (0, ExitCode.REFUSED), (ExitCode.REFUSED, 0)), (
        asked.stderr + dropped.stderr
    )
    ((failures,),) = rows(tmp_path, f"select retry_count from orders where id = '{first}'")
    assert int(failures) > 1
