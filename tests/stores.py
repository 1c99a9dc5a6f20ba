"""A store of orders around another one, for those who count, refuse or change what is saved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from tradebot.domain.orders import Attempt, Coid, OrderId
from tradebot.domain.stored import Changes, Stored
from tradebot.ports import OrderStore


class ChangedStore:
    """Saves what `change` makes of it; what that raises keeps it from being saved."""

    def __init__(self, store: OrderStore, change: Callable[[Changes], Changes]) -> None:
        self._store = store
        self._change = change

    def load(self, since: date) -> Stored:
        return self._store.load(since)

    def save(self, changes: Changes) -> None:
        self._store.save(self._change(changes))

    def attempts(self, coids: Sequence[Coid]) -> Sequence[Attempt]:
        return self._store.attempts(coids)

    def order_of(self, coid: Coid) -> OrderId | None:
        return self._store.order_of(coid)

    def batch_fingerprint(self, batch_id: str) -> str | None:
        return self._store.batch_fingerprint(batch_id)

    def close(self) -> None:
        self._store.close()
