"""commands done once

Revision ID: 8f4b2d6c1e37
Revises: 5d1e0c7a94b2

What became of each command that came through the spool, so that it is never done twice.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import moving
from tradebot.adapters.storage.column_types import Instant, Words

revision = "8f4b2d6c1e37"
down_revision = "5d1e0c7a94b2"
branch_labels = None
depends_on = None

_TABLE = "command_runs"


def upgrade() -> None:
    if sa.inspect(op.get_bind()).has_table(_TABLE):
        moving.say(f"{_TABLE} is there already and stays as it is")
        return
    op.create_table(
        _TABLE,
        sa.Column("correlation_id", sa.String(64), nullable=False),
        sa.Column("command", sa.String(64), nullable=False),
        sa.Column("outcome", sa.String(64), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("order_ids", sa.Text, nullable=False),
        sa.Column("figures", Words, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("correlation_id"),
    )
    op.create_index("ix_command_runs_at", _TABLE, ["at"])


def downgrade() -> None:
    moving.say(f"{_TABLE} is dropped with {moving.count(_TABLE)} rows; the backup has them")
    op.drop_table(_TABLE)
