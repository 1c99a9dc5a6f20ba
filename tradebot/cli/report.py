"""`main.py report`: the report of a run as a page and as text, and the summary that every run leaves behind."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from config.loading import load_settings
from tradebot.adapters.disk import RealDisk, write_file
from tradebot.app.session_report import NoSession, find_session, write_report
from tradebot.cli.exit_codes import ExitCode
from tradebot.interfaces.text.summary import RunFigures, run_summary


def report(options: argparse.Namespace) -> int:
    """Writes it anew each time, so that a run still at work can be reported on."""
    home = options.home.absolute()
    settings = load_settings(options.config.absolute().parent, os.environ)
    try:
        session = find_session(home, options.session)
    except NoSession as error:
        print(f"tradebot: {error}", file=sys.stderr)
        return ExitCode.USAGE
    for path in write_report(settings, home, session):
        print(path)
    return ExitCode.OK


def leave_summary(session: Path, figures: RunFigures) -> None:
    """`summary.json` and `summary.txt` in the session's folder: what the run says at its end. Raises SaveFailed."""
    disk = RealDisk()
    write_file(disk, session / "summary.json", json.dumps(_summary_data(figures), indent=1).encode() + b"\n")
    write_file(disk, session / "summary.txt", run_summary(figures).encode() + b"\n")
    disk.close()


def _summary_data(figures: RunFigures) -> dict[str, object]:
    """Money as text with its digits, instants in UTC."""
    return {
        "start": figures.start.isoformat(),
        "end": figures.end.isoformat(),
        "trading_days": figures.trading_days,
        "orders": {str(status): count for status, count in figures.orders.items()},
        "order_events": figures.order_events,
        "fills": figures.fills,
        "realised_pnl": str(figures.realised_pnl),
        "open_positions": figures.open_positions,
        "cash": str(figures.cash),
        "took_s": round(figures.took_s, 3),
        "places": dict(figures.places),
    }
