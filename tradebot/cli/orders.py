"""`main.py orders`: what the database knows, in words, and what the daemon is asked to do with an order."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation

from config.loading import load_settings
from config.problems import ConfigError
from tradebot.adapters.storage.order_reader import ROWS_MAX, OrderReader
from tradebot.app.configuration import read_market
from tradebot.app.reading import open_reader
from tradebot.cli.commanding import ask, is_running, send
from tradebot.cli.exit_codes import ExitCode
from tradebot.domain.calendar import retry_expiry
from tradebot.domain.order_queries import OrderStory
from tradebot.domain.orders import DecisionId, Order, OrderStatus
from tradebot.engine.commands import CancelOrder, Command, DropOrder, ModifyOrder, ReleaseSymbol, RetryOrder, SweepQueue
from tradebot.interfaces.text.orders import decision_story, order_facts, order_story, orders_table, queue_table


def list_orders(options: argparse.Namespace) -> int:
    """The newest first."""
    status = OrderStatus(options.status) if options.status else None
    with _reader(options) as reader:
        try:
            print(orders_table(reader.orders(status, options.limit)))
        except ValueError as error:
            print(f"tradebot: --limit: {error}", file=sys.stderr)
            return ExitCode.USAGE
    return ExitCode.OK


def show_order(options: argparse.Namespace) -> int:
    """Every field of one order."""
    with _reader(options) as reader:
        story = reader.order(options.id) or _by_decision(reader, options.id)
    if story is None:
        return _unknown(options.id)
    print(order_facts(story.order, story.attempts, story.fills))
    return ExitCode.OK


def explain(options: argparse.Namespace) -> int:
    """What happened to an order, from its decision to its last fill; to a blocked signal, with the figures."""
    with _reader(options) as reader:
        story = reader.order(options.id)
        wanted = story.order.decision_id if story is not None else DecisionId(options.id)
        decisions = reader.decisions(decision_id=wanted) or (
            reader.decisions(symbol=options.id.upper()) if story is None else ()
        )
        stories = (reader.order(decision.order_id) for decision in decisions if decision.order_id is not None)
        orders = {found.order.id: found.order for found in stories if found is not None}
    if story is not None:
        decision = decisions[0] if decisions else None
        print(order_story(story, decision))
        return ExitCode.OK
    if not decisions:
        return _unknown(options.id)
    print(decision_story(decisions, orders))
    return ExitCode.OK


def cancel(options: argparse.Namespace) -> int:
    """Ask for the cancellation of a pending order."""
    reason = f"Manual: {options.reason}"
    return _command(
        options,
        lambda order, command_id: CancelOrder(order_id=order.id, reason=reason, correlation_id=command_id),
        "cancellation asked for",
    )


def modify(options: argparse.Namespace) -> int:
    """Ask for another limit price or quantity of an order that stands."""
    try:
        price = None if options.price is None else Decimal(options.price)
        quantity = None if options.quantity is None else int(options.quantity)
    except (InvalidOperation, ValueError):
        print(f"tradebot: {options.price or ''} {options.quantity or ''}: no number", file=sys.stderr)
        return ExitCode.USAGE
    if price is None and quantity is None:
        print("tradebot: --price or --quantity is needed", file=sys.stderr)
        return ExitCode.USAGE
    return _command(
        options,
        lambda order, command_id: ModifyOrder(
            order_id=order.id, price=price, quantity=quantity, correlation_id=command_id
        ),
        "change asked for",
    )


def drop(options: argparse.Namespace) -> int:
    """Take a failed order out of the retry queue."""
    return _command(
        options, lambda order, command_id: DropOrder(order_id=order.id, correlation_id=command_id), "dropped"
    )


def retry(options: argparse.Namespace) -> int:
    """Try a failed order again."""
    return _command(
        options, lambda order, command_id: RetryOrder(order_id=order.id, correlation_id=command_id), "retry requested"
    )


def release(options: argparse.Namespace) -> int:
    """Let a symbol take entries again that was halted for manual activity."""
    symbol = options.symbol.upper()
    return send(
        options.home.absolute(),
        lambda command_id: ReleaseSymbol(symbol=symbol, correlation_id=command_id),
        f"{symbol} takes entries again",
    )


def queue(options: argparse.Namespace) -> int:
    """The failed orders that can still be tried again; a running daemon first cancels those that cannot."""
    home, folder = options.home.absolute(), options.config.absolute().parent
    market, problems = read_market(folder)
    if market is None:
        raise ConfigError(problems)
    settings = load_settings(folder, os.environ)
    if is_running(home):
        ask(home, lambda command_id: SweepQueue(correlation_id=command_id))
    with _reader(options) as reader:
        failed = reader.orders(OrderStatus.FAILED, ROWS_MAX)
    expiry = settings.policy().times.expiry
    ends = {o.id: retry_expiry(o.first_failed_at or o.created_at, market.calendar, expiry) for o in failed}
    print(queue_table(failed, ends))
    return ExitCode.OK


def _command(options: argparse.Namespace, make: Callable[[Order, str], Command], done: str) -> int:
    with _reader(options) as reader:
        story = reader.order(options.id)
    if story is None:
        return _unknown(options.id)
    order = story.order
    return send(options.home.absolute(), lambda command_id: make(order, command_id), f"order {order.id} {done}")


def _by_decision(reader: OrderReader, wanted: str) -> OrderStory | None:
    """The order of a decision, or the newest one of a symbol."""
    decisions = [*reader.decisions(decision_id=DecisionId(wanted)), *reader.decisions(symbol=wanted.upper())]
    order_id = next((decision.order_id for decision in decisions if decision.order_id is not None), None)
    return reader.order(order_id) if order_id is not None else None


@contextmanager
def _reader(options: argparse.Namespace) -> Iterator[OrderReader]:
    settings = load_settings(options.config.absolute().parent, os.environ)
    with open_reader(settings, options.home.absolute()) as reader:
        yield reader


def _unknown(wanted: str) -> int:
    print(
        f"tradebot: nothing is known of {wanted}; `main.py orders list` shows what there is",
        file=sys.stderr,
    )
    return ExitCode.USAGE
