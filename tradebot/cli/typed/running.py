"""A run: what `main.py` without a command does, and `replay`."""

from __future__ import annotations

import argparse

from tradebot.cli.typed.folders import Commands, add_folders, add_set


def add_replay(commands: Commands) -> None:
    replay = commands.add_parser("replay", help="play a recorded or the seeded market, or a recorded session again")
    add_run_options(replay)
    replay.add_argument("session", nargs="?", help="a folder of sessions/: its day runs through today's code")
    add_set(replay)
    replay.set_defaults(is_replay=True)


def add_run_options(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_run)
    add_folders(parser)
    parser.add_argument("--data", metavar="FILE", help="bars or ticks to play; without it, the seeded market")
    parser.add_argument("--from", dest="first_day", metavar="DATE", help="first trading day, YYYY-MM-DD")
    parser.add_argument("--to", dest="last_day", metavar="DATE", help="last trading day, YYYY-MM-DD")
    parser.add_argument("--speed", metavar="N", help="times real time inside sessions; 0: as fast as it can")
    parser.add_argument("--seed", metavar="N", help="the number that all chance is made from")
    parser.add_argument("--yes-live", action="store_true", help="mode live without the question, for a service")
    parser.add_argument("--ui", choices=("auto", "full", "line", "off"), help="what the terminal shows")
    parser.add_argument("--ascii", action="store_true", help="only characters that every terminal has")
    parser.add_argument("--now", action="store_true", help="do not hold back after deaths in a row")
    parser.add_argument("--read-only", action="store_true", help="the screen's keys change nothing")


def _run(options: argparse.Namespace) -> int:
    if getattr(options, "session", None) is not None:
        from tradebot.cli.sessions import replay_session

        return replay_session(options)
    from tradebot.cli.run import run

    return run(options)
