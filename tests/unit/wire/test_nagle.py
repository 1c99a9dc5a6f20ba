"""Both of our servers say that their socket is TCP: else asyncio leaves Nagle's algorithm on, at 40 ms an answer."""

from __future__ import annotations

import socket

from tradebot.interfaces.api.server import _listen
from tradebot.venue.server import _listening


def test_the_exchange_answers_without_waiting_for_acknowledgements() -> None:
    with _listening(0) as listening:
        assert listening.proto == socket.IPPROTO_TCP


def test_the_api_answers_without_waiting_for_acknowledgements() -> None:
    with _listen("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP
