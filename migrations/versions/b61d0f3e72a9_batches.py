"""batches

Revision ID: b61d0f3e72a9
Revises: 9c27e4b0d815

Orders that are placed together, with what has become of each.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import moving
from tradebot.adapters.storage.column_types import Instant, Money

revision = "b61d0f3e72a9"
down_revision = "9c27e4b0d815"
branch_labels = None
depends_on = None

_ID = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
_WORD = sa.String(24)
_FLAG = sa.Boolean(create_constraint=False)


def upgrade() -> None:
    if sa.inspect(op.get_bind()).has_table("batches"):
        moving.say("batches is there already and stays as it is")
        return
    _create_batches()
    _create_legs()


def downgrade() -> None:
    for table in ("batch_legs", "batches"):
        moving.say(f"{table} is dropped with {moving.count(table)} rows; the backup has them")
        op.drop_table(table)


def _create_batches() -> None:
    op.create_table(
        "batches",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("rollback_on_failure", _FLAG, nullable=False),
        sa.Column("unwind_filled", _FLAG, nullable=False),
        sa.Column("sequential", _FLAG, nullable=False),
        sa.Column("is_rolling_back", _FLAG, nullable=False),
        sa.Column("status", _WORD),
        sa.Column("idempotency_key", sa.Text),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("correlation_id", sa.String(64), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.Column("completed_at", Instant),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
        _one_of("batches", "status", "success", "rolled_back", "partial", "failed"),
    )
    op.create_index("ix_batches_account_created", "batches", ["account_id", "created_at"])
    op.create_index("ix_batches_completed_at", "batches", ["completed_at"])


def _create_legs() -> None:
    op.create_table(
        "batch_legs",
        sa.Column("batch_id", _ID, sa.ForeignKey("batches.id", name=op.f("fk_batch_legs_batch_id")), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("account_id", sa.String(64), nullable=False),
        sa.Column("symbol", sa.String(64), nullable=False),
        sa.Column("exchange", _WORD, nullable=False),
        sa.Column("side", _WORD, nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("order_type", _WORD, nullable=False),
        sa.Column("price", Money),
        sa.Column("trigger_price", Money),
        sa.Column("product", _WORD, nullable=False),
        sa.Column("validity", _WORD, nullable=False),
        sa.Column("disclosed_quantity", sa.Integer, nullable=False),
        sa.Column("tag", sa.String(64), nullable=False),
        sa.Column("coid", _ID, nullable=False),
        sa.Column("order_id", _ID, sa.ForeignKey("orders.id", name=op.f("fk_batch_legs_order_id"))),
        sa.Column("unwind_order_id", _ID, sa.ForeignKey("orders.id", name=op.f("fk_batch_legs_unwind_order_id"))),
        sa.Column("status", _WORD, nullable=False),
        sa.Column("filled_qty", sa.Integer, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("batch_id", "number", name=op.f("pk_batch_legs")),
        _one_of("batch_legs", "side", "buy", "sell"),
        _one_of("batch_legs", "order_type", "market", "limit", "sl", "sl-m"),
        _one_of("batch_legs", "product", "CNC", "MIS", "NRML"),
        _one_of("batch_legs", "validity", "DAY", "IOC"),
        _one_of(
            "batch_legs",
            "status",
            "placed",
            "filled",
            "failed",
            "rolled_back",
            "unwound",
            "rollback_failed",
            "not_sent",
            "unknown",
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_batch_legs_quantity")),
    )
    op.create_index("ix_batch_legs_order_id", "batch_legs", ["order_id"])


def _one_of(table: str, column: str, *words: str) -> sa.CheckConstraint:
    allowed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=op.f(f"ck_{table}_{column}"))
