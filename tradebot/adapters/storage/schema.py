"""The schema that the tables are declared in, one for SQLite and PostgreSQL, and the kinds of their columns."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Integer, MetaData, String

from tradebot.adapters.storage.column_types import Word

ID_LENGTH = 64
SYMBOL_LENGTH = 64
WORD_LENGTH = 24

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

# SQLite numbers rows by itself only where the key is called INTEGER.
NUMBER = BigInteger().with_variant(Integer, "sqlite")


def id_type() -> String:
    """An id, compared byte by byte on PostgreSQL too: the highest one is the same on both databases."""
    return String(ID_LENGTH).with_variant(String(ID_LENGTH, collation="C"), "postgresql")


def word_type(words: type[StrEnum]) -> Word:
    """One of these words; `one_of` has the database hold to them."""
    return Word(words, WORD_LENGTH)


def one_of(column: str, words: type[StrEnum]) -> CheckConstraint:
    """No native enum: a new word is a new check on both databases."""
    allowed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({allowed})", name=column)


def order_id(*, nullable: bool = False) -> Column[str]:
    """The column `order_id` of a row that belongs to an order."""
    return Column("order_id", id_type(), ForeignKey("orders.id"), nullable=nullable)
