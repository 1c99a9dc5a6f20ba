"""Kite's order updates: text frames among the binary ones of the ticker."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from urllib.parse import urlencode

from tradebot.adapters.brokers.kite.session import KiteSession
from tradebot.adapters.brokers.socket_stream import SocketStream, open_socket
from tradebot.domain.errors import SessionExpired
from tradebot.domain.orders import BrokerOrderId


def open_feed(session: KiteSession) -> AbstractContextManager[SocketStream]:
    """Nothing is subscribed: orders are told all the same. Raises SessionExpired before a login."""
    if not session.token and not session.renew(""):
        raise SessionExpired("no login")
    query = urlencode({"api_key": session.app.api_key, "access_token": session.token})
    return open_socket(f"{session.app.socket_url}?{query}", {"X-Kite-Version": "3"})


def hint_of(frame: str | bytes) -> BrokerOrderId | None:
    """The order of an update; None for ticks, heartbeats, messages and what cannot be read."""
    if isinstance(frame, bytes):
        return None
    try:
        found = json.loads(frame)
        return BrokerOrderId(str(found["data"]["order_id"])) if found["type"] == "order" else None
    except (ValueError, KeyError, TypeError):
        return None
