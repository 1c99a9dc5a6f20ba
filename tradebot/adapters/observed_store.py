"""A database that tells an observer what it has saved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from tradebot.domain.orders import Attempt, Coid, OrderId
from tradebot.domain.stored import Changes, Stored
from tradebot.ports import OrderStore


class ObservedStore:
    """`ports.OrderStore` around another one. The observer hears of a change once it is durable; what it raises is
    counted in `faults` and hurts nothing."""

    def __init__(self, store: OrderStore, observer: Callable[[Changes], None]) -> None:
        self._store = store
        self._observer = observer
        self.faults = 0

    def load(self, since: date) -> Stored:
        return self._store.load(since)

    def save(self, changes: Changes) -> None:
        self._store.save(changes)
        try:
            self._observer(changes)
        except Exception:  # what may happen must not hurt what must
            self.faults += 1

    def attempts(self, coids: Sequence[Coid]) -> Sequence[Attempt]:
        return self._store.attempts(coids)

    def batch_fingerprint(self, batch_id: str) -> str | None:
        return self._store.batch_fingerprint(batch_id)

    def order_of(self, coid: Coid) -> OrderId | None:
        return self._store.order_of(coid)

    def close(self) -> None:
        self._store.close()
