"""`main.py replay sessions/NAME` and `main.py what-if sessions/NAME`: a recorded session through today's code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping

from config.settings import KEYS
from tradebot.app.session_replay import CannotBeReplayed, Said, compare
from tradebot.app.session_report import NoSession, find_session
from tradebot.app.what_if import Changed, WhatIf, what_if
from tradebot.cli.exit_codes import ExitCode
from tradebot.interfaces.text.comparison import difference_line, no_difference
from tradebot.interfaces.text.table import table


def replay_session(options: argparse.Namespace) -> int:
    """Says "no difference", or the first decision that differs, as it was and as it is."""
    try:
        session = find_session(options.home.absolute(), options.session)
        found = compare(session, options.config.absolute().parent, _wanted(options))
    except (NoSession, CannotBeReplayed, UnknownKey) as error:
        return _refuse(error)
    if found.difference is None:
        print(no_difference(found.compared, found.messages, is_cut=found.is_cut))
        return ExitCode.OK
    print(f"decision {found.difference.number:,} is the first that differs")
    print(difference_line("recorded", _parts(found.difference.recorded)))
    print(difference_line("today", _parts(found.difference.today)))
    return ExitCode.DIFFERS


def ask_what_if(options: argparse.Namespace) -> int:
    """How many entries the other thresholds would have blocked or let through, and the slippage of those."""
    try:
        wanted = _wanted(options)
        if not wanted:
            raise UnknownKey("name at least one threshold, such as --max-spread-bps 8")
        session = find_session(options.home.absolute(), options.session)
        found = what_if(session, options.config.absolute().parent, wanted)
    except (NoSession, CannotBeReplayed, UnknownKey) as error:
        return _refuse(error)
    print("\n".join(_told(found, wanted)))
    return ExitCode.OK


class UnknownKey(Exception):
    """What was named is no key of the configuration."""


def _wanted(options: argparse.Namespace) -> Mapping[str, str]:
    """The keys with other values. Raises UnknownKey."""
    named = {
        "MAX_SPREAD_BPS_ENTRY": getattr(options, "max_spread_bps", None),
        "DEPTH_MIN_NOTIONAL": getattr(options, "depth_min_notional", None),
        "MAX_SLIPPAGE_BPS_ENTRY": getattr(options, "max_slippage_bps", None),
    }
    wanted = {name: value for name, value in named.items() if value is not None}
    for pair in options.set or ():
        name, _, value = pair.partition("=")
        if name not in KEYS.by_name:
            raise UnknownKey(f"{name} is no key; `main.py config show` has them all")
        wanted[name] = value
    return wanted


def _parts(said: Said | None) -> tuple[str, str, str, Mapping[str, object]] | None:
    return None if said is None else (said.at, said.name, said.message, said.fields)


def _told(found: WhatIf, wanted: Mapping[str, str]) -> list[str]:
    lines = [
        f"with {', '.join(f'{name} = {value}' for name, value in wanted.items())}:",
        f"entries judged    {found.entries} ({found.placed} placed; {found.not_evaluated} at night, without a book)",
        f"blocked           {len(found.blocked)} that were placed",
        f"let through       {len(found.let_through)} that were blocked",
        f"slippage saved    Rs {found.rupees_saved:,.2f} on what was filled of those blocked",
        f"slippage added    Rs {found.rupees_spent:,.2f} (estimate: the book of then, walked for the whole size)",
    ]
    changed = [("blocked", one) for one in found.blocked] + [("let through", one) for one in found.let_through]
    if changed:
        lines += ["", table(("", "symbol", "guard", "bps", "rupees", ""), [_row(word, one) for word, one in changed])]
    lines += [
        "",
        "An entry that never was has no fills: its figures are estimates, and what it would have led to is not",
    ]
    lines += ["known. Risk limits are judged with the other entries as these thresholds would have let them stand."]
    return lines


def _row(word: str, one: Changed) -> tuple[str, ...]:
    bps = "" if one.slippage_bps is None else f"{one.slippage_bps:.2f}"
    rupees = "not filled" if one.rupees is None else f"{one.rupees:,.2f}"
    return (
        word,
        one.symbol,
        ", ".join(dict.fromkeys(one.reasons)),
        bps,
        rupees,
        "estimate" if one.is_estimate else "real fills",
    )


def _refuse(error: Exception) -> int:
    print(f"tradebot: {error}", file=sys.stderr)
    return ExitCode.USAGE
