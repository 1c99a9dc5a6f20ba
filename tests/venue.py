"""The exchange process for tests: as a process of its own, or in a thread of the test's; see docs/exchange-process.md.

with running_venue(tmp_path / "venue", at="2026-09-16T09:00:00") as venue:
    token = venue.kite_login()
    venue.advance("2026-09-16T09:20:00")
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from tests.simulator.killing import write_market
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.domain.calendar import IST
from tradebot.exchange.dial_box import AnyDial, dial_out
from tradebot.exchange.wire.kite.sessions import KiteApp
from tradebot.exchange.wire.kotak.sessions import CODE_LIVES_S, KotakApp, one_time_code
from tradebot.venue.opening import open_venue
from tradebot.venue.server import Server, ServerThread
from tradebot.venue.settings import ClockKind, VenueSettings

ROOT = Path(__file__).resolve().parents[1]
OPENING = "2026-09-16T09:00:00"
ANSWERS_WITHIN_S = 60.0
ENDS_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KotakSession:
    token: str
    sid: str
    base_url: str


@dataclass
class Venue:
    """A running exchange and the way to drive it."""

    url: str
    state: Path
    process: subprocess.Popen[str] | None = None
    app: KiteApp = field(default_factory=KiteApp)
    kotak: KotakApp = field(default_factory=KotakApp)

    @property
    def ws_url(self) -> str:
        return self.url.replace("http", "ws", 1)

    def admin(self, method: str, path: str = "", data: object = None) -> Any:
        """The admin endpoint's answer; AssertionError with its reason for a refusal."""
        answer = requests.request(method, f"{self.url}/admin{path}", json=data, timeout=ANSWERS_WITHIN_S)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @property
    def now(self) -> datetime:
        return datetime.fromisoformat(self.admin("GET")["now"])

    def advance(self, to: str | datetime) -> None:
        """Drive the clock; a text without a zone is IST."""
        at = datetime.fromisoformat(to) if isinstance(to, str) else to
        at = at if at.tzinfo else at.replace(tzinfo=IST)
        self.admin("POST", "/advance", {"to": at.isoformat()})

    def turn(self, *dials: AnyDial) -> None:
        """From now on these fault dials and no others."""
        self.admin("PUT", "/dials", {"dials": [dial_out(dial) for dial in dials]})

    def incidents(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.admin("GET", "/incidents")
        return found

    def books(self) -> list[dict[str, Any]]:
        """Every order with its trades, as docs/exchange-books.md describes them."""
        found: list[dict[str, Any]] = self.admin("GET", "/books")
        return found

    def place_by_hand(self, **fields: object) -> str:
        """An order that no program placed; the fields are those of Kite's form, with its `variety`."""
        answer = requests.post(f"{self.url}/admin/orders", data=fields, timeout=ANSWERS_WITHIN_S)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["order_id"])

    def kite_login(self) -> str:
        """The whole login as a browser and an app do it; answers the access token."""
        page = requests.get(
            f"{self.url}/connect/login",
            params={"v": "3", "api_key": self.app.api_key},
            allow_redirects=False,
            timeout=ANSWERS_WITHIN_S,
        )
        request_token = parse_qs(urlsplit(page.headers["location"]).query)["request_token"][0]
        signed = f"{self.app.api_key}{request_token}{self.app.api_secret}"
        form = {
            "api_key": self.app.api_key,
            "request_token": request_token,
            "checksum": hashlib.sha256(signed.encode()).hexdigest(),
        }
        answer = requests.post(f"{self.url}/session/token", data=form, timeout=ANSWERS_WITHIN_S)
        return str(answer.json()["data"]["access_token"])

    def kotak_login(self) -> KotakSession:
        """Both steps of the login, with the code that a phone would show now."""
        headers = {"Authorization": self.kotak.access_token, "neo-fin-key": "neotradeapi"}
        code = one_time_code(self.kotak.totp_secret, int(RealClock().now().timestamp()) // CODE_LIVES_S)
        view = self._login_step(
            "tradeApiLogin", headers, {"mobileNumber": self.kotak.mobile, "ucc": self.kotak.ucc, "totp": code}
        )
        headers |= {"Auth": view["token"], "sid": view["sid"]}
        trade = self._login_step("tradeApiValidate", headers, {"mpin": self.kotak.mpin})
        return KotakSession(token=trade["token"], sid=trade["sid"], base_url=trade["baseUrl"])

    def _login_step(self, name: str, headers: Mapping[str, str], data: Mapping[str, str]) -> Any:
        url = f"{self.url}/login/1.0/{name}"
        answer = requests.post(url, headers=dict(headers), json=data, timeout=ANSWERS_WITHIN_S)
        return answer.json()["data"]

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(ENDS_WITHIN_S)


@contextmanager
def running_venue(
    state: Path, *options: str, at: str = OPENING, clock: str = "driven", seed: int = 1, prefix: Sequence[str] = ()
) -> Iterator[Venue]:
    """`python main.py exchange` on a free port; `options` are further ones of its command line, `prefix` are words
    before it."""
    command = [
        *prefix,
        *(sys.executable, str(ROOT / "main.py"), "exchange"),
        *("--state", str(state), "--port", "0", "--clock", clock, "--seed", str(seed), "--no-warm-up"),
        *(("--at", at) if clock != "real" else ()),
        *options,
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ), cwd=ROOT)
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first.startswith("exchange at "), f"the exchange did not start: {first!r}"
        endpoint: Mapping[str, Any] = _endpoint(state)
        yield Venue(url=str(endpoint["url"]), state=state, process=process)
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=ENDS_WITHIN_S)


@contextmanager
def venue_in_thread(state: Path, *, at: str = OPENING, seed: int = 1, **settings: Any) -> Iterator[Venue]:
    """The same server in a thread of this process, on a driven clock: quicker, and it cannot be killed.

    `settings` are further fields of `VenueSettings`.
    """
    opening = datetime.fromisoformat(at).replace(tzinfo=IST)
    chosen = VenueSettings(
        state=state,
        folder=ROOT,
        clock=ClockKind.DRIVEN,
        opening=opening,
        seed=seed,
        is_durable=False,
        **settings,
    )
    with open_venue(chosen, RealClock()) as opened, ServerThread(Server(opened)) as server:
        yield Venue(url=server.url, state=state, app=chosen.kite)


def _endpoint(state: Path) -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads((state / "endpoint.json").read_text())
    return data


def small_market(folder: Path) -> Path:
    """Bars of a few symbols up to 2026-09-18: the first look at all of them is quicker than in the seeded market."""
    return write_market(folder / "market.csv", date(2026, 8, 24), date(2026, 9, 18))
