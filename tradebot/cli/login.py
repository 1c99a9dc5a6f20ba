"""`main.py login`: the day's session with the broker, kept in the state folder for the daemon."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from config.kinds import BrokerName
from config.problems import ConfigError, Problem
from config.settings import Settings
from tradebot.adapters.brokers.http import Http
from tradebot.adapters.brokers.session_file import Session
from tradebot.adapters.disk import RealDisk
from tradebot.app.brokers import kite_session, kotak_session, session_path
from tradebot.app.configuration import ConfigSource
from tradebot.app.live import clock_of
from tradebot.cli.exit_codes import ExitCode
from tradebot.domain.calendar import IST


def login(options: argparse.Namespace) -> int:
    """A running daemon takes the new session up by itself. Raises BrokerError and ConfigError."""
    source = ConfigSource(folder=options.config.absolute().parent, environ=dict(os.environ))
    settings, home = source.settings_at_start(), options.home.absolute()
    if settings.broker.broker is BrokerName.PAPER:
        raise ConfigError([Problem(place="broker", text="paper needs no login")])
    disk = RealDisk()
    try:
        session = _session(settings, disk, home, options.request_token)
    finally:
        disk.close()
    at = session.began.astimezone(IST)
    print(f"logged in at {settings.broker.broker} as {session.account}, {at:%Y-%m-%d %H:%M} IST")
    print(f"the session is in {session_path(settings, home)}")
    return ExitCode.OK


def _session(settings: Settings, disk: RealDisk, home: Path, given: str | None) -> Session:
    clock, _ = clock_of(settings)
    http = Http()
    if settings.broker.broker is BrokerName.KOTAK:
        return kotak_session(settings, disk, home, clock, http).login()
    session = kite_session(settings, disk, home, clock, http)
    return session.login(_request_token(given or _asked(session.app.login_url)))


def _asked(login_url: str) -> str:
    if not sys.stdin.isatty():
        said = f"log in at {login_url} and give the request token of the redirect with --request-token"
        raise ConfigError([Problem(place="command line", text=said)])
    print(f"Log in at {login_url}\nthen paste the address to which it led, or its request_token: ", end="", flush=True)
    return sys.stdin.readline().strip()


def _request_token(given: str) -> str:
    """The token itself, or that of the address with which the login ended."""
    found = parse_qs(urlsplit(given).query).get("request_token", [given])[0]
    if not (found.isascii() and found.isalnum()):
        raise ConfigError([Problem(place="--request-token", text="is neither a request token nor an address with one")])
    return found
