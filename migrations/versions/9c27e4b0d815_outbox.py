"""outbox

Revision ID: 9c27e4b0d815
Revises: 8f4b2d6c1e37

What is to leave the daemon, and whether it has arrived.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import moving
from tradebot.adapters.storage.column_types import Instant

revision = "9c27e4b0d815"
down_revision = "8f4b2d6c1e37"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if moving.has_table("outbox"):
        moving.say("outbox is there already and stays as it is")
        return
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql"), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("target", sa.String(64), nullable=False),
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("is_critical", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("next_attempt_at", Instant, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("detail", sa.String(500), nullable=False),
        sa.Column("settled_at", Instant),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.CheckConstraint("kind IN ('notification', 'webhook')", name=op.f("ck_outbox_kind")),
        sa.CheckConstraint("state IN ('waiting', 'delivered', 'dead')", name=op.f("ck_outbox_state")),
    )
    op.create_index("ix_outbox_settled_at", "outbox", ["settled_at"])
    waits = sa.text("state = 'waiting'")
    op.create_index("ix_outbox_waiting", "outbox", ["kind", "created_at"], sqlite_where=waits, postgresql_where=waits)


def downgrade() -> None:
    moving.say(f"outbox is dropped with {moving.count('outbox')} rows; the backup has them")
    op.drop_table("outbox")
