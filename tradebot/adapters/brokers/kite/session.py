"""The login at Kite: a request token from the operator's browser becomes the day's access token."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from tradebot.adapters.brokers.http import Http, Request
from tradebot.adapters.brokers.kite.refusals import refusal
from tradebot.adapters.brokers.session_file import Session, SessionFile
from tradebot.domain.errors import BrokerError, SessionExpired
from tradebot.ports import Clock

LOGIN_PAGE = "https://kite.zerodha.com/connect/login"
_ACCESS = "access_token"


@dataclass(frozen=True, slots=True, kw_only=True)
class KiteApp:
    """The operator's own app, and where its API is. `login_page` is where a person logs in."""

    api_key: str
    api_secret: str = field(repr=False)
    root_url: str = "https://api.kite.trade"
    socket_url: str = "wss://ws.kite.trade"
    login_page: str = LOGIN_PAGE

    @property
    def login_url(self) -> str:
        return f"{self.login_page}?{urlencode({'v': '3', 'api_key': self.api_key})}"


class KiteSession:
    """The access token of the day. Nobody but the operator can get a new one: a dead one is looked up in the file once
    more, where a new login may have left another."""

    def __init__(self, app: KiteApp, http: Http, file: SessionFile, clock: Clock) -> None:
        self.app = app
        self._http = http
        self._file = file
        self._clock = clock
        self._lock = threading.Lock()
        self._session = file.read()

    @property
    def token(self) -> str:
        session = self._session
        return session.tokens.get(_ACCESS, "") if session is not None else ""

    @property
    def session(self) -> Session | None:
        return self._session

    def headers(self) -> dict[str, str]:
        """Of every call. Raises SessionExpired when nobody has logged in."""
        if not self.token and not self.renew(""):
            raise SessionExpired("no login: run `main.py login`")
        return {"X-Kite-Version": "3", "Authorization": f"token {self.app.api_key}:{self.token}"}

    def login(self, request_token: str) -> Session:
        """Exchange the request token of the redirect, once and within minutes. Kills the token before it.

        Raises the errors of `domain.errors.BrokerError`.
        """
        pair = f"{self.app.api_key}{request_token}{self.app.api_secret}"
        form = {
            "api_key": self.app.api_key,
            "request_token": request_token,
            "checksum": sha256(pair.encode()).hexdigest(),
        }
        request = Request(
            method="POST", url=f"{self.app.root_url}/session/token", headers={"X-Kite-Version": "3"}, form=form
        )
        answer = self._http.call(request)
        if (error := refusal(answer)) is not None:
            raise error
        data: dict[str, Any] = answer.json()["data"]
        session = Session(account=data["user_id"], began=self._clock.now(), tokens={_ACCESS: data[_ACCESS]})
        self._file.write(session)
        self._session = session
        return session

    def renew(self, dead: str) -> bool:
        """Whether another token than the dead one is there."""
        with self._lock:
            if self.token != dead:
                return True
            found = self._file.read()
            if found is None or found.tokens.get(_ACCESS, "") == dead:
                return False
            self._session = found
            return True

    def is_alive(self) -> bool:
        """Ask the broker whether the token is good. Raises BrokerError when that cannot be found out."""
        try:
            answer = self._http.call(
                Request(method="GET", url=f"{self.app.root_url}/user/profile", headers=self.headers())
            )
        except SessionExpired:
            return False
        error: BrokerError | None = refusal(answer)
        if isinstance(error, SessionExpired):
            return self.renew(self.token)
        if error is not None:
            raise error
        return True
