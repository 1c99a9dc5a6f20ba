"""`main.py pause|resume`: the daemon is asked to take no entries, or to take them again."""

from __future__ import annotations

import argparse

from tradebot.cli.commanding import send
from tradebot.engine.commands import PauseEntries


def pause(options: argparse.Namespace) -> int:
    is_paused = options.is_paused
    return send(
        options.home.absolute(),
        lambda command_id: PauseEntries(is_paused=is_paused, correlation_id=command_id),
        "no new entries until `main.py resume`; exits go on" if is_paused else "entries go on",
    )
