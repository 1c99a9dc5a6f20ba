"""A whole database in memory that can be copied out and put back, for simulations of crashes."""

from __future__ import annotations

import sqlite3

from tradebot.adapters.storage import tables
from tradebot.adapters.storage.database import open_engine
from tradebot.adapters.storage.order_store import SqlOrderStore


class SqliteMemory:
    """One SQLite connection in memory with the schema of `tables.py`, and the store on it. For one thread."""

    def __init__(self, image: bytes | None = None) -> None:
        """An empty database, or one as it was when `image` was taken."""
        self.engine = open_engine("sqlite://")
        if image is None:
            tables.whole_schema.create_all(self.engine)
        else:
            self.restore(image)
        self.store = SqlOrderStore(self.engine)

    def image(self) -> bytes:
        """Everything that is committed."""
        connection = self._connection()
        connection.rollback()
        return connection.serialize()

    def restore(self, image: bytes) -> None:
        """Be the database of the image; what stands here now, an unfinished transaction included, is gone."""
        connection = self._connection()
        connection.rollback()
        connection.deserialize(image)

    def close(self) -> None:
        self.engine.dispose()

    def _connection(self) -> sqlite3.Connection:
        borrowed = self.engine.raw_connection()
        try:
            connection = borrowed.driver_connection
        finally:
            borrowed.close()
        assert isinstance(connection, sqlite3.Connection)  # the pool keeps this one open, and lends it to all
        return connection
