"""One WebSocket of Kite: what the client subscribes to, the ticks it gets for that, and the order updates as text."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from tradebot.exchange.picture import Picture
from tradebot.exchange.rows import OrderUpdate
from tradebot.exchange.wire.directory import Directory
from tradebot.exchange.wire.kite.rows import KiteRows, Row
from tradebot.exchange.wire.kite.sessions import KiteApp
from tradebot.exchange.wire.kite.ticks import HEARTBEAT, Mode, frame, packet, tick_of
from tradebot.exchange.wire.messages import Frame, json_bytes, json_object

INSTRUMENTS_MAX = 3000


class KiteStream:
    """Subscriptions of one connection, at most 3000 instruments; an instrument begins in the mode `quote`."""

    def __init__(self, directory: Directory, rows: KiteRows, app: KiteApp) -> None:
        self._directory = directory
        self._rows = rows
        self._app = app
        self._modes: dict[int, Mode] = {}
        self._sent: dict[int, bytes] = {}

    def hear(self, text: str) -> Sequence[Frame]:
        """Take in a frame of the client; what is wrong with it is answered."""
        try:
            message = json_object(text)
            self._do(message["a"], message["v"])
        except (ValueError, KeyError, TypeError) as problem:
            return [_text({"type": "error", "data": f"invalid message: {problem}"})]
        return []

    @property
    def is_watching(self) -> bool:
        return bool(self._modes)

    def ticks(self, picture: Callable[[str], Picture | None]) -> bytes | None:
        """A frame with what changed since the last one; None when nothing did."""
        packets = []
        for token, mode in self._modes.items():
            symbol = self._directory.of_token(token)
            seen = picture(symbol) if symbol else None
            shown = packet(tick_of(token, seen), mode) if seen else None
            if shown is not None and shown != self._sent.get(token):
                self._sent[token] = shown
                packets.append(shown)
        return frame(packets) if packets else None

    def heartbeat(self) -> Frame:
        return HEARTBEAT

    def told(self, update: OrderUpdate) -> Sequence[Frame]:
        return [_text({"type": "order", "data": order_notice(self._rows, self._app, update)})]

    def _do(self, action: object, value: object) -> None:
        match action, value:
            case "subscribe", list():
                self._set(value, Mode.QUOTE)
            case "unsubscribe", list():
                for token in value:
                    self._modes.pop(int(token), None)
                    self._sent.pop(int(token), None)
            case "mode", [str(word), list(tokens)]:
                self._set(tokens, Mode(word))
            case _:
                raise ValueError(f"{action}")

    def _set(self, tokens: Sequence[object], mode: Mode) -> None:
        wanted = {int(str(token)): mode for token in tokens}
        if len(self._modes | wanted) > INSTRUMENTS_MAX:
            raise ValueError(f"more than {INSTRUMENTS_MAX} instruments")
        self._modes.update(wanted)
        for token in wanted:
            self._sent.pop(token, None)


def order_notice(rows: KiteRows, app: KiteApp, update: OrderUpdate, checksum: str = "") -> Row:
    """The body of an order event: a row of the book with the app's own fields. What is not final is called UPDATE,
    whatever changed (kite.trade/docs/connect/v3/postbacks)."""
    row = rows.order(update.order)
    status = row["status"] if update.order.status.is_final else "UPDATE"
    return {
        **row,
        "status": status,
        "user_id": app.user_id,
        "app_id": app.app_id,
        "unfilled_quantity": update.order.remaining,
        "checksum": checksum,
    }


def postback(rows: KiteRows, app: KiteApp, update: OrderUpdate) -> bytes:
    """The same as it is posted to the app's address: signed with SHA-256 of order id, time and secret."""
    row = rows.order(update.order)
    signed = f"{row['order_id']}{row['order_timestamp']}{app.api_secret}"
    return json_bytes(order_notice(rows, app, update, hashlib.sha256(signed.encode()).hexdigest()))


def _text(data: object) -> str:
    return json_bytes(data).decode()
