"""`migrate`, `archive` and `ids`: the care of the database."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tradebot.cli.typed.folders import Commands, add_folders


def add_storage(commands: Commands) -> None:
    _add_migrate(commands.add_parser("migrate", help="bring the database to this code's schema, back, or elsewhere"))
    archive = commands.add_parser("archive", help="move what ended years ago out of the database, into a file")
    archive.add_argument("--before", metavar="DATE", help="YYYY-MM-DD; without it ARCHIVE_AFTER_YEARS counts")
    add_folders(archive)
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
    add_folders(imported)
    imported.set_defaults(command=_import_files)
    copied = commands.add_parser("to", help="copy everything into an empty database elsewhere")
    copied.add_argument("url", help="postgresql+psycopg://user@host/name or sqlite:////path; a password: PGPASSWORD")
    add_folders(copied)
    copied.set_defaults(command=partial(_migrate, "copy_to"))
    for each, name in ((status, "show_status"), (up, "up"), (down, "down"), (validated, "show_validation")):
        add_folders(each)
        each.set_defaults(command=partial(_migrate, name))


def add_ids(above: Commands) -> None:
    parser = above.add_parser("ids", help="what an id leads to, what led nowhere, and the care of the ids")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    found = commands.add_parser("resolve", help="the order that any id of it leads to, with its ids")
    found.add_argument("id", help="order id, lifecycle id, client order id or broker order id")
    dead = commands.add_parser("dead", help="what the broker said, or somebody asked, that led to no order")
    dead.add_argument("--limit", type=int, default=100, metavar="N", help="the newest N")
    check = commands.add_parser("check", help="name everything that must not be")
    count = commands.add_parser("stats", help="how many ids there are, by type and by day")
    migrate = commands.add_parser("migrate", help="give orders that were there before their ids; harmless twice")
    for name, each in (("resolve", found), ("dead", dead), ("check", check), ("count", count), ("migrate", migrate)):
        add_folders(each)
        each.set_defaults(command=_ids, ids_command=name)


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
