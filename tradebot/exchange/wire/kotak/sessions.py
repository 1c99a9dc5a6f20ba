"""Who is logged in at Kotak: a one-time code gives a view token, the MPIN makes a trade token of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tradebot.exchange.wire.kite.sessions import flush_after

CODE_LIVES_S = 30
_SESSIONS_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class KotakApp:
    """A registered application and its user. `totp_secret` is base32; what it makes is typed from a phone."""

    access_token: str = "neotoken"
    mobile: str = "+919999999999"
    ucc: str = "ABCDE"
    totp_secret: str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    mpin: str = "123456"


@dataclass(frozen=True, slots=True)
class Session:
    token: str
    sid: str
    since: datetime


class KotakSessions:
    """The last few sessions of each kind; all of them die at the flush of about 06:00 IST.

    `clocks` are the clocks by which a code may have been made: the exchange's, and that of the machine.
    """

    def __init__(self, app: KotakApp, seed: int, clocks: Sequence[Callable[[], datetime]]) -> None:
        self.app = app
        self._seed = seed
        self._clocks = clocks
        self._serial = 0
        self._view: list[Session] = []
        self._trade: list[Session] = []

    def is_code(self, code: str) -> bool:
        """Whether the one-time code is that of now, or of half a minute before or after."""
        steps = {int(clock().timestamp()) // CODE_LIVES_S + step for clock in self._clocks for step in (-1, 0, 1)}
        return any(hmac.compare_digest(one_time_code(self.app.totp_secret, step), code) for step in steps)

    def open_view(self, at: datetime) -> Session:
        return self._open(self._view, "view", at)

    def open_trade(self, at: datetime) -> Session:
        return self._open(self._trade, "trade", at)

    def is_viewing(self, token: str, sid: str, at: datetime) -> bool:
        return _has(self._view, token, sid, at)

    def is_trading(self, token: str, sid: str, at: datetime) -> bool:
        return _has(self._trade, token, sid, at)

    def end(self) -> None:
        """Every session is dead."""
        self._view.clear()
        self._trade.clear()

    def saved(self) -> dict[str, Any]:
        """What `restore` goes on from; a login that was half done is begun anew."""
        trade = [[session.token, session.sid, session.since.isoformat()] for session in self._trade]
        return {"serial": self._serial, "trade": trade}

    def restore(self, saved: Mapping[str, Any]) -> None:
        self._serial = int(saved["serial"])
        self._trade = [Session(token, sid, datetime.fromisoformat(since)) for token, sid, since in saved["trade"]]

    def _open(self, sessions: list[Session], kind: str, at: datetime) -> Session:
        self._serial += 1
        words = f"{self._seed}|{kind}|{self.app.ucc}|{at.isoformat()}|{self._serial}"
        digest = hashlib.blake2b(words.encode(), digest_size=24).hexdigest()
        session = Session(token=digest[:32], sid=digest[32:], since=at)
        sessions.append(session)
        del sessions[:-_SESSIONS_MAX]
        return session


def one_time_code(secret: str, step: int) -> str:
    """Six digits of the half minute `step` (RFC 6238)."""
    key = base64.b32decode(secret, casefold=True)
    digest = hmac.new(key, struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def _has(sessions: Sequence[Session], token: str, sid: str, at: datetime) -> bool:
    return any(s.token == token and s.sid == sid and at < flush_after(s.since) for s in sessions)
