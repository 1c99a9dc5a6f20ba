"""Both faces of one small exchange, with clients that are logged in, and no sockets."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from tests.unit.exchange.builders import ME, MON, at
from tradebot.exchange.dial_box import AnyDial
from tradebot.exchange.exchange import Exchange
from tradebot.exchange.wire.directory import Directory
from tradebot.exchange.wire.kite.face import KiteFace
from tradebot.exchange.wire.kite.sessions import KiteApp, KiteSessions
from tradebot.exchange.wire.kotak.face import KotakFace
from tradebot.exchange.wire.kotak.sessions import CODE_LIVES_S, KotakApp, KotakSessions, one_time_code
from tradebot.exchange.wire.messages import Answer, NoAnswer, Request, Response
from tradebot.exchange.wire.rates import Rates
from tradebot.venue.settings import ClockKind
from tradebot.venue.time import venue_time
from tradebot.venue.venue import Venue

SEED = 7
MORNING = at(MON, "10:00")


class StillClock:
    def now(self) -> datetime:
        return MORNING

    def monotonic(self) -> float:
        return 0.0


class House:
    """A venue on a driven clock with both faces; `turn` sets the dials, `run_to` the time."""

    def __init__(self, exchange: Exchange, *, kite_rates: Rates | None = None) -> None:
        time = venue_time(ClockKind.DRIVEN, 1.0, exchange.now, StillClock())
        self.venue = Venue(exchange, account_id=ME, seed=SEED, time=time)
        directory = Directory({name: exchange._market.facts.instruments[name] for name in ("ABC", "DEF", "FUT", "ETF")})
        self.kite = KiteFace(
            self.venue.edge,
            ME,
            sessions=KiteSessions(KiteApp(), SEED),
            directory=directory,
            rates=kite_rates,
            rate_clock=lambda: exchange.now,
        )
        self.kotak = KotakFace(
            self.venue.edge,
            ME,
            sessions=KotakSessions(KotakApp(), SEED, (lambda: exchange.now,)),
            directory=directory,
            rates=None,
            rate_clock=lambda: exchange.now,
        )

    def turn(self, *dials: AnyDial) -> None:
        self.venue.turn_dials(dials)

    def run_to(self, instant: datetime) -> None:
        self.venue.drive(instant)
        while not self.venue.catch_up():
            pass

    def struck(self) -> set[str]:
        return {incident.dial for incident in self.venue.incidents}


class KiteClient:
    def __init__(self, house: House) -> None:
        self.house = house
        self.log_in()

    def log_in(self) -> None:
        app = self.house.kite.sessions.app
        token = self.house.kite.sessions.request_token(self.house.venue.exchange.now)
        checksum = hashlib.sha256(f"{app.api_key}{token}{app.api_secret}".encode()).hexdigest()
        form = {"api_key": app.api_key, "request_token": token, "checksum": checksum}
        answer = self._handle("POST", "/session/token", urlencode(form).encode(), {})
        assert isinstance(answer, Response)
        self.token = json.loads(answer.body)["data"]["access_token"]

    def ask(self, method: str, path: str, **form: object) -> Answer:
        headers = {"authorization": f"token {self.house.kite.sessions.app.api_key}:{self.token}"}
        return self._handle(method, path, urlencode(form).encode(), headers)

    def place(self, variety: str = "regular", **changes: object) -> Answer:
        form = {
            "exchange": "NSE",
            "tradingsymbol": "ABC",
            "transaction_type": "BUY",
            "quantity": 10,
            "product": "CNC",
            "order_type": "LIMIT",
            "price": "95",
            "tag": "T1",
        } | changes
        return self.ask("POST", f"/orders/{variety}", **form)

    def placed(self, variety: str = "regular", **changes: object) -> str:
        return str(read(self.place(variety, **changes))["data"]["order_id"])

    def book(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = read(self.ask("GET", "/orders"))["data"]
        return found

    def status(self, order_id: str) -> str:
        return next(str(row["status"]) for row in self.book() if row["order_id"] == order_id)

    def _handle(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        self.house.venue.catch_up()
        answer = self.house.kite.handle(Request(method=method, path=path, body=body, headers=headers))
        self.house.venue.catch_up()
        return answer


class KotakClient:
    def __init__(self, house: House) -> None:
        self.house = house
        app, now = house.kotak.sessions.app, house.venue.exchange.now
        code = one_time_code(app.totp_secret, int(now.timestamp()) // CODE_LIVES_S)
        data = {"mobileNumber": app.mobile, "ucc": app.ucc, "totp": code}
        self.headers = {"authorization": app.access_token}
        self._step("tradeApiLogin", data)
        self._step("tradeApiValidate", {"mpin": app.mpin})

    def ask(self, method: str, path: str, **data: str) -> Answer:
        body = urlencode({"jData": json.dumps(data)}).encode() if method == "POST" else b""
        return self.house.kotak.handle(Request(method=method, path=path, body=body, headers=self.headers))

    def place(self, **changes: str) -> Answer:
        data = {
            "am": "NO",
            "dq": "0",
            "es": "nse_cm",
            "mp": "0",
            "pc": "CNC",
            "pr": "95",
            "pt": "L",
            "qt": "10",
            "rt": "DAY",
            "tp": "0",
            "ts": "ABC-EQ",
            "tt": "B",
            "ig": "T1",
            "os": "NEOTRADEAPI",
        } | changes
        return self.ask("POST", "/quick/order/rule/ms/place", **data)

    def _step(self, name: str, data: dict[str, str]) -> None:
        request = Request(
            method="POST", path=f"/login/1.0/{name}", body=json.dumps(data).encode(), headers=self.headers
        )
        session = read(self.house.kotak.handle(request))["data"]
        self.headers |= {"auth": session["token"], "sid": session["sid"]}


def read(answer: Answer) -> dict[str, Any]:
    assert isinstance(answer, Response), answer
    data: dict[str, Any] = json.loads(answer.body)
    return data


def refusal(answer: Answer) -> tuple[int, str]:
    """HTTP status and error type of Kite's refusal."""
    assert isinstance(answer, Response), answer
    return answer.status, read(answer)["error_type"]


def is_lost(answer: Answer) -> bool:
    return isinstance(answer, NoAnswer)
