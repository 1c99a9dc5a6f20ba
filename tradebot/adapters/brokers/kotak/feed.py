"""Kotak's order feed: a greeting with the tokens, then updates as JSON."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from urllib.parse import urlsplit

from tradebot.adapters.brokers.kotak.session import KotakSession
from tradebot.adapters.brokers.socket_stream import SocketStream, open_socket
from tradebot.domain.orders import BrokerOrderId


def open_feed(session: KotakSession) -> AbstractContextManager[SocketStream]:
    """The greeting goes out as JSON: the form without quotes that the SDK sends was refused in live tests of others."""
    address = urlsplit(session.base_url())
    scheme = "ws" if address.scheme == "http" else "wss"
    fields = {"type": "cn", "Authorization": session.token, "Sid": session.sid, "src": "WEB"}
    return open_socket(f"{scheme}://{address.netloc}/realtime", {}, [json.dumps(fields)])


def hint_of(frame: str | bytes) -> BrokerOrderId | None:
    """The order of an update; None for acknowledgements, positions and what cannot be read."""
    try:
        found = json.loads(frame)
        return BrokerOrderId(str(found["data"]["nOrdNo"])) if found["type"] == "order" else None
    except (ValueError, KeyError, TypeError):
        return None
