"""What can be typed: commands and options."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeAlias

from tradebot import __version__
from tradebot.domain.kill import KillMode
from tradebot.domain.orders import OrderStatus
from tradebot.domain.rollout import GROUPS

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
FOLDER = Path(__file__).resolve().parents[2]


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options, with the function to call as `command`; exits with 2 and the usage when they make no sense."""
    return _parser().parse_args(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="main.py",
        description="tradebot places and follows orders for Indian equities: never twice, never lost.",
        epilog="Without a command it runs what config/tradebot.toml says: on a fresh clone, one day of the seeded"
        " market. Exit codes are in docs/operating.md.",
    )
    parser.add_argument("--version", action="version", version=f"tradebot {__version__}")
    _add_run_options(parser)
    parser.set_defaults(is_replay=False)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    replay = commands.add_parser("replay", help="play a recorded or the seeded market, or a recorded session again")
    _add_run_options(replay)
    replay.add_argument("session", nargs="?", help="a folder of sessions/: its day runs through today's code")
    _add_set(replay)
    replay.set_defaults(is_replay=True)
    _add_orders(commands.add_parser("orders", help="look at orders and decisions; cancel, retry or drop one"))
    _add_config(commands.add_parser("config", help="check the configuration, or show what is in effect"))
    _add_tokens(commands.add_parser("token", help="who may call the HTTP interface"))
    _add_storage(commands)
    _add_notify(commands.add_parser("notify", help="try the channels over which people are told"))
    doctor = commands.add_parser("doctor", help="look for what is wrong: folders, books, clock, calendar, settings")
    _add_folders(doctor)
    doctor.set_defaults(command=_doctor)
    _add_ids(commands.add_parser("ids", help="what an id leads to, what led nowhere, and the care of the ids"))
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
    sell = commands.add_parser("exit", help="sell what is held of a symbol at what the market pays")
    sell.add_argument("symbol")
    sell.add_argument("--reason", default="wanted", metavar="WORDS", help="is kept with the position")
    _add_folders(sell)
    sell.set_defaults(command=_exit)
    release = commands.add_parser("release", help="release the kill switch: entries go on")
    for each, command in ((kill, _kill), (release, _release)):
        _add_folders(each)
        each.set_defaults(command=command)
    login = commands.add_parser("login", help="get the day's session with the broker")
    login.add_argument("--request-token", metavar="TOKEN", help="Kite's, or the address it redirected the browser to")
    _add_folders(login)
    login.set_defaults(command=_login)
    report = commands.add_parser("report", help="write the report of a run (HTML and text)")
    report.add_argument("session", nargs="?", help="a folder of sessions/; without it, the newest")
    _add_folders(report)
    report.set_defaults(command=_report)
    _add_evidence(commands.add_parser)
    _add_exchange(commands.add_parser("exchange", help="run the simulated exchange as a process, as two brokers"))
    return parser


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_run)
    _add_folders(parser)
    parser.add_argument("--data", metavar="FILE", help="bars or ticks to play; without it, the seeded market")
    parser.add_argument("--from", dest="first_day", metavar="DATE", help="first trading day, YYYY-MM-DD")
    parser.add_argument("--to", dest="last_day", metavar="DATE", help="last trading day, YYYY-MM-DD")
    parser.add_argument("--speed", metavar="N", help="times real time inside sessions; 0: as fast as it can")
    parser.add_argument("--seed", metavar="N", help="the number that all chance is made from")
    parser.add_argument("--yes-live", action="store_true", help="mode live without the question, for a service")
    parser.add_argument("--ui", choices=("auto", "full", "line", "off"), help="what the terminal shows")
    parser.add_argument("--ascii", action="store_true", help="only characters that every terminal has")
    parser.add_argument("--read-only", action="store_true", help="the screen's keys change nothing")


def _add_evidence(add: Callable[..., argparse.ArgumentParser]) -> None:
    _add_rollout(add("rollout", help="the staged rollout: where it stands, and its steps"))
    _add_guards(add("guards", help="what the guards cost and save: the same days with and without them"))
    _add_what_if(add("what-if", help="judge a recorded session's entries by other thresholds"))


def _add_rollout(parser: argparse.ArgumentParser) -> None:
    _add_folders(parser)
    parser.set_defaults(command=_show_rollout)
    commands = parser.add_subparsers(title="steps", metavar="STEP", dest="step")
    start = commands.add_parser("start", help="phase 1: the core alone, observing at first")
    forward = commands.add_parser("next", help="the next phase, where its gate is a go")
    forward.add_argument("--force", default="", metavar="REASON", help="go on without it; the reason is kept")
    back = commands.add_parser("back", help="the phase before, or one group of flags off")
    back.add_argument("group", nargs="?", choices=list(GROUPS))
    for each in (start, forward, back):
        _add_folders(each)
        each.set_defaults(command=_step)


