"""`main.py exit`: the daemon is asked to sell what is held of a symbol."""

from __future__ import annotations

import argparse

from tradebot.cli.commanding import send
from tradebot.engine.commands import ExitPosition


def exit_position(options: argparse.Namespace) -> int:
    symbol = options.symbol.upper()
    return send(
        options.home.absolute(),
        lambda command_id: ExitPosition(symbol=symbol, reason=options.reason, correlation_id=command_id),
        f"{symbol}: to be sold at what the market pays",
    )
