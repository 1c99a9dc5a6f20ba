"""The login at Kotak Neo: a time-based password opens a view, the MPIN makes it a session that may trade."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pyotp

from tradebot.adapters.brokers.http import Http, NotSent, Request
from tradebot.adapters.brokers.kotak.refusals import refusal
from tradebot.adapters.brokers.session_file import Session, SessionFile
from tradebot.domain.errors import BrokerError, BrokerUnavailable, OutcomeUnknown, SessionExpired
from tradebot.ports import Clock

_TOKEN, _SID, _BASE, _LOGIN = "token", "sid", "base_url", "login_url"


@dataclass(frozen=True, slots=True, kw_only=True)
class KotakAccount:
    """What the operator got from Kotak. With a TOTP seed the login needs nobody; whoever stores it bears that risk."""

    access_token: str = field(repr=False)
    mobile: str = field(repr=False)
    client_code: str
    mpin: str = field(repr=False)
    totp_seed: str = field(repr=False)
    login_url: str = "https://mis.kotaksecurities.com"


class KotakSession:
    """The trade token of the day and the address that goes with it, which is read anew at each login."""

    def __init__(
        self, account: KotakAccount, http: Http, file: SessionFile, *, clock: Clock, real: Clock, secure_only: bool
    ) -> None:
        """`clock` is the daemon's, `real` the machine's, which the time-based password follows as a phone does.
        `secure_only` refuses an address without TLS."""
        self._account = account
        self._http = http
        self._file = file
        self._clock = clock
        self._real = real
        self._secure_only = secure_only
        self._lock = threading.Lock()
        found = file.read()
        # A session belongs to the place of its login: at another one its address may be anybody's.
        is_of_here = found is not None and found.tokens.get(_LOGIN) == account.login_url
        self._session = found if is_of_here else None

    @property
    def token(self) -> str:
        return self._of(_TOKEN)

    @property
    def sid(self) -> str:
        return self._of(_SID)

    @property
    def session(self) -> Session | None:
        return self._session

    @property
    def login_address(self) -> str:
        return self._account.login_url

    def base_url(self) -> str:
        """Raises SessionExpired when there is no session and no login works."""
        if not self.token and not self.renew(""):
            raise SessionExpired("no session, and no new login was possible")
        return self._of(_BASE)

    def headers(self) -> dict[str, str]:
        """Of every call to the address of the session."""
        return {
            "Auth": self.token,
            "Sid": self.sid,
            "Authorization": self._account.access_token,
            "neo-fin-key": "neotradeapi",
            "accept": "application/json",
        }

    def quote_headers(self) -> dict[str, str]:
        return {"Authorization": self._account.access_token}

    def login(self) -> Session:
        """Both steps. Raises the errors of `domain.errors.BrokerError`."""
        code = pyotp.TOTP(self._account.totp_seed).at(self._real.now())
        view = self._step(
            "tradeApiLogin",
            {},
            {"mobileNumber": self._account.mobile, "ucc": self._account.client_code, "totp": code},
        )
        trade = self._step(
            "tradeApiValidate",
            {"sid": str(view["sid"]), "Auth": str(view["token"])},
            {"mpin": self._account.mpin},
        )
        session = self._session_of(trade, self._clock.now())
        self._file.write(session)
        self._session = session
        return session

    def renew(self, dead: str) -> bool:
        """One new login, by whichever thread comes first."""
        with self._lock:
            if self.token != dead:
                return True
            try:
                self.login()
            except BrokerError:
                return False
            return True

    def is_alive(self) -> bool:
        """Ask for the limits, which needs the order session. Raises BrokerError when it cannot be found out."""
        base = self._of(_BASE)
        if not base:
            return self.renew("")
        dead = self.token
        request = Request(method="GET", url=f"{base}/quick/user/orders", headers=self.headers())
        try:
            error = refusal(self._http.call(request))
        except NotSent:
            # The address may have changed since the login, which alone tells the new one.
            return self.renew(dead)
        if isinstance(error, SessionExpired):
            return self.renew(dead)
        if isinstance(error, OutcomeUnknown | BrokerUnavailable):
            raise error
        return True

    def client_ip(self) -> str:
        """The address that Kotak sees. Raises BrokerError."""
        url = f"{self.base_url()}/login/1.0/get-client-ip"
        request = Request(method="GET", url=url, headers=self.headers())
        return str(self._data(request)[0]["ip"])

    def _of(self, name: str) -> str:
        session = self._session
        return session.tokens.get(name, "") if session is not None else ""

    def _step(self, name: str, headers: Mapping[str, str], body: Mapping[str, object]) -> Mapping[str, Any]:
        data = self._data(
            Request(
                method="POST",
                url=f"{self._account.login_url}/login/1.0/{name}",
                headers=self._login_headers(headers),
                json=body,
            )
        )
        if not isinstance(data, dict) or "token" not in data:
            raise OutcomeUnknown(f"{name}: an answer without a token")
        return data

    def _data(self, request: Request) -> Any:
        """Every error of a login is one answer: there is no session."""
        answer = self._http.call(request)
        if (error := refusal(answer)) is not None:
            raise error
        body = answer.json()
        if "data" not in body:
            raise OutcomeUnknown("an answer without data")
        return body["data"]

    def _login_headers(self, more: Mapping[str, str]) -> dict[str, str]:
        return {"Authorization": self._account.access_token, "neo-fin-key": "neotradeapi", **more}

    def _session_of(self, trade: Mapping[str, Any], at: datetime) -> Session:
        base = str(trade["baseUrl"]).rstrip("/")
        if self._secure_only and urlsplit(base).scheme != "https":
            raise OutcomeUnknown(f"the address of the session is not secure: {base}")
        tokens = {
            _TOKEN: str(trade["token"]),
            _SID: str(trade["sid"]),
            _BASE: base,
            _LOGIN: self._account.login_url,
        }
        return Session(account=self._account.client_code, began=at, tokens=tokens)
