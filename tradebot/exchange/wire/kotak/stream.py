"""Kotak's order feed: a first frame that says who it is, then order and position events as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from tradebot.exchange.picture import Picture
from tradebot.exchange.rows import OrderUpdate, PositionRow
from tradebot.exchange.wire.kotak.rows import KotakRows
from tradebot.exchange.wire.messages import Frame, json_bytes, json_object

_RAW = re.compile(r"\{type:cn,Authorization:(?P<token>[^,}]*),Sid:(?P<sid>[^,}]*)(,src:[^}]*)?\}")
_IS_ALIVE = ("ping", "hb")


class KotakStream:
    """Nothing is told before the first frame was right: the raw text of the client, or the same as JSON."""

    def __init__(
        self, rows: KotakRows, is_known: Callable[[str, str], bool], position: Callable[[str], PositionRow | None]
    ) -> None:
        """`position` is today's trades of a symbol."""
        self._rows = rows
        self._position = position
        self._is_known = is_known
        self._is_open = False

    def hear(self, text: str) -> Sequence[Frame]:
        if self._is_open or text.strip().lower() in _IS_ALIVE:
            return []
        token, sid = _who(text)
        if token is None or sid is None:
            return [_text({"ak": "nk", "type": "cn", "msg": "invalid request format"})]
        self._is_open = self._is_known(token, sid)
        if not self._is_open:
            return [_text({"ak": "nk", "type": "cn", "msg": "Authentication Failed"})]
        return [_text({"ak": "ok", "type": "cn", "task": "cn", "msg": "connected"})]

    def told(self, update: OrderUpdate) -> Sequence[Frame]:
        if not self._is_open:
            return []
        told = [_text({"type": "order", "data": self._rows.order(update.order)})]
        position = self._position(update.order.symbol) if update.trades else None
        if position is not None:
            told.append(_text({"type": "position", "data": self._rows.position(position)}))
        return told

    @property
    def is_watching(self) -> bool:
        return False

    def ticks(self, picture: Callable[[str], Picture | None]) -> Frame | None:
        """The market feed is another one, and not offered."""
        del picture
        return None

    def heartbeat(self) -> Frame | None:
        return None


def _who(text: str) -> tuple[str | None, str | None]:
    raw = _RAW.fullmatch(text.strip())
    if raw is not None:
        return raw["token"], raw["sid"]
    try:
        data = json_object(text)
    except ValueError:
        return None, None
    return _word(data.get("Authorization")), _word(data.get("Sid"))


def _word(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _text(data: object) -> str:
    return json_bytes(data).decode()
