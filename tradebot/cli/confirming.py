"""The question before live trading: typed on a terminal, or answered beforehand for a service."""

from __future__ import annotations

import sys

from config.problems import ConfigError, Problem
from config.settings import Settings


def confirm(settings: Settings, *, is_told: bool) -> None:
    """Raises ConfigError for anything but a typed yes; nothing was opened before."""
    if is_told:
        return
    if not sys.stdin.isatty():
        said = "mode live asks before it begins, and there is no terminal: add --yes-live where a service starts it"
        raise ConfigError([Problem(place="command line", text=said)])
    where = settings.broker.broker_url or "with real money"
    print(f"Orders go to {settings.broker.broker}, {where}. Type yes to begin: ", end="", flush=True)
    if sys.stdin.readline().strip() != "yes":
        raise ConfigError([Problem(place="terminal", text="not confirmed: nothing was started")])
