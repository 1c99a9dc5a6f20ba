"""`exchange`: the simulated exchange as a process."""

from __future__ import annotations

import argparse
from pathlib import Path

from tradebot.cli.typed.folders import FOLDER, Commands


def add_exchange(commands: Commands) -> None:
    """docs/exchange-process.md describes these."""
    parser = commands.add_parser("exchange", help="run the simulated exchange as a process, as two brokers")
    add = parser.add_argument
    add("--state", metavar="DIR", type=Path, default=FOLDER / "state" / "venue", help="its own folder, with its books")
    add("--config", metavar="DIR", type=Path, default=FOLDER / "config", help="the config folder")
    add("--port", metavar="N", type=int, default=8800, help="on loopback; 0: a free one")
    add("--clock", choices=("real", "scaled", "driven"), default="real", help="whose time it is")
    add("--at", metavar="INSTANT", help="where new books begin on a scaled or driven clock (IST)")
    add("--rate", metavar="N", default="1", help="of a scaled clock: exchange seconds in a real one")
    add("--seed", metavar="N", type=int, default=1, help="the number that all chance is made from")
    add("--data", metavar="FILE", help="bars or ticks to play; without it, the seeded market")
    add("--account", metavar="ID", default="primary", help="whose orders these are in the books")
    add("--cash", metavar="RUPEES", default="1000000", help="what a new account begins with")
    add("--amo-broker", metavar="NAME", default="default", help="whose after-market windows count")
    add("--credentials", metavar="FILE", type=Path, help="TOML with the tables kite and kotak")
    add("--dial", metavar="DIAL", action="append", default=[], help="a fault: name=per_mille,parameter=value,...")
    add("--dials", metavar="FILE", type=Path, help='faults as JSON: {"dials": [{"name": ...}]}')
    add("--postback", metavar="URL", help="where order events are posted, on loopback")
    add("--refuse-duplicate-tags", action="store_true", help="a second order with a tag of the day is refused")
    add("--no-rate-limits", action="store_true", help="nothing is too often")
    add("--no-warm-up", action="store_true", help="look at a symbol's prices when it is asked for, not before")
    add("--durability", choices=("power", "process"), default="process", help="what the books must survive")
    parser.set_defaults(command=_exchange)


def _exchange(options: argparse.Namespace) -> int:
    from tradebot.cli.exchange import exchange

    return exchange(options)
