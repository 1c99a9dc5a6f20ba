"""Every table; `migrations/` leads every database to this schema."""

from __future__ import annotations

from tradebot.adapters.storage import book_tables, order_tables
from tradebot.adapters.storage.schema import metadata

FILES = (order_tables, book_tables)
"""A table is in the schema once its file is read: whoever needs the whole of it takes it from here."""

whole_schema = metadata
