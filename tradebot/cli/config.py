"""`main.py config check|show`: whether the configuration can be used, and what of it counts."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator

from config.kinds import in_file
from config.settings import KEYS, Settings
from tradebot.app.configuration import ConfigSource
from tradebot.cli.exit_codes import ExitCode


def check(options: argparse.Namespace) -> int:
    """Everything that is wrong with settings, market files and strategies, on the error stream; starts nothing."""
    problems = _source(options).problems()
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return ExitCode.CONFIGURATION
    print("Configuration is valid")
    return ExitCode.OK


def show(options: argparse.Namespace) -> int:
    """Every key with its value, where that comes from, and whether a change counts at once. Raises ConfigError."""
    settings = _source(options).settings()
    print("\n".join(_lines(settings)))
    return ExitCode.OK


def _source(options: argparse.Namespace) -> ConfigSource:
    return ConfigSource(folder=options.config.absolute().parent, environ=dict(os.environ))


def _lines(settings: Settings) -> Iterator[str]:
    names = max(len(key.name) for key in KEYS)
    section, effective = "", settings.effective()
    origins = max(len(origin) for _, origin in effective.values())
    for key in KEYS:
        if key.section != section:
            section = key.section
            yield f"[{section}]"
        shown, origin = effective[key.name]
        value = in_file(shown if key.is_secret else settings.in_force(key.name))
        change = "live" if key.live else "restart"
        yield f"{key.name:{names}}  {change:7}  {origin:{origins}}  {value}"
    yield f"hash {settings.hash()}"
