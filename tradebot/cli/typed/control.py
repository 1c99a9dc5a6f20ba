"""Holding it back and looking after it: `kill`, `release`, `pause`, `resume`, `exit`, `alerts`; `login`, `notify`,
`doctor`."""

from __future__ import annotations

import argparse

from tradebot.cli.typed.folders import Commands, add_folders
from tradebot.domain.alerts import AlertName
from tradebot.domain.kill import KillMode


def add_control(commands: Commands) -> None:
    _add_kill(commands)
    _add_pause(commands)
    sell = commands.add_parser("exit", help="sell what is held of a symbol at what the market pays")
    sell.add_argument("symbol")
    sell.add_argument("--reason", default="wanted", metavar="WORDS", help="is kept with the position")
    add_folders(sell)
    sell.set_defaults(command=_exit)
    _add_alerts(commands.add_parser("alerts", help="the alerts that fire; say that one was seen"))


def add_care(commands: Commands) -> None:
    login = commands.add_parser("login", help="get the day's session with the broker")
    login.add_argument("--request-token", metavar="TOKEN", help="Kite's, or the address it redirected the browser to")
    add_folders(login)
    login.set_defaults(command=_login)
    _add_notify(commands.add_parser("notify", help="try the channels over which people are told"))
    doctor = commands.add_parser("doctor", help="look for what is wrong: folders, books, clock, calendar, settings")
    add_folders(doctor)
    doctor.set_defaults(command=_doctor)


def _add_kill(commands: Commands) -> None:
    kill = commands.add_parser("kill", help="stop all new entries now, whatever the daemon is doing")
    kill.add_argument(
        "mode",
        nargs="?",
        choices=[str(mode) for mode in KillMode],
        default=str(KillMode.CANCEL_ENTRIES),
        help="stop: no new entries; cancel_entries (without a word): and those that stand are cancelled;"
        " flatten: and what is held is sold",
    )
    kill.add_argument("--reason", default="", metavar="WORDS", help="is shown until somebody releases the switch")
    release = commands.add_parser("release", help="release the kill switch: entries go on")
    for each, command in ((kill, _kill), (release, _release)):
        add_folders(each)
        each.set_defaults(command=command)


def _add_pause(commands: Commands) -> None:
    pause = commands.add_parser("pause", help="take no new entries until `resume`, also after a restart; exits go on")
    resume = commands.add_parser("resume", help="take entries again, whoever or whatever has paused them")
    for each, is_paused in ((pause, True), (resume, False)):
        add_folders(each)
        each.set_defaults(command=_pause, is_paused=is_paused)


def _add_alerts(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listed = commands.add_parser("list", help="the rules, and which of them fire")
    seen = commands.add_parser("ack", help="say that an alert was seen; it stands until its cause is gone")
    seen.add_argument("name", choices=[str(name) for name in AlertName], metavar="NAME", help="as `list` names it")
    seen.add_argument("--by", default="", metavar="WHO", help="who has seen it; without it, the user of this shell")
    for each, command in ((listed, _list_alerts), (seen, _acknowledge)):
        add_folders(each)
        each.set_defaults(command=command)


def _add_notify(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    test = commands.add_parser("test", help="send one message over each channel")
    add_folders(test)
    test.set_defaults(command=_test_channels)


def _kill(options: argparse.Namespace) -> int:
    from tradebot.cli.kill import kill

    return kill(options)


def _release(options: argparse.Namespace) -> int:
    from tradebot.cli.kill import release

    return release(options)


def _pause(options: argparse.Namespace) -> int:
    from tradebot.cli.pausing import pause

    return pause(options)


def _exit(options: argparse.Namespace) -> int:
    from tradebot.cli.positions import exit_position

    return exit_position(options)


def _list_alerts(options: argparse.Namespace) -> int:
    from tradebot.cli.alerts import list_alerts

    return list_alerts(options)


def _acknowledge(options: argparse.Namespace) -> int:
    from tradebot.cli.alerts import acknowledge

    return acknowledge(options)


def _login(options: argparse.Namespace) -> int:
    from tradebot.cli.login import login

    return login(options)


def _test_channels(options: argparse.Namespace) -> int:
    from tradebot.cli.notify import test_channels

    return test_channels(options)


def _doctor(options: argparse.Namespace) -> int:
    from tradebot.cli.doctor import doctor

    return doctor(options)
