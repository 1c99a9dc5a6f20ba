"""`token` and `config`: who may call, and what is in effect."""

from __future__ import annotations

import argparse

from tradebot.cli.typed.folders import Commands, add_folders


def add_tokens(above: Commands) -> None:
    parser = above.add_parser("token", help="who may call the HTTP interface")
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
        add_folders(each)
        each.set_defaults(command=command)


def add_config(above: Commands) -> None:
    parser = above.add_parser("config", help="check the configuration, or show what is in effect")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    check = commands.add_parser("check", help="name everything that is wrong, or nothing")
    show = commands.add_parser("show", help="every key with its value and where it comes from")
    for each, command in ((check, _check_config), (show, _show_config)):
        add_folders(each)
        each.set_defaults(command=command)


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
