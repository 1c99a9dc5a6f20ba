"""Order ids: 63-bit numbers that grow with time, and go on growing when the clock does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tradebot.domain.orders import OrderId

_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_SEQUENCE_BITS = 12
_WORKER_BITS = 10


class OrderIds:
    """41 bits of milliseconds since 2024-01-01 UTC, 10 bits of worker, 12 bits of sequence.

    Starts above the highest id stored. A clock that stands or goes back, or a full millisecond, borrows from the
    next millisecond: an id is never repeated and nobody waits.
    """

    def __init__(self, highest: OrderId | None, worker: int = 0) -> None:
        self._worker = worker << _SEQUENCE_BITS
        self._last = int(highest) if highest is not None else 0

    def next(self, now: datetime) -> OrderId:
        first = ((now - _EPOCH) // _MILLISECOND) << (_WORKER_BITS + _SEQUENCE_BITS) | self._worker
        following = self._last + 1
        if following & ((1 << _SEQUENCE_BITS) - 1) == 0:
            millisecond = (self._last >> (_WORKER_BITS + _SEQUENCE_BITS)) + 1
            following = millisecond << (_WORKER_BITS + _SEQUENCE_BITS) | self._worker
        self._last = max(first, following)
        return OrderId(str(self._last))
