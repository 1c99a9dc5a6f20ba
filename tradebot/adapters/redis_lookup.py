"""The lookup of ids in Redis, for several processes. Losing all of it changes no answer."""

from __future__ import annotations

import json
from collections.abc import Iterable

from redis import Redis, RedisError

from tradebot.domain.lifecycle_ids import IdStatus, IdType, Resolved
from tradebot.domain.orders import OrderId

_ANY, _CLOSE = "global_order_lookup:", "close_id_lookup:"
_TIMEOUT_S = 0.2
_PER_SCAN = 1_000


class RedisLookup:
    """Shared by several processes. Where Redis did not take an entry, the entry is deleted before Redis is trusted
    again; one that does not answer is no lookup, and the table answers.

    `writes`: of the process that writes the table. It begins with nothing, since what an earlier life did not get into
    Redis is not known.
    """

    def __init__(self, url: str, *, writes: bool = False) -> None:
        self._redis = Redis.from_url(url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S)
        self._missed: set[str] = set()
        self._is_clean = not writes or self._clear()

    def get(self, name: str) -> Resolved | None:
        if not self._is_trusted():
            return None
        try:
            found = self._redis.get(_ANY + name)
        except RedisError:
            return None
        return _read(found) if isinstance(found, bytes) else None

    def put(self, entries: Iterable[tuple[str, Resolved]]) -> None:
        values = {}
        for name, found in entries:
            text = json.dumps([found.order_id, found.id_type, found.status])
            values[_ANY + name] = text
            if found.id_type is IdType.CLOSE:
                values[_CLOSE + name] = text
        try:
            if values:
                self._redis.mset(values)
        except RedisError:
            self._missed |= set(values)

    def _is_trusted(self) -> bool:
        self._is_clean = self._is_clean or self._clear()
        return self._is_clean and (not self._missed or self._forget_missed())

    def _clear(self) -> bool:
        try:
            for prefix in (_ANY, _CLOSE):
                names = list(self._redis.scan_iter(f"{prefix}*", count=_PER_SCAN))
                for start in range(0, len(names), _PER_SCAN):
                    self._redis.unlink(*names[start : start + _PER_SCAN])
        except RedisError:
            return False
        return True

    def _forget_missed(self) -> bool:
        try:
            self._redis.unlink(*self._missed)
        except RedisError:
            return False
        self._missed.clear()
        return True


def _read(text: bytes) -> Resolved | None:
    try:
        order_id, id_type, status = json.loads(text)
        return Resolved(order_id=OrderId(order_id), id_type=IdType(id_type), status=IdStatus(status))
    except (ValueError, TypeError):
        return None
