"""How many clients may be connected: so few that files and the broker's connection always find a descriptor."""

from __future__ import annotations

import asyncio
import logging
import resource
from typing import Any

KEPT = 64
"""Descriptors for everything that is no client: books, logs, lock, and calls to the broker."""
CONNECTIONS_MAX = 4_096
_FEWEST = 8
_log = logging.getLogger("tradebot.http")


def connections_max() -> int:
    """What the process's limit of open files leaves for clients."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return CONNECTIONS_MAX
    return min(CONNECTIONS_MAX, max(_FEWEST, soft - KEPT))


def bounded(protocol: type[Any], most: int) -> type[Any]:
    """uvicorn's protocol of one connection, which closes what comes beyond `most` before a byte of it is read."""

    class Bounded(protocol):  # type: ignore[misc]
        _is_refused = False

        def connection_made(self, transport: asyncio.Transport) -> None:
            if len(self.connections) >= most:
                self._is_refused = True
                _tell(most)
                transport.abort()
                return
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            if not self._is_refused:
                super().connection_lost(exc)

    told_at: float | None = None

    def _tell(most: int) -> None:
        nonlocal told_at
        now = asyncio.get_running_loop().time()
        if told_at is None or now - told_at >= _TOLD_AGAIN_S:
            told_at = now
            _log.warning("%d clients are connected: further ones are refused", most)

    return Bounded


_TOLD_AGAIN_S = 60.0
