"""Order events that are posted to an app's address, as Kite does it: signed, once, and never tried again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import requests

from tradebot.exchange.rows import OrderUpdate

WAITING_MAX = 1000
ANSWERS_WITHIN_S = 5.0

_LOG = logging.getLogger(__name__)


class Postbacks:
    """A bounded queue in front of an address that may be slow or gone; what finds it full is not posted."""

    def __init__(self, url: str, body: Callable[[OrderUpdate], bytes]) -> None:
        self._url = url
        self._body = body
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(WAITING_MAX)

    def tell(self, update: OrderUpdate) -> None:
        try:
            self._waiting.put_nowait(self._body(update))
        except asyncio.QueueFull:
            _LOG.warning("a postback was left out: %s is too slow", self._url)

    async def run(self) -> None:
        """One after the other, until it is cancelled."""
        with requests.Session() as session:
            session.trust_env = False
            while True:
                body = await self._waiting.get()
                await asyncio.to_thread(self._post, session, body)

    def _post(self, session: requests.Session, body: bytes) -> None:
        headers = {"content-type": "application/json"}
        try:
            session.post(self._url, data=body, headers=headers, timeout=ANSWERS_WITHIN_S, allow_redirects=False)
        except requests.RequestException as problem:
            _LOG.warning("a postback did not arrive: %s", type(problem).__name__)
