"""Options that many commands have: where things lie, and other values than the recorded ones."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Command = Callable[[argparse.Namespace], int]
FOLDER = Path(__file__).resolve().parents[3]


def add_folders(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--home", metavar="DIR", type=Path, default=FOLDER, help="where state, sessions and logs lie")
    parser.add_argument("--config", metavar="DIR", type=Path, default=FOLDER / "config", help="the config folder")


def add_set(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--set", action="append", metavar="KEY=VALUE", help="another value than the recorded one")
