"""lifecycle ids

Revision ID: d24c9b7e1f60
Revises: b61d0f3e72a9

Every id that an order ever had, what nobody could route, and which accounts are live. `main.py ids migrate` fills the
first from the orders that are there already.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import moving
from tradebot.adapters.storage.column_types import Instant

revision = "d24c9b7e1f60"
down_revision = "b61d0f3e72a9"
branch_labels = None
depends_on = None

_ID = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
_WORD = sa.String(24)
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_IDS = "order_lifecycle_ids"
_TYPES = (
    "order_id",
    "close_id",
    "cancel_id",
    "modify_id",
    "stoploss_id",
    "takeprofit_id",
    "stoploss_cancel_id",
    "takeprofit_cancel_id",
)
_REASONS = ("unmapped_cancel_state", "unmapped_routing_state", "missing_lifecycle_id", "missing_order_data")


def upgrade() -> None:
    if sa.inspect(op.get_bind()).has_table(_IDS):
        moving.say(f"{_IDS} is there already and stays as it is")
        return
    _create_ids()
    _create_dead_letters()
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("kind", _WORD, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        _one_of("accounts", "kind", "live", "paper"),
    )


def downgrade() -> None:
    for table in ("accounts", "dead_letters", _IDS):
        moving.say(f"{table} is dropped with {moving.count(table)} rows; the backup has them")
        op.drop_table(table)


def _create_ids() -> None:
    op.create_table(
        _IDS,
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("order_id", _ID, sa.ForeignKey("orders.id", name=op.f(f"fk_{_IDS}_order_id")), nullable=False),
        sa.Column("id_type", _WORD, nullable=False),
        sa.Column("lifecycle_id", _ID, nullable=False, unique=True),
        sa.Column("status", _WORD, nullable=False, server_default="active"),
        sa.Column("replaced_by", _ID),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_IDS}")),
        _one_of(_IDS, "id_type", *_TYPES),
        _one_of(_IDS, "status", "active", "replaced", "cancelled", "executed"),
    )
    op.create_index(f"ix_{_IDS}_order_id", _IDS, ["order_id"])
    op.create_index(f"ix_{_IDS}_order_type", _IDS, ["order_id", "id_type", "status", "created_at"])
    op.create_index(f"ix_{_IDS}_id_status", _IDS, ["lifecycle_id", "status"])
    is_active = sa.text("status = 'active'")
    op.create_index(
        f"uq_{_IDS}_active",
        _IDS,
        ["order_id", "id_type"],
        unique=True,
        sqlite_where=is_active,
        postgresql_where=is_active,
    )


def _create_dead_letters() -> None:
    op.create_table(
        "dead_letters",
        sa.Column("named_id", _ID, nullable=False),
        sa.Column("reason", _WORD, nullable=False),
        sa.Column("said", sa.String(64), nullable=False),
        sa.Column("state", _WORD, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("named_id", "reason", "said", name=op.f("pk_dead_letters")),
        _one_of("dead_letters", "reason", *_REASONS),
    )
    op.create_index("ix_dead_letters_at", "dead_letters", ["at"])


def _one_of(table: str, column: str, *words: str) -> sa.CheckConstraint:
    allowed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=op.f(f"ck_{table}_{column}"))