def _add_what_if(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("session", help="a folder of sessions/")
    parser.add_argument("--max-spread-bps", metavar="N", help="as MAX_SPREAD_BPS_ENTRY")
    parser.add_argument("--depth-min-notional", metavar="N", help="as DEPTH_MIN_NOTIONAL, in rupees")
    parser.add_argument("--max-slippage-bps", metavar="N", help="as MAX_SLIPPAGE_BPS_ENTRY")
    _add_set(parser)
    _add_folders(parser)
    parser.set_defaults(command=_what_if)


def _add_guards(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", metavar="FILE", required=True, help="daily bars to play")
    parser.add_argument("--from", dest="first_day", metavar="DATE", required=True, help="first trading day, YYYY-MM-DD")
    parser.add_argument("--to", dest="last_day", metavar="DATE", required=True, help="last trading day, YYYY-MM-DD")
    parser.add_argument("--each", action="store_true", help="also each guard alone; five runs instead of two")
    parser.add_argument("--config", metavar="DIR", type=Path, default=FOLDER / "config", help="the config folder")
    parser.set_defaults(command=_guards)


def _add_set(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--set", action="append", metavar="KEY=VALUE", help="another value than the recorded one")


def _add_folders(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--home", metavar="DIR", type=Path, default=FOLDER, help="where state, sessions and logs lie")
    parser.add_argument("--config", metavar="DIR", type=Path, default=FOLDER / "config", help="the config folder")


def _add_exchange(parser: argparse.ArgumentParser) -> None:
    """docs/exchange-process.md describes these."""
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


def _add_orders(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listed = commands.add_parser("list", help="the newest orders")
    listed.add_argument("--status", choices=[str(status) for status in OrderStatus])
    listed.add_argument("--limit", type=int, default=50, metavar="N", help="1 to 1000")
    shown = commands.add_parser("show", help="all facts of one order")
    why = commands.add_parser("why", help="what happened to an order, or to a signal that became none")
    cancelled = commands.add_parser("cancel", help="cancel a pending order")
    cancelled.add_argument("--reason", default="User cancelled", help="what is written down")
    dropped = commands.add_parser("drop", help="take a failed order out of the retry queue")
    retried = commands.add_parser("retry", help="try a failed order again, now or with the next run")
    released = commands.add_parser("release", help="let a symbol take entries that was halted for manual activity")
    released.add_argument("symbol")
    queued = commands.add_parser("queue", help="the failed orders that can still be tried again")
    for parser_of_one in (cancelled, dropped, retried):
        parser_of_one.add_argument("id", help="order id, client order id or broker order id")
    for parser_of_one in (shown, why):
        parser_of_one.add_argument("id", help="order id, client order id, broker order id, decision id or symbol")
    for each, command in (
        (listed, _list),
        (shown, _show),
        (why, _why),
        (cancelled, _cancel),
        (dropped, _drop),
        (retried, _retry),
        (queued, _queue),
        (released, _release_symbol),
    ):
        _add_folders(each)
        each.set_defaults(command=command)


def _add_tokens(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    create = commands.add_parser("create", help="make a token and print it, once")
    create.add_argument("--name", required=True, help="what it is for")
    create.add_argument("--scopes", default="read", metavar="LIST", help="read, trade, admin, separated by commas")
    create.add_argument("--user", help="whose orders it sees; without it, user_id of the configuration")
    create.add_argument("--accounts", metavar="LIST", help="its accounts; without it, account_id of the configuration")
    listed = commands.add_parser("list", help="every token but its secret")
    revoke = commands.add_parser("revoke", help="take a token back")
    revoke.add_argument("id", help="the token's id, as `token list` shows it")
    for each, command in ((create, _create_token), (listed, _list_tokens), (revoke, _revoke_token)):
        _add_folders(each)
        each.set_defaults(command=command)


def _add_config(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    check = commands.add_parser("check", help="name everything that is wrong, or nothing")
    show = commands.add_parser("show", help="every key with its value and where it comes from")
    for each, command in ((check, _check_config), (show, _show_config)):
        _add_folders(each)
        each.set_defaults(command=command)


def _add_notify(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    test = commands.add_parser("test", help="send one message over each channel")
    _add_folders(test)
    test.set_defaults(command=_test_channels)


def _add_storage(commands: Commands) -> None:
    _add_migrate(commands.add_parser("migrate", help="bring the database to this code's schema, back, or elsewhere"))
    archive = commands.add_parser("archive", help="move what ended years ago out of the database, into a file")
    archive.add_argument("--before", metavar="DATE", help="YYYY-MM-DD; without it ARCHIVE_AFTER_YEARS counts")
    _add_folders(archive)
    archive.set_defaults(command=_archive)


def _add_migrate(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    status = commands.add_parser("status", help="where the database stands, and what is still to come")
    up = commands.add_parser("up", help="to the schema of this code; a backup is taken before")
    up.add_argument("revision", nargs="?", default="head", help="an older target; without it, the newest")
    up.add_argument("--rehearse", action="store_true", help="on a copy that is thrown away: what would happen")
    down = commands.add_parser("down", help="back to an older schema; a backup is taken before")
    down.add_argument("revision", help="c38b470b20d1 is the schema with nine statuses")
    validated = commands.add_parser("validate", help="look whether every order came over whole")
    imported = commands.add_parser("import", help="take over orders from the files of the older software")
    imported.add_argument("--pending", metavar="FILE", type=Path, help="pending_orders.json; else state/ is looked at")
    imported.add_argument("--history", metavar="FILE", type=Path, help="a trade history with failed_orders")
    _add_folders(imported)
    imported.set_defaults(command=_import_files)
    copied = commands.add_parser("to", help="copy everything into an empty database elsewhere")
    copied.add_argument("url", help="postgresql+psycopg://user@host/name or sqlite:////path; a password: PGPASSWORD")
    _add_folders(copied)
    copied.set_defaults(command=partial(_migrate, "copy_to"))
    for each, name in ((status, "show_status"), (up, "up"), (down, "down"), (validated, "show_validation")):
        _add_folders(each)
        each.set_defaults(command=partial(_migrate, name))


def _add_ids(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    found = commands.add_parser("resolve", help="the order that any id of it leads to, with its ids")
    found.add_argument("id", help="order id, lifecycle id, client order id or broker order id")
    dead = commands.add_parser("dead", help="what the broker said, or somebody asked, that led to no order")
    dead.add_argument("--limit", type=int, default=100, metavar="N", help="the newest N")
    check = commands.add_parser("check", help="name everything that must not be")
    count = commands.add_parser("stats", help="how many ids there are, by type and by day")
    migrate = commands.add_parser("migrate", help="give orders that were there before their ids; harmless twice")
    for name, each in (("resolve", found), ("dead", dead), ("check", check), ("count", count), ("migrate", migrate)):
        _add_folders(each)
        each.set_defaults(command=_ids, ids_command=name)


# The commands' own modules, with the libraries behind them, are imported only when one is run.


def _run(options: argparse.Namespace) -> int:
    if getattr(options, "session", None) is not None:
        from tradebot.cli.sessions import replay_session

        return replay_session(options)
    from tradebot.cli.run import run

    return run(options)


def _ids(options: argparse.Namespace) -> int:
    from tradebot.cli import ids

    commands = {
        "resolve": ids.resolve,
        "dead": ids.dead,
        "check": ids.check,
        "count": ids.count,
        "migrate": ids.migrate,
    }
    return commands[options.ids_command](options)


def _kill(options: argparse.Namespace) -> int:
    from tradebot.cli.kill import kill

    return kill(options)


def _release(options: argparse.Namespace) -> int:
    from tradebot.cli.kill import release

    return release(options)


def _list(options: argparse.Namespace) -> int:
    from tradebot.cli.orders import list_orders

    return list_orders(options)


def _show(options: argparse.Namespace) -> int:
    from tradebot.cli.orders import show_order

    return show_order(options)


def _why(options: argparse.Namespace) -> int:
    from tradebot.cli.orders import explain

    return explain(options)


def _cancel(options: argparse.Namespace) -> int:
    from tradebot.cli.orders import cancel

    return cancel(options)


def _retry(options: argparse.Namespace) -> int:
    from tradebot.cli.orders import retry

    return retry(options)


def _release_symbol(options: argparse.Namespace) -> int:
    from tradebot.cli.orders import release

    return release(options)


def _queue(options: argparse.Namespace) -> int:
    from tradebot.cli.orders import queue

    return queue(options)


def _drop(options: argparse.Namespace) -> int:
    from tradebot.cli.orders import drop

    return drop(options)


def _exit(options: argparse.Namespace) -> int:
    from tradebot.cli.positions import exit_position

    return exit_position(options)


def _create_token(options: argparse.Namespace) -> int:
    from tradebot.cli.tokens import create

    return create(options)


def _list_tokens(options: argparse.Namespace) -> int:
    from tradebot.cli.tokens import list_tokens

    return list_tokens(options)


def _revoke_token(options: argparse.Namespace) -> int:
    from tradebot.cli.tokens import revoke

    return revoke(options)


def _check_config(options: argparse.Namespace) -> int:
    from tradebot.cli.config import check

    return check(options)


def _show_config(options: argparse.Namespace) -> int:
    from tradebot.cli.config import show

    return show(options)


def _test_channels(options: argparse.Namespace) -> int:
    from tradebot.cli.notify import test_channels

    return test_channels(options)


def _archive(options: argparse.Namespace) -> int:
    from tradebot.cli.archive import move_to_archive

    return move_to_archive(options)


def _import_files(options: argparse.Namespace) -> int:
    from tradebot.cli.importing import import_files

    return import_files(options)


def _migrate(name: str, options: argparse.Namespace) -> int:
    from tradebot.cli import migrate

    command: Callable[[argparse.Namespace], int] = getattr(migrate, name)
    return command(options)


def _doctor(options: argparse.Namespace) -> int:
    from tradebot.cli.doctor import doctor

    return doctor(options)


def _login(options: argparse.Namespace) -> int:
    from tradebot.cli.login import login

    return login(options)


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


def _report(options: argparse.Namespace) -> int:
    from tradebot.cli.report import report

    return report(options)


def _exchange(options: argparse.Namespace) -> int:
    from tradebot.cli.exchange import exchange

    return exchange(options)
