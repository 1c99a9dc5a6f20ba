"""`main.py alerts`: which alerts fire in the running daemon, and that somebody has seen one."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path

from tradebot.cli.commanding import ask, is_running, no_answer, send
from tradebot.cli.exit_codes import ExitCode
from tradebot.domain.alerts import ALERT_RULES, AlertName
from tradebot.engine.commands import AcknowledgeAlert, ListAlerts
from tradebot.interfaces.text.table import table


def list_alerts(options: argparse.Namespace) -> int:
    """Every rule with what it measures; of those that fire, what was found. Only a daemon that runs knows that."""
    home = options.home.absolute()
    if not is_running(home):
        return _nothing_runs(home)
    _, answer = ask(home, lambda command_id: ListAlerts(correlation_id=command_id))
    if answer is None:
        print(f"tradebot: {no_answer(home)}", file=sys.stderr)
        return ExitCode.LATER
    firing = answer["figures"]
    rows = [(str(rule.name), rule.meaning, firing.get(rule.name, "-")) for rule in ALERT_RULES.values()]
    print(table(("alert", "what it looks at", "fires"), rows))
    return ExitCode.OK


def acknowledge(options: argparse.Namespace) -> int:
    """The alert stands until its cause is gone; one that gets worse wants to be seen again."""
    name, by, home = AlertName(options.name), options.by or getpass.getuser(), options.home.absolute()
    if not is_running(home):
        return _nothing_runs(home)
    return send(
        home,
        lambda command_id: AcknowledgeAlert(name=name, by=by, correlation_id=command_id),
        f"{name}: seen by {by}",
    )


def _nothing_runs(home: Path) -> int:
    """Alerts are of a process: there is nothing that could be kept for the next one."""
    print(f"tradebot: no tradebot runs in {home}, so that no alert fires", file=sys.stderr)
    return ExitCode.LATER
