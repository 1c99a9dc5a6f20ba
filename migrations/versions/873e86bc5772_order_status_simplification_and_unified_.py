"""order_status_simplification_and_unified_reason

Revision ID: 873e86bc5772
Revises: c38b470b20d1

Nine statuses become five, three reasons become one. What a row loses by that stands in `order_events`.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import moving
from migrations.simplification import (
    MIGRATED,
    OLD_STATUSES,
    REASON_LENGTH_MAX,
    STATUSES,
    KeptEvent,
    Simplified,
    five_word,
    nine_word,
    simplify,
    words_of,
)

revision = "873e86bc5772"
down_revision = "c38b470b20d1"
branch_labels = None
depends_on = None

# What a row may have changed, with PostgreSQL's types.
_KINDS = {
    "status": "text",
    "side": "text",
    "reason": "text",
    "first_failed_at": "timestamp",
    "retry_count": "integer",
    "order_metadata": "json",
}


def upgrade() -> None:
    before = moving.count("orders")
    _make_status_text()
    if "reason" not in moving.column_names("orders"):
        op.add_column("orders", sa.Column("reason", sa.String(REASON_LENGTH_MAX)))
    if not moving.has_table("order_events"):
        moving.order_events.create(op.get_bind())
    _simplify_all()
    _allow_only_five()
    moving.must_be_equal("orders", before, moving.count("orders"))


def downgrade() -> None:
    before = moving.count("orders")
    _allow_any()
    others: Counter[str] = Counter()
    for rows in moving.chunks("orders"):
        back = [{"key": row["id"], "status": nine_word(row)} for row in rows]
        others += _not_as_before(rows, back)
        _set(back)
    for change, orders in sorted(others.items()):
        moving.say(f"does not come back: {orders} orders {change}")
    op.execute("ALTER TABLE orders DROP COLUMN reason")
    _make_status_enum()
    moving.say(f"order_events is dropped with {moving.count('order_events')} events; the backup has them")
    op.drop_table("order_events")
    moving.must_be_equal("orders", before, moving.count("orders"))


def _not_as_before(rows: Sequence[Mapping[str, Any]], back: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """How many orders come back with another word than they had, by which; what happened to one since is no loss."""
    kept = moving.kept_events([str(row["id"]) for row in rows])
    found: Counter[str] = Counter()
    for row, after in zip(rows, back, strict=True):
        noted = next((event for event in kept.get(str(row["id"]), []) if event.event == MIGRATED), None)
        if noted is None:
            continue
        was = noted.figures.get("status", "").strip().lower()
        if was and five_word(row["id"], was) == row["status"] and was != after["status"]:
            found[f"with status {after['status']}, which was {was}"] += 1
        if (side := noted.figures.get("side")) is not None:
            found[f"with side {row['side']}, which was {side}"] += 1
    return found


def _make_status_text() -> None:
    """Free text for now, so that the words can be changed one by one."""
    _allow_any()
    if not _on_sqlite():
        op.execute("ALTER TABLE orders ALTER COLUMN status DROP DEFAULT")
        op.execute("ALTER TABLE orders ALTER COLUMN status TYPE VARCHAR(32) USING lower(status::text)")
        op.execute("DROP TYPE IF EXISTS orderstatus")


def _simplify_all() -> None:
    log = moving.EventLog()
    figures: Counter[str] = Counter()
    for rows in moving.chunks("orders"):
        kept = moving.kept_events([str(row["id"]) for row in rows])
        moved = [(row, simplify(row, _texts(kept, row))) for row in rows]
        for group in _by_columns(moved).values():
            _set(group)
        log.add([(str(row["id"]), new.columns["status"], event) for row, new in moved for event in new.events])
        figures["orders"] += len(moved)
        figures["sells"] += sum(new.side_was_wrong for _, new in moved)
        figures["failed"] += sum(new.was_failed_order for _, new in moved)
        figures["events"] += sum(len(new.events) for _, new in moved)
    moving.say(f"{figures['orders']} orders have one of five statuses and one reason")
    moving.say(f"{figures['sells']} orders with status sell had another side and have side sell now")
    moving.say(f"{figures['failed']} orders with failed_order in their metadata are failed")
    moving.say(f"{figures['events']} events keep what the rows no longer say")


def _texts(kept: Mapping[str, list[KeptEvent]], row: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(event.reason for event in kept.get(str(row["id"]), []))


def _by_columns(
    moved: list[tuple[Mapping[str, Any], Simplified]],
) -> dict[tuple[str, ...], list[dict[str, Any]]]:
    """Rows that change the same columns, for one statement each."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row, new in moved:
        groups.setdefault(tuple(new.columns), []).append({"key": row["id"], **new.columns})
    return groups


def _set(rows: list[dict[str, Any]]) -> None:
    """Sets the columns that the rows name beside the `key`."""
    moving.update("orders", {name: kind for name, kind in _KINDS.items() if name in rows[0]}, rows)


def _allow_only_five() -> None:
    with op.batch_alter_table("orders") as batch:
        batch.create_check_constraint(op.f("ck_orders_status"), f"status IN ({words_of(STATUSES)})")


def _allow_any() -> None:
    """Without any CHECK of the status."""
    checks = sa.inspect(op.get_bind()).get_check_constraints("orders")
    names = [check["name"] for check in checks if check["name"] and "status" in check["sqltext"].lower()]
    with warnings.catch_warnings():
        # A table that SQLite builds anew keeps no unnamed CHECK, which is what is wanted here.
        warnings.filterwarnings("ignore", message="Unnamed CHECK constraint")
        with op.batch_alter_table("orders", recreate="always" if _on_sqlite() else "never") as batch:
            for name in names:
                batch.drop_constraint(op.f(name), type_="check")


def _make_status_enum() -> None:
    if _on_sqlite():
        return
    kind = postgresql.ENUM(*OLD_STATUSES, name="orderstatus")
    kind.create(op.get_bind())
    op.execute("ALTER TABLE orders ALTER COLUMN status TYPE orderstatus USING status::orderstatus")


def _on_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
