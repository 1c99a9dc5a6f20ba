"""drop the three old reasons

Revision ID: 3473a345c7fb
Revises: 873e86bc5772

Nothing is dropped that neither `reason` nor `order_events` holds.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import moving
from migrations.simplification import REASON_COLUMNS, lost_texts, old_reasons, old_texts

revision = "3473a345c7fb"
down_revision = "873e86bc5772"
branch_labels = None
depends_on = None


def upgrade() -> None:
    before = moving.count("orders")
    there = [column for column in REASON_COLUMNS if column in moving.column_names("orders")]
    if there:
        _keep_what_is_lost()
        for column in there:
            op.execute(f"ALTER TABLE orders DROP COLUMN {column}")
    moving.must_be_equal("orders", before, moving.count("orders"))


def downgrade() -> None:
    before = moving.count("orders")
    for column in REASON_COLUMNS:
        op.add_column("orders", sa.Column(column, sa.Text))
    empty = dict.fromkeys(REASON_COLUMNS)
    for rows in moving.chunks("orders"):
        kept = moving.kept_events([str(row["id"]) for row in rows])
        back = [{"key": row["id"], **empty, **old_reasons(row, kept.get(str(row["id"]), []))} for row in rows]
        moving.update("orders", dict.fromkeys(REASON_COLUMNS, "text"), back)
    moving.must_be_equal("orders", before, moving.count("orders"))


def _keep_what_is_lost() -> None:
    """Texts that came into the old columns after the step before this one."""
    log = moving.EventLog()
    for rows in moving.chunks("orders"):
        kept = moving.kept_events([str(row["id"]) for row in rows])
        noted = []
        for row in rows:
            texts = frozenset(event.reason for event in kept.get(str(row["id"]), []))
            lost = lost_texts(old_texts(row), row["reason"], texts)
            noted += [(str(row["id"]), row["status"], event) for event in lost]
        log.add(noted)
