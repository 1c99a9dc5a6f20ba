"""The schema as revision 5d1e0c7a94b2 makes it, written down once more so that later changes leave it alone."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Date,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    event,
    text,
)

from tradebot.adapters.storage.column_types import Instant, Money, Words

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _id() -> String:
    return String(64).with_variant(String(64, collation="C"), "postgresql")


def _one_of(column: str, words: str) -> CheckConstraint:
    allowed = ", ".join(f"'{word}'" for word in words.split(", "))
    return CheckConstraint(f"{column} IN ({allowed})", name=column)


def _order_id(*, nullable: bool = False) -> Column[str]:
    return Column("order_id", _id(), ForeignKey("orders.id"), nullable=nullable)


orders = Table(
    "orders",
    metadata,
    Column("id", _id(), primary_key=True),
    Column("user_id", String(64), nullable=False),
    Column("account_id", String(64), nullable=False),
    Column("symbol", String(64), nullable=False),
    Column("exchange", String(24), nullable=False),
    Column("side", String(24), nullable=False),
    Column("order_type", String(24), nullable=False),
    Column("product", String(24), nullable=False),
    Column("validity", String(24), nullable=False),
    Column("variety", String(24), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("price", Money),
    Column("trigger_price", Money),
    Column("status", String(24), nullable=False),
    Column("reason", String(512), nullable=False),
    Column("broker_status", Text),
    Column("coid", _id(), nullable=False),
    Column("broker_order_id", _id()),
    Column("orig_source", String(24), nullable=False),
    Column("entry_type", String(24)),
    Column("is_manual", Boolean(create_constraint=False), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("placed_at", Instant),
    Column("updated_at", Instant, nullable=False),
    Column("filled_at", Instant),
    Column("closed_at", Instant),
    Column("first_failed_at", Instant),
    Column("last_retry_attempt", Instant),
    Column("retry_count", Integer, nullable=False),
    Column("last_status_check", Instant),
    Column("execution_price", Money),
    Column("execution_qty", Integer, nullable=False),
    Column("execution_value", Money, nullable=False),
    Column("execution_time", Instant),
    Column("first_fill_at", Instant),
    Column("avg_price", Money),
    Column("decision_id", _id(), nullable=False),
    Column("leg", Integer, nullable=False),
    Column("batch_id", _id()),
    Column("position_id", _id()),
    Column("disclosed_quantity", Integer, nullable=False),
    Column("idempotency_key", Text),
    Column("correlation_id", String(64), nullable=False),
    Column("expires_at", Instant),
    Column("trading_day", Date, nullable=False),
    Column("cancel_requested", Boolean(create_constraint=False), nullable=False),
    Column("metadata", Words, nullable=False),
    _one_of("side", "buy, sell"),
    _one_of("order_type", "market, limit, sl, sl-m"),
    _one_of("product", "CNC, MIS, NRML"),
    _one_of("validity", "DAY, IOC"),
    _one_of("variety", "amo, regular"),
    _one_of("status", "pending, ongoing, closed, failed, cancelled"),
    _one_of("orig_source", "signal, manual, api, batch, strategy"),
    _one_of("entry_type", "initial, reentry, manual"),
    CheckConstraint("quantity > 0", name="quantity"),
    CheckConstraint("length(reason) BETWEEN 1 AND 512", name="reason"),
    Index("ix_orders_user_status_symbol_placed", "user_id", "status", "symbol", "placed_at"),
    Index("ix_orders_status_checked", "status", "last_status_check"),
    Index("ix_orders_broker_order_id", "broker_order_id"),
    Index("ix_orders_trading_day", "trading_day"),
    Index("ix_orders_user_broker_order_id", "user_id", "broker_order_id"),
    Index("uq_orders_coid", "coid", unique=True),
)

Index(
    "uq_orders_live_sell",
    orders.c.position_id,
    unique=True,
    sqlite_where=text("side = 'sell' AND status = 'pending'"),
    postgresql_where=text("side = 'sell' AND status = 'pending'"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("coid", _id(), primary_key=True),
    Column("number", Integer, nullable=False),
    _order_id(),
    Column("account_id", String(64), nullable=False),
    Column("decision_id", _id(), nullable=False),
    Column("leg", Integer, nullable=False),
    Column("side", String(24), nullable=False),
    Column("symbol", String(64), nullable=False),
    Column("variety", String(24), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("price", Money),
    Column("status", String(24), nullable=False),
    Column("broker_order_id", _id()),
    Column("broker_status", Text),
    Column("filled_quantity", Integer, nullable=False),
    Column("trading_day", Date, nullable=False),
    Column("looks", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    _one_of("side", "buy, sell"),
    _one_of("variety", "amo, regular"),
    _one_of("status", "pending, partially_filled, unknown, filled, cancelled, rejected, expired"),
    CheckConstraint("quantity > 0", name="quantity"),
    Index("ix_attempts_order_id", "order_id"),
    Index("uq_attempts_intent", "decision_id", "leg", "side", "account_id", "number", unique=True),
)

Index(
    "ix_attempts_open",
    attempts.c.order_id,
    sqlite_where=text("status IN ('pending', 'partially_filled', 'unknown')"),
    postgresql_where=text("status IN ('pending', 'partially_filled', 'unknown')"),
)

broker_requests = Table(
    "broker_requests",
    metadata,
    Column("id", _id(), primary_key=True),
    _order_id(),
    Column("coid", _id(), nullable=False),
    Column("kind", String(24), nullable=False),
    Column("payload", Words, nullable=False),
    Column("state", String(24), nullable=False),
    Column("detail", Text, nullable=False),
    Column("prepared_at", Instant, nullable=False),
    Column("answered_at", Instant),
    _one_of("kind", "place, modify, cancel"),
    _one_of("state", "prepared, acked, refused, unknown, unsent"),
    Index("ix_broker_requests_order_id", "order_id"),
)

fills = Table(
    "fills",
    metadata,
    Column("account_id", String(64), nullable=False),
    Column("broker_order_id", _id(), nullable=False),
    Column("trade_id", _id(), nullable=False),
    _order_id(),
    Column("coid", _id(), nullable=False),
    Column("symbol", String(64), nullable=False),
    Column("side", String(24), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("price", Money, nullable=False),
    Column("traded_at", Instant, nullable=False),
    Column("booked_at", Instant, nullable=False),
    Column("is_late", Boolean(create_constraint=False), nullable=False),
    PrimaryKeyConstraint("account_id", "broker_order_id", "trade_id"),
    _one_of("side", "buy, sell"),
    CheckConstraint("quantity > 0", name="quantity"),
    Index("ix_fills_order_id", "order_id"),
    Index("ix_fills_booked_at", "booked_at"),
)

order_events = Table(
    "order_events",
    metadata,
    Column("account_id", String(64), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    _order_id(),
    Column("event", String(64), nullable=False),
    Column("from_status", String(24)),
    Column("to_status", String(24), nullable=False),
    Column("reason", Text, nullable=False),
    Column("source", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Column("correlation_id", String(64), nullable=False),
    Column("figures", Words, nullable=False),
    PrimaryKeyConstraint("account_id", "sequence"),
    _one_of("from_status", "pending, ongoing, closed, failed, cancelled"),
    _one_of("to_status", "pending, ongoing, closed, failed, cancelled"),
    Index("ix_order_events_order_id", "order_id"),
)

positions = Table(
    "positions",
    metadata,
    Column("id", _id(), primary_key=True),
    Column("account_id", String(64), nullable=False),
    Column("user_id", String(64), nullable=False),
    Column("symbol", String(64), nullable=False),
    Column("exchange", String(24), nullable=False),
    Column("product", String(24), nullable=False),
    Column("opened_by", _id(), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("cost", Money, nullable=False),
    Column("bought_quantity", Integer, nullable=False),
    Column("sold_quantity", Integer, nullable=False),
    Column("realised_pnl", Money, nullable=False),
    Column("peak_price", Money, nullable=False),
    Column("exit_rule", String(32)),
    Column("first_fill_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("metadata", Words, nullable=False),
    _one_of("product", "CNC, MIS, NRML"),
    CheckConstraint("quantity >= 0", name="quantity"),
    Index("ix_positions_closed_at", "closed_at"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", _id(), nullable=False),
    Column("account_id", String(64), nullable=False),
    Column("symbol", String(64), nullable=False),
    Column("side", String(24), nullable=False),
    Column("trading_day", Date, nullable=False),
    Column("outcome", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("figures", Words, nullable=False),
    _order_id(nullable=True),
    Column("at", Instant, nullable=False),
    Column("correlation_id", String(64), nullable=False),
    PrimaryKeyConstraint("id", "account_id"),
    _one_of("side", "buy, sell"),
    Index("ix_decisions_day_symbol", "trading_day", "symbol"),
    Index("ix_decisions_symbol", "symbol", "at"),
)

job_runs = Table(
    "job_runs",
    metadata,
    Column("name", String(64), nullable=False),
    Column("planned_for", Instant, nullable=False),
    Column("finished_at", Instant, nullable=False),
    Column("outcome", Text, nullable=False),
    PrimaryKeyConstraint("name", "planned_for"),
)

APPEND_ONLY = {
    "sqlite": tuple(
        f"CREATE TRIGGER order_events_no_{act.lower()} BEFORE {act} ON order_events "
        "BEGIN SELECT RAISE(ABORT, 'order_events is append-only'); END"
        for act in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION order_events_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'order_events is append-only'; END $$",
        "CREATE TRIGGER order_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON order_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION order_events_append_only()",
    ),
}


@event.listens_for(order_events, "after_create")
def _make_append_only(_table: Table, connection: Connection, **_options: object) -> None:
    for statement in APPEND_ONLY[connection.dialect.name]:
        connection.exec_driver_sql(statement)
