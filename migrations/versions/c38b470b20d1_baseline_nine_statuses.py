"""baseline: orders with nine statuses

Revision ID: c38b470b20d1
Revises:

What existing installations have. A database that holds the table already is stamped with this revision instead
of being led to it (docs/migrations.md).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import moving
from migrations.simplification import OLD_STATUSES, REASON_COLUMNS

revision = "c38b470b20d1"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    if moving.has_table("orders"):
        moving.say("orders is there already and stays as it is")
        return
    op.create_table(
        "orders",
        *moving.old_columns(_status()),
        *(sa.Column(column, sa.Text) for column in REASON_COLUMNS),
    )


def downgrade() -> None:
    op.drop_table("orders")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TYPE IF EXISTS orderstatus")


def _status() -> sa.types.TypeEngine[str]:
    if op.get_bind().dialect.name == "postgresql":
        return postgresql.ENUM(*OLD_STATUSES, name="orderstatus")
    return sa.String(32)
