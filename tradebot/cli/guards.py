"""`main.py guards --data FILE --from DATE --to DATE`: what the guards of the order book cost and save."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tradebot.app.configuration import ConfigSource
from tradebot.app.guard_table import CASES, guard_rows
from tradebot.cli.exit_codes import ExitCode
from tradebot.interfaces.text.guards import guards_table

_ALWAYS = ("all on", "all off")


def compare_guards(options: argparse.Namespace) -> int:
    """Plays the days once for each case, in homes that are removed again; nothing of this folder is touched."""
    overrides = {
        "data": str(Path(options.data).absolute()),
        "from": options.first_day,
        "to": options.last_day,
    }
    folder = options.config.absolute().parent
    source = ConfigSource(folder=folder, environ=dict(os.environ), overrides=overrides)
    cases = {name: on for name, on in CASES.items() if options.each or name in _ALWAYS}
    rows = [
        (row.case, row.placed, row.filled, row.slippage_bps, row.realised_pnl, row.closed, row.blocked)
        for row in guard_rows(source, cases)
    ]
    print(guards_table(rows))
    return ExitCode.OK
