"""What people ask about batches: one with its legs, and the newest of an account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, select

from tradebot.adapters.storage import book_tables, order_tables
from tradebot.adapters.storage.database import for_reading
from tradebot.adapters.storage.rows import read_all
from tradebot.domain.batches import Batch, Leg


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchStory:
    """A batch as it stands now. `broker_order_ids` are those of the legs that have one, in the legs' order."""

    batch: Batch
    legs: Sequence[Leg]
    broker_order_ids: Sequence[str]


class BatchReader:
    """Each question sees one state of the database, and neither waits for the engine nor makes it wait."""

    def __init__(self, engine: Engine) -> None:
        self._reading = for_reading(engine)

    def batch(self, batch_id: str) -> BatchStory | None:
        batches, legs, orders = book_tables.batches, book_tables.batch_legs, order_tables.orders
        with self._reading.begin() as connection:
            found = read_all(connection, Batch, select(batches).where(batches.c.id == batch_id))
            if not found:
                return None
            of_batch = select(legs).where(legs.c.batch_id == batch_id).order_by(legs.c.number)
            numbers = (
                select(orders.c.broker_order_id)
                .join(legs, legs.c.order_id == orders.c.id)
                .where(legs.c.batch_id == batch_id, orders.c.broker_order_id.is_not(None))
                .order_by(legs.c.number)
            )
            return BatchStory(
                batch=found[0],
                legs=read_all(connection, Leg, of_batch),
                broker_order_ids=connection.execute(numbers).scalars().all(),
            )

    def newest(self, account_id: str, limit: int = 50) -> Sequence[Batch]:
        batches = book_tables.batches
        query = select(batches).where(batches.c.account_id == account_id)
        with self._reading.begin() as connection:
            return read_all(connection, Batch, query.order_by(batches.c.created_at.desc(), batches.c.id).limit(limit))
