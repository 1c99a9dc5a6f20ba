"""`orders`: looking at them, and what somebody wants done with one."""

from __future__ import annotations

import argparse

from tradebot.cli.typed.folders import Command, Commands, add_folders
from tradebot.domain.orders import OrderStatus, status_of


def add_orders(above: Commands) -> None:
    parser = above.add_parser("orders", help="look at orders and decisions; change, cancel, retry or drop one")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_looks(commands)
    _add_wishes(commands)


def _add_looks(commands: Commands) -> None:
    listed = commands.add_parser("list", help="the newest orders")
    words = [str(status) for status in OrderStatus]
    listed.add_argument("--status", type=_status, choices=words, help="only those of this status")
    listed.add_argument("--limit", type=int, default=50, metavar="N", help="1 to 1000; 50 without it")
    shown = commands.add_parser("show", help="all facts of one order")
    why = commands.add_parser("why", help="what happened to an order, or to a signal that became none")
    queued = commands.add_parser("queue", help="the failed orders that can still be tried again")
    for of_one in (shown, why):
        of_one.add_argument("id", help="order id, client order id, broker order id, decision id or symbol")
    for each, command in ((listed, _list), (shown, _show), (why, _why), (queued, _queue)):
        _set(each, command)


def _add_wishes(commands: Commands) -> None:
    cancelled = commands.add_parser("cancel", help="cancel a pending order")
    cancelled.add_argument("--reason", default="User cancelled", help="what is written down")
    modified = commands.add_parser("modify", help="give an order that stands another limit price or quantity")
    modified.add_argument("--price", metavar="RUPEES", help="the new limit")
    modified.add_argument("--quantity", metavar="N", help="the new quantity, what is filled included")
    dropped = commands.add_parser("drop", help="take a failed order out of the retry queue")
    retried = commands.add_parser("retry", help="try a failed order again, now or with the next run")
    released = commands.add_parser("release", help="let a symbol take entries that was halted for manual activity")
    released.add_argument("symbol")
    for of_one in (cancelled, modified, dropped, retried):
        of_one.add_argument("id", help="order id, client order id or broker order id")
    for each, command in (
        (cancelled, _cancel),
        (modified, _modify),
        (dropped, _drop),
        (retried, _retry),
        (released, _release_symbol),
    ):
        _set(each, command)


def _set(parser: argparse.ArgumentParser, command: Command) -> None:
    add_folders(parser)
    parser.set_defaults(command=command)


def _status(word: str) -> str:
    """As it is written; what is none is left for the list of choices to refuse."""
    return str(status_of(word)) if word == "canceled" else word


def _list(options: argparse.Namespace) -> int:
    from tradebot.cli.orders import list_orders

    return list_orders(options)


def _show(options: argparse.Namespace) -> int:
    from tradebot.cli.orders import show_order

    return show_order(options)


def _why(options: argparse.Namespace) -> int:
    from tradebot.cli.orders import explain

    return explain(options)


def _queue(options: argparse.Namespace) -> int:
    from tradebot.cli.orders import queue

    return queue(options)


def _cancel(options: argparse.Namespace) -> int:
    from tradebot.cli.orders import cancel

    return cancel(options)


def _modify(options: argparse.Namespace) -> int:
    from tradebot.cli.orders import modify

    return modify(options)


def _drop(options: argparse.Namespace) -> int:
    from tradebot.cli.orders import drop

    return drop(options)


def _retry(options: argparse.Namespace) -> int:
    from tradebot.cli.orders import retry

    return retry(options)


def _release_symbol(options: argparse.Namespace) -> int:
    from tradebot.cli.orders import release

    return release(options)
