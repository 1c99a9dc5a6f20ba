"""A broker's order updates over a WebSocket: hints that trigger a look, never more."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from tradebot.domain.orders import BrokerOrderId

BACKOFF_MAX_S = 60.0
STOP_S = 2.0

_LOG = logging.getLogger(__name__)


class Stream(Protocol):
    """An open connection: its frames until it is closed. May raise OSError or what its library raises."""

    def frames(self) -> Iterable[str | bytes]: ...

    def close(self) -> None: ...


class UpdateFeed:
    """One thread that keeps a connection. After each connect a look is asked for: what happened in the gap is not told
    again. Pauses between attempts are 1, 2, 4 .. 60 seconds, and start anew with the first frame that comes in.
    """

    def __init__(
        self,
        connect: Callable[[], AbstractContextManager[Stream]],
        hint_of: Callable[[str | bytes], BrokerOrderId | None],
        on_hint: Callable[[BrokerOrderId | None], None],
        on_change: Callable[[bool], object] = lambda _: None,
    ) -> None:
        """`on_hint` gets the order that something happened to, or None when anything may have happened; `on_change` is
        told whether there is a connection, when that changes."""
        self._connect = connect
        self._hint_of = hint_of
        self._on_hint = on_hint
        self._on_change = on_change
        self._is_connected = False
        self._stopping = threading.Event()
        self._stream: Stream | None = None
        self._connects = 0
        self._frames = 0
        self._thread = threading.Thread(target=self._run, name="order updates", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        stream = self._stream
        if stream is not None:
            stream.close()
        self._thread.join(STOP_S)

    def status(self) -> Mapping[str, object]:
        """For whoever shows it: whether it is connected, how often it has connected, and how much has come in."""
        return {"connected": self._stream is not None, "connects": self._connects, "frames": self._frames}

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                with self._connect() as self._stream:
                    self._connects += 1
                    self._change(True)
                    self._on_hint(None)
                    for frame in self._stream.frames():
                        failures = 0
                        self._frames += 1
                        self._take(frame)
            except Exception as cause:  # whatever it was: the poll goes on, and so does this
                _LOG.info("order updates: %s", type(cause).__name__)
            self._stream = None
            self._change(False)
            self._stopping.wait(backoff_s(failures))
            failures += 1

    def _change(self, is_connected: bool) -> None:
        if is_connected is not self._is_connected:
            self._is_connected = is_connected
            self._on_change(is_connected)

    def _take(self, frame: str | bytes) -> None:
        broker_order_id = self._hint_of(frame)
        if broker_order_id is not None:
            self._on_hint(broker_order_id)


def backoff_s(failures: int) -> float:
    """1, 2, 4 .. 60: the pause after so many failures in a row."""
    return min(2.0 ** min(failures, 10), BACKOFF_MAX_S)
