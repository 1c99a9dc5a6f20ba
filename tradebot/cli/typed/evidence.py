"""`rollout`, `guards`, `what-if` and `report`: what the records say."""

from __future__ import annotations

import argparse
from pathlib import Path

from tradebot.cli.typed.folders import FOLDER, Commands, add_folders, add_set
from tradebot.domain.rollout import GROUPS


def add_evidence(commands: Commands) -> None:
    report = commands.add_parser("report", help="write the report of a run (HTML and text)")
    report.add_argument("session", nargs="?", help="a folder of sessions/; without it, the newest")
    add_folders(report)
    report.set_defaults(command=_report)
    _add_rollout(commands.add_parser("rollout", help="the staged rollout: where it stands, and its steps"))
    _add_guards(
        commands.add_parser("guards", help="what the guards cost and save: the same days with and without them")
    )
    _add_what_if(commands.add_parser("what-if", help="judge a recorded session's entries by other thresholds"))


def _add_rollout(parser: argparse.ArgumentParser) -> None:
    add_folders(parser)
    parser.set_defaults(command=_show_rollout)
    commands = parser.add_subparsers(title="steps", metavar="STEP", dest="step")
    start = commands.add_parser("start", help="phase 1: the core alone, observing at first")
    forward = commands.add_parser("next", help="the next phase, where its gate is a go")
    forward.add_argument("--force", default="", metavar="REASON", help="go on without it; the reason is kept")
    back = commands.add_parser("back", help="the phase before, or one group of flags off")
    back.add_argument("group", nargs="?", choices=list(GROUPS))
    for each in (start, forward, back):
        add_folders(each)
        each.set_defaults(command=_step)


def _add_what_if(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("session", help="a folder of sessions/")
    parser.add_argument("--max-spread-bps", metavar="N", help="as MAX_SPREAD_BPS_ENTRY")
    parser.add_argument("--depth-min-notional", metavar="N", help="as DEPTH_MIN_NOTIONAL, in rupees")
    parser.add_argument("--max-slippage-bps", metavar="N", help="as MAX_SLIPPAGE_BPS_ENTRY")
    add_set(parser)
    add_folders(parser)
    parser.set_defaults(command=_what_if)


def _add_guards(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", metavar="FILE", required=True, help="daily bars to play")
    parser.add_argument("--from", dest="first_day", metavar="DATE", required=True, help="first trading day, YYYY-MM-DD")
    parser.add_argument("--to", dest="last_day", metavar="DATE", required=True, help="last trading day, YYYY-MM-DD")
    parser.add_argument("--each", action="store_true", help="also each guard alone; five runs instead of two")
    parser.add_argument("--config", metavar="DIR", type=Path, default=FOLDER / "config", help="the config folder")
    parser.set_defaults(command=_guards)


def _report(options: argparse.Namespace) -> int:
    from tradebot.cli.report import report

    return report(options)


def _show_rollout(options: argparse.Namespace) -> int:
    from tradebot.cli.rollout import show_rollout

    return show_rollout(options)


def _step(options: argparse.Namespace) -> int:
    from tradebot.cli.rollout import step

    return step(options)


def _guards(options: argparse.Namespace) -> int:
    from tradebot.cli.guards import compare_guards

    return compare_guards(options)


def _what_if(options: argparse.Namespace) -> int:
    from tradebot.cli.sessions import ask_what_if

    return ask_what_if(options)
