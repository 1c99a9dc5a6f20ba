"""`main.py token create|list|revoke`: who may call the HTTP interface, also while tradebot runs."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

from config.loading import load_settings
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.entropy import new_name, new_secret
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.adapters.token_file import TokenFile, TooManyTokens, hashed, token_of
from tradebot.app.http import TOKENS
from tradebot.cli.exit_codes import ExitCode
from tradebot.domain.access import Grant, Scope
from tradebot.interfaces.text.table import table

_WORD = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)


def create(options: argparse.Namespace) -> int:
    """Prints the token, which cannot be shown again: only its hash is kept."""
    settings = load_settings(options.config.absolute().parent, os.environ)
    user_id = options.user or settings.run.user_id
    accounts = tuple((options.accounts or settings.run.account_id).split(","))
    wrong = [word for word in (options.name, user_id, *accounts) if not _WORD.fullmatch(word)]
    if wrong:
        return _refuse(f"{wrong[0]!r}: names, users and accounts are 1 to 32 letters, digits, _ or -")
    scopes = options.scopes.split(",")
    if unknown := [word for word in scopes if word not in list(Scope)]:
        return _refuse(f"{unknown[0]!r} is no scope: read, trade, admin, separated by commas")
    token_id = new_name()
    token = token_of(token_id, new_secret())
    grant = Grant(
        token_id=token_id,
        name=options.name,
        user_id=user_id,
        account_ids=accounts,
        scopes=tuple(scope for scope in Scope if scope in scopes),
        sha256=hashed(token),
        created_at=RealClock().now(),
    )
    try:
        _file(options.home).add(grant)
    except TooManyTokens as cause:
        return _refuse(str(cause))
    print(token)
    print(f"tradebot: this is token {token_id}; it is not shown again", file=sys.stderr)
    return ExitCode.OK


def list_tokens(options: argparse.Namespace) -> int:
    """Every token but its secret, the oldest first."""
    rows = [
        (
            grant.token_id,
            grant.name,
            grant.user_id,
            ",".join(grant.account_ids),
            ",".join(grant.scopes),
            f"{grant.created_at:%Y-%m-%d %H:%M}Z",
        )
        for grant in _file(options.home).grants()
    ]
    print(table(("id", "name", "user", "accounts", "scopes", "created"), rows) if rows else "no token is made")
    return ExitCode.OK


def revoke(options: argparse.Namespace) -> int:
    """Counts for the next request, also of a running tradebot."""
    if not _file(options.home).remove(options.id):
        return _refuse(f"there is no token {options.id}; `main.py token list` shows what there is")
    print(f"token {options.id} is revoked")
    return ExitCode.OK


def _file(home: Path) -> TokenFile:
    return TokenFile(RealDisk(), home.absolute() / TOKENS)


def _refuse(text: str) -> int:
    print(f"tradebot: {text}", file=sys.stderr)
    return ExitCode.USAGE
