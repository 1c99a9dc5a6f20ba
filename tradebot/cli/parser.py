"""What can be typed: every command with its options, family by family."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tradebot import __version__
from tradebot.cli.typed.access import add_config, add_tokens
from tradebot.cli.typed.books import add_ids, add_storage
from tradebot.cli.typed.control import add_care, add_control
from tradebot.cli.typed.evidence import add_evidence
from tradebot.cli.typed.exchange import add_exchange
from tradebot.cli.typed.orders import add_orders
from tradebot.cli.typed.running import add_replay, add_run_options

_FAMILIES = (
    add_replay,
    add_orders,
    add_control,
    add_config,
    add_tokens,
    add_storage,
    add_ids,
    add_care,
    add_evidence,
    add_exchange,
)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options, with the function to call as `command`; exits with 2 and the usage when they make no sense."""
    parser = argparse.ArgumentParser(
        prog="main.py",
        description="tradebot places and follows orders for Indian equities: never twice, never lost.",
        epilog="Without a command it runs what config/tradebot.toml says: on a fresh clone, one day of the seeded"
        " market. Exit codes are in docs/operating.md.",
    )
    parser.add_argument("--version", action="version", version=f"tradebot {__version__}")
    add_run_options(parser)
    parser.set_defaults(is_replay=False)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for add in _FAMILIES:
        add(commands)
    _say_what_for(parser)
    return parser.parse_args(arguments)


def _say_what_for(parser: argparse.ArgumentParser) -> None:
    """The help of a command begins with the words that the list of commands has for it."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            words = {listed.dest: listed.help for listed in action._choices_actions}
            for name, command in action.choices.items():
                command.description = command.description or _sentence(words.get(name) or "")
                _say_what_for(command)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
