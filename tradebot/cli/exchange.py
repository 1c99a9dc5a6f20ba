"""`main.py exchange`: the simulated exchange as a process of its own, with the faces of two brokers."""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from config.problems import ConfigError, Problem
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.cli.exit_codes import ExitCode
from tradebot.cli.stopping import StoppedEarly, Stopping
from tradebot.domain.calendar import IST
from tradebot.exchange.dial_box import AnyDial, dial_in, dial_of
from tradebot.exchange.wire.kite.sessions import KiteApp
from tradebot.exchange.wire.kotak.sessions import KotakApp
from tradebot.venue.opening import open_venue
from tradebot.venue.server import Server
from tradebot.venue.settings import ClockKind, VenueSettings

Given = TypeVar("Given")
Value = TypeVar("Value")

RATE_MAX = 10_000

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def exchange(options: argparse.Namespace) -> int:
    """Serves until it is stopped; the first line says where, the last one that it has ended."""
    settings, stopping = _settings(options), Stopping(lambda: None)
    try:
        with open_venue(settings, RealClock()) as opened:
            server = Server(opened)
            stopping.then(server.stop)
            now = opened.venue.exchange.now.astimezone(IST)
            print(f"exchange at {server.url}, clock {settings.clock}, {now:%Y-%m-%d %H:%M:%S} IST", flush=True)
            print(f"books, faults and endpoint.json are in {settings.state}", flush=True)
            server.run()
    except StoppedEarly:
        pass
    print("exchange stopped; its books are kept")
    return ExitCode.OK


def _settings(options: argparse.Namespace) -> VenueSettings:
    opening = _read("--at", options.at, _instant) if options.at else None
    credentials = _credentials(options.credentials) if options.credentials else {}
    return VenueSettings(
        state=options.state.absolute(),
        folder=options.config.absolute().parent,
        port=options.port,
        clock=ClockKind(options.clock),
        opening=opening,
        rate=_read("--rate", options.rate, _rate),
        seed=options.seed,
        data=Path(options.data).absolute() if options.data else None,
        account_id=options.account,
        cash=_read("--cash", options.cash, _cash),
        amo_broker=options.amo_broker,
        refuses_duplicate_tag=options.refuse_duplicate_tags,
        has_rate_limits=not options.no_rate_limits,
        is_durable=options.durability == "power",
        postback_url=_read("--postback", options.postback, _loopback) if options.postback else "",
        warms_up=not options.no_warm_up,
        dials=_dials(options.dials, options.dial),
        kite=_read("--credentials", credentials.get("kite", {}), lambda table: KiteApp(**table)),
        kotak=_read("--credentials", credentials.get("kotak", {}), lambda table: KotakApp(**table)),
    )


def _dials(file: Path | None, typed: Sequence[str]) -> list[AnyDial]:
    """Those of the file, then those of the command line."""
    found: list[AnyDial] = []
    if file is not None:
        data = _read("--dials", file, lambda path: json.loads(path.read_text())["dials"])
        found += [_read("--dials", entry, dial_in) for entry in data]
    return found + [_read("--dial", text, dial_of) for text in typed]


def _credentials(file: Path) -> dict[str, Any]:
    return _read("--credentials", file, lambda path: tomllib.loads(path.read_text()))


def _read(option: str, given: Given, how: Callable[[Given], Value]) -> Value:
    """Raises ConfigError with the option for what cannot be read."""
    try:
        return how(given)
    except (ValueError, KeyError, TypeError, OSError, InvalidOperation) as problem:
        text = f"{given}: {problem}" if isinstance(given, str | Path) else str(problem)
        raise ConfigError([Problem(place=option, text=text)]) from problem


def _instant(text: str) -> datetime:
    """An instant; without a zone it is IST."""
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=IST)).astimezone(UTC)


def _rate(text: str) -> float:
    rate = float(text)
    if not 0 < rate <= RATE_MAX:
        raise ValueError(f"a rate is above 0 and at most {RATE_MAX}")
    return rate


def _cash(text: str) -> Decimal:
    cash = Decimal(text)
    if not (cash.is_finite() and cash >= 0):
        raise ValueError("cash is a number of rupees, not below 0")
    return cash


def _loopback(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
        raise ValueError("postbacks go to http://127.0.0.1 only")
    return url
