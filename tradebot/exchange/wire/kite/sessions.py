"""Who is logged in at Kite: request tokens that work once, and one access token that dies at six in the morning."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from hmac import compare_digest
from typing import Any

from tradebot.domain.calendar import ist, ist_date

FLUSHED_AT = time(6, 0)
REQUEST_TOKEN_LIVES = timedelta(minutes=10)
_REQUEST_TOKENS_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class KiteApp:
    """A registered app and its user. `api_secret` never travels: it is in the checksum alone."""

    api_key: str = "kitekey"
    api_secret: str = "kitesecret"
    user_id: str = "AB1234"
    redirect_url: str = "http://127.0.0.1/"
    app_id: int = 1234


@dataclass(frozen=True, slots=True, kw_only=True)
class _Access:
    token: str
    since: datetime


class KiteSessions:
    """A new access token kills the one before; so do the logout and the flush of about 06:00 IST."""

    def __init__(self, app: KiteApp, seed: int, request_token_lives: timedelta = REQUEST_TOKEN_LIVES) -> None:
        self.app = app
        self._request_token_lives = request_token_lives
        self._seed = seed
        self._serial = 0
        self._asked: dict[str, datetime] = {}
        self._access: _Access | None = None

    def request_token(self, at: datetime) -> str:
        """What the browser is sent back with after a login; at most 20 wait to be exchanged."""
        token = self._new_token("request", at)
        self._asked[token] = at
        while len(self._asked) > _REQUEST_TOKENS_MAX:
            del self._asked[next(iter(self._asked))]
        return token

    def open(self, api_key: str, request_token: str, checksum: str, at: datetime) -> str | None:
        """The access token for a request token, or None where token or checksum (SHA-256 of key, request token and
        secret) are not right."""
        expected = hashlib.sha256(f"{self.app.api_key}{request_token}{self.app.api_secret}".encode()).hexdigest()
        asked_at = self._asked.pop(request_token, None)
        if asked_at is None or at - asked_at > self._request_token_lives:
            return None
        if api_key != self.app.api_key or not compare_digest(expected, checksum):
            return None
        self._access = _Access(token=self._new_token("access", at), since=at)
        return self._access.token

    def is_alive(self, api_key: str, access_token: str, at: datetime) -> bool:
        access = self._access
        if access is None or api_key != self.app.api_key or access.token != access_token:
            return False
        return at < flush_after(access.since)

    def end(self) -> None:
        """Logged out, by whoever: the token is dead."""
        self._access = None

    def saved(self) -> dict[str, Any]:
        """What `restore` goes on from; request tokens are not in it."""
        access = self._access
        found = None if access is None else [access.token, access.since.isoformat()]
        return {"serial": self._serial, "access": found}

    def restore(self, saved: Mapping[str, Any]) -> None:
        self._serial = int(saved["serial"])
        found = saved["access"]
        self._access = _Access(token=found[0], since=datetime.fromisoformat(found[1])) if found else None

    def _new_token(self, kind: str, at: datetime) -> str:
        self._serial += 1
        words = f"{self._seed}|{kind}|{self.app.api_key}|{at.isoformat()}|{self._serial}"
        return hashlib.blake2b(words.encode(), digest_size=16).hexdigest()


def flush_after(at: datetime) -> datetime:
    """When a session that began at `at` ends at the latest: all brokers log everybody out before the next day."""
    today = ist(ist_date(at), FLUSHED_AT)
    return today if at < today else ist(ist_date(at) + timedelta(days=1), FLUSHED_AT)
