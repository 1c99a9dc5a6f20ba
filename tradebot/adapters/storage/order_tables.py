"""The tables of orders: the rows, their attempts, requests, fills, ids, and their story, which nobody can change."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Date,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    event,
    text,
)

from tradebot.adapters.storage.column_types import Instant, Money, Words
from tradebot.adapters.storage.schema import (
    ID_LENGTH,
    NUMBER,
    SYMBOL_LENGTH,
    WORD_LENGTH,
    id_type,
    metadata,
    one_of,
    order_id,
    word_type,
)
from tradebot.domain.lifecycle_ids import IdStatus, IdType
from tradebot.domain.orders import (
    REASON_LENGTH_MAX,
    AttemptStatus,
    EntryType,
    OrderStatus,
    OrderType,
    Product,
    RequestKind,
    RequestState,
    Side,
    Source,
    Validity,
    Variety,
)

orders = Table(
    "orders",
    metadata,
    Column("id", id_type(), primary_key=True),
    Column("user_id", String(ID_LENGTH), nullable=False),
    Column("account_id", String(ID_LENGTH), nullable=False),
    Column("symbol", String(SYMBOL_LENGTH), nullable=False),
    Column("exchange", String(WORD_LENGTH), nullable=False),
    Column("side", word_type(Side), nullable=False),
    Column("order_type", word_type(OrderType), nullable=False),
    Column("product", word_type(Product), nullable=False),
    Column("validity", word_type(Validity), nullable=False),
    Column("variety", word_type(Variety), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("price", Money),
    Column("trigger_price", Money),
    Column("status", word_type(OrderStatus), nullable=False),
    Column("reason", String(REASON_LENGTH_MAX), nullable=False),
    Column("broker_status", Text),
    Column("coid", id_type(), nullable=False),
    Column("broker_order_id", id_type()),
    Column("orig_source", word_type(Source), nullable=False),
    Column("entry_type", word_type(EntryType)),
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
    # For people with a database shell; an order that is loaded works it out from value and quantity.
    Column("avg_price", Money),
    Column("decision_id", id_type(), nullable=False),
    Column("leg", Integer, nullable=False),
    Column("batch_id", id_type()),
    Column("position_id", id_type()),
    Column("disclosed_quantity", Integer, nullable=False),
    Column("idempotency_key", Text),
    Column("correlation_id", String(ID_LENGTH), nullable=False),
    Column("expires_at", Instant),
    Column("trading_day", Date, nullable=False),
    Column("cancel_requested", Boolean(create_constraint=False), nullable=False),
    Column("metadata", Words, nullable=False),
    one_of("side", Side),
    one_of("order_type", OrderType),
    one_of("product", Product),
    one_of("validity", Validity),
    one_of("variety", Variety),
    one_of("status", OrderStatus),
    one_of("orig_source", Source),
    one_of("entry_type", EntryType),
    CheckConstraint("quantity > 0", name="quantity"),
    CheckConstraint(f"length(reason) BETWEEN 1 AND {REASON_LENGTH_MAX}", name="reason"),
    Index("ix_orders_user_status_symbol_placed", "user_id", "status", "symbol", "placed_at"),
    Index("ix_orders_status_checked", "status", "last_status_check"),
    Index("ix_orders_broker_order_id", "broker_order_id"),
    Index("ix_orders_trading_day", "trading_day"),
    Index("ix_orders_user_broker_order_id", "user_id", "broker_order_id"),
    Index("uq_orders_coid", "coid", unique=True),
)

# The database itself forbids two live sells of one position.
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
    Column("coid", id_type(), primary_key=True),
    Column("number", Integer, nullable=False),
    order_id(),
    Column("account_id", String(ID_LENGTH), nullable=False),
    Column("decision_id", id_type(), nullable=False),
    Column("leg", Integer, nullable=False),
    Column("side", word_type(Side), nullable=False),
    Column("symbol", String(SYMBOL_LENGTH), nullable=False),
    Column("variety", word_type(Variety), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("price", Money),
    Column("status", word_type(AttemptStatus), nullable=False),
    Column("broker_order_id", id_type()),
    Column("broker_status", Text),
    Column("filled_quantity", Integer, nullable=False),
    Column("trading_day", Date, nullable=False),
    Column("looks", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    one_of("side", Side),
    one_of("variety", Variety),
    one_of("status", AttemptStatus),
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
    Column("id", id_type(), primary_key=True),
    order_id(),
    Column("coid", id_type(), nullable=False),
    Column("kind", word_type(RequestKind), nullable=False),
    Column("payload", Words, nullable=False),
    Column("state", word_type(RequestState), nullable=False),
    Column("detail", Text, nullable=False),
    Column("prepared_at", Instant, nullable=False),
    Column("answered_at", Instant),
    one_of("kind", RequestKind),
    one_of("state", RequestState),
    Index("ix_broker_requests_order_id", "order_id"),
)

fills = Table(
    "fills",
    metadata,
    Column("account_id", String(ID_LENGTH), nullable=False),
    Column("broker_order_id", id_type(), nullable=False),
    Column("trade_id", id_type(), nullable=False),
    order_id(),
    Column("coid", id_type(), nullable=False),
    Column("symbol", String(SYMBOL_LENGTH), nullable=False),
    Column("side", word_type(Side), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("price", Money, nullable=False),
    Column("traded_at", Instant, nullable=False),
    Column("booked_at", Instant, nullable=False),
    Column("is_late", Boolean(create_constraint=False), nullable=False),
    PrimaryKeyConstraint("account_id", "broker_order_id", "trade_id"),
    one_of("side", Side),
    CheckConstraint("quantity > 0", name="quantity"),
    Index("ix_fills_order_id", "order_id"),
    Index("ix_fills_booked_at", "booked_at"),
)

order_events = Table(
    "order_events",
    metadata,
    Column("account_id", String(ID_LENGTH), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    order_id(),
    Column("event", String(ID_LENGTH), nullable=False),
    Column("from_status", word_type(OrderStatus)),
    Column("to_status", word_type(OrderStatus), nullable=False),
    # Without a limit: what the migration cut from an old reason stands here whole.
    Column("reason", Text, nullable=False),
    Column("source", String(ID_LENGTH), nullable=False),
    Column("at", Instant, nullable=False),
    Column("correlation_id", String(ID_LENGTH), nullable=False),
    Column("figures", Words, nullable=False),
    PrimaryKeyConstraint("account_id", "sequence"),
    one_of("from_status", OrderStatus),
    one_of("to_status", OrderStatus),
    Index("ix_order_events_order_id", "order_id"),
)

order_lifecycle_ids = Table(
    "order_lifecycle_ids",
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    order_id(),
    Column("id_type", word_type(IdType), nullable=False),
    Column("lifecycle_id", id_type(), nullable=False, unique=True),
    Column("status", word_type(IdStatus), nullable=False, server_default=IdStatus.ACTIVE),
    Column("replaced_by", id_type()),
    Column("notes", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    one_of("id_type", IdType),
    one_of("status", IdStatus),
    Index("ix_order_lifecycle_ids_order_id", "order_id"),
    Index("ix_order_lifecycle_ids_order_type", "order_id", "id_type", "status", "created_at"),
    Index("ix_order_lifecycle_ids_id_status", "lifecycle_id", "status"),
)

# The database itself forbids two active ids of one order and type.
Index(
    "uq_order_lifecycle_ids_active",
    order_lifecycle_ids.c.order_id,
    order_lifecycle_ids.c.id_type,
    unique=True,
    sqlite_where=text("status = 'active'"),
    postgresql_where=text("status = 'active'"),
)

# An event that was written is never changed or removed, whoever tries.
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
