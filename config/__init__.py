"""The operator's settings, the trading calendar and the market rules."""

from __future__ import annotations

import os
from pathlib import Path

from config.problems import ConfigError, Problem

__all__ = ["ConfigError", "Problem", "validate_config_schema"]


def validate_config_schema() -> None:
    """Check everything in this folder, `.env` beside it and the environment; start nothing.

    Raises ConfigError with every problem of the settings and of the market data files.
    """
    # Only here: who wants one of the files needs neither the libraries nor the time that the others take.
    from config.loading import load_settings
    from config.market_rules import MarketDataFileError, load_market

    folder = Path(__file__).parent
    problems: list[Problem] = []
    try:
        load_settings(folder.parent, os.environ)
    except ConfigError as error:
        problems += error.problems
    try:
        load_market(folder / "market")
    except MarketDataFileError as error:
        problems += (
            Problem(place=f"config/market/{found.file}:{found.line or 1}", key=found.key, text=found.text)
            for found in error.problems
        )
    if problems:
        raise ConfigError(problems)
