"""The tables, one schema for SQLite and PostgreSQL; `migrations/` leads every database to it."""

from __future__ import annotations

from enum import StrEnum

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

from tradebot.adapters.storage.column_types import Instant, Money, Word, Words
from tradebot.domain.batches import BatchStatus, LegStatus
from tradebot.domain.command_runs import COMMAND_ID_LENGTH_MAX
from tradebot.domain.lifecycle_ids import AccountKind, DeadLetterReason, IdStatus, IdType
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
from tradebot.domain.outbox import DETAIL_LENGTH_MAX, OutboxKind, OutboxState

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
_NUMBER = BigInteger().with_variant(Integer, "sqlite")


def _id() -> String:
    """An id, compared byte by byte on PostgreSQL too: the highest one is the same on both databases."""
    return String(ID_LENGTH).with_variant(String(ID_LENGTH, collation="C"), "postgresql")


def _word(words: type[StrEnum]) -> Word:
    return Word(words, WORD_LENGTH)


def _one_of(column: str, words: type[StrEnum]) -> CheckConstraint:
    allowed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({allowed})", name=column)


def _order_id(*, nullable: bool = False) -> Column[str]:
    return Column("order_id", _id(), ForeignKey("orders.id"), nullable=nullable)


orders = Table(
    "orders",
    metadata,
    Column("id", _id(), primary_key=True),
    Column("user_id", String(ID_LENGTH), nullable=False),
    Column("account_id", String(ID_LENGTH), nullable=False),
    Column("symbol", String(SYMBOL_LENGTH), nullable=False),
    Column("exchange", String(WORD_LENGTH), nullable=False),
    Column("side", _word(Side), nullable=False),
    Column("order_type", _word(OrderType), nullable=False),
    Column("product", _word(Product), nullable=False),
    Column("validity", _word(Validity), nullable=False),
    Column("variety", _word(Variety), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("price", Money),
    Column("trigger_price", Money),
    Column("status", _word(OrderStatus), nullable=False),
    Column("reason", String(REASON_LENGTH_MAX), nullable=False),
    Column("broker_status", Text),
    Column("coid", _id(), nullable=False),
    Column("broker_order_id", _id()),
    Column("orig_source", _word(Source), nullable=False),
    Column("entry_type", _word(EntryType)),
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
    Column("decision_id", _id(), nullable=False),
    Column("leg", Integer, nullable=False),
    Column("batch_id", _id()),
    Column("position_id", _id()),
    Column("disclosed_quantity", Integer, nullable=False),
    Column("idempotency_key", Text),
    Column("correlation_id", String(ID_LENGTH), nullable=False),
    Column("expires_at", Instant),
    Column("trading_day", Date, nullable=False),
    Column("cancel_requested", Boolean(create_constraint=False), nullable=False),
    Column("metadata", Words, nullable=False),
    _one_of("side", Side),
    _one_of("order_type", OrderType),
    _one_of("product", Product),
    _one_of("validity", Validity),
    _one_of("variety", Variety),
    _one_of("status", OrderStatus),
    _one_of("orig_source", Source),
    _one_of("entry_type", EntryType),
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
    Column("coid", _id(), primary_key=True),
    Column("number", Integer, nullable=False),
    _order_id(),
    Column("account_id", String(ID_LENGTH), nullable=False),
    Column("decision_id", _id(), nullable=False),
    Column("leg", Integer, nullable=False),
    Column("side", _word(Side), nullable=False),
    Column("symbol", String(SYMBOL_LENGTH), nullable=False),
    Column("variety", _word(Variety), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("price", Money),
    Column("status", _word(AttemptStatus), nullable=False),
    Column("broker_order_id", _id()),
    Column("broker_status", Text),
    Column("filled_quantity", Integer, nullable=False),
    Column("trading_day", Date, nullable=False),
    Column("looks", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    _one_of("side", Side),
    _one_of("variety", Variety),
    _one_of("status", AttemptStatus),
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
    Column("kind", _word(RequestKind), nullable=False),
    Column("payload", Words, nullable=False),
    Column("state", _word(RequestState), nullable=False),
    Column("detail", Text, nullable=False),
    Column("prepared_at", Instant, nullable=False),
    Column("answered_at", Instant),
    _one_of("kind", RequestKind),
    _one_of("state", RequestState),
    Index("ix_broker_requests_order_id", "order_id"),
)

fills = Table(
    "fills",
    metadata,
    Column("account_id", String(ID_LENGTH), nullable=False),
    Column("broker_order_id", _id(), nullable=False),
    Column("trade_id", _id(), nullable=False),
    _order_id(),
    Column("coid", _id(), nullable=False),
    Column("symbol", String(SYMBOL_LENGTH), nullable=False),
    Column("side", _word(Side), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("price", Money, nullable=False),
    Column("traded_at", Instant, nullable=False),
    Column("booked_at", Instant, nullable=False),
    Column("is_late", Boolean(create_constraint=False), nullable=False),
    PrimaryKeyConstraint("account_id", "broker_order_id", "trade_id"),
    _one_of("side", Side),
    CheckConstraint("quantity > 0", name="quantity"),
    Index("ix_fills_order_id", "order_id"),
    Index("ix_fills_booked_at", "booked_at"),
)

order_events = Table(
    "order_events",
    metadata,
    Column("account_id", String(ID_LENGTH), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    _order_id(),
    Column("event", String(ID_LENGTH), nullable=False),
    Column("from_status", _word(OrderStatus)),
    Column("to_status", _word(OrderStatus), nullable=False),
    # Without a limit: what the migration cut from an old reason stands here whole.
    Column("reason", Text, nullable=False),
    Column("source", String(ID_LENGTH), nullable=False),
    Column("at", Instant, nullable=False),
    Column("correlation_id", String(ID_LENGTH), nullable=False),
    Column("figures", Words, nullable=False),
    PrimaryKeyConstraint("account_id", "sequence"),
    _one_of("from_status", OrderStatus),
    _one_of("to_status", OrderStatus),
    Index("ix_order_events_order_id", "order_id"),
)

positions = Table(
    "positions",
    metadata,
    Column("id", _id(), primary_key=True),
    Column("account_id", String(ID_LENGTH), nullable=False),
    Column("user_id", String(ID_LENGTH), nullable=False),
    Column("symbol", String(SYMBOL_LENGTH), nullable=False),
    Column("exchange", String(WORD_LENGTH), nullable=False),
    Column("product", _word(Product), nullable=False),
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
    _one_of("product", Product),
    CheckConstraint("quantity >= 0", name="quantity"),
    Index("ix_positions_closed_at", "closed_at"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", _id(), nullable=False),
    Column("account_id", String(ID_LENGTH), nullable=False),
    Column("symbol", String(SYMBOL_LENGTH), nullable=False),
    Column("side", _word(Side), nullable=False),
    Column("trading_day", Date, nullable=False),
    Column("outcome", String(ID_LENGTH), nullable=False),
    Column("reason", Text, nullable=False),
    Column("figures", Words, nullable=False),
    _order_id(nullable=True),
    Column("at", Instant, nullable=False),
    Column("correlation_id", String(ID_LENGTH), nullable=False),
    PrimaryKeyConstraint("id", "account_id"),
    _one_of("side", Side),
    Index("ix_decisions_day_symbol", "trading_day", "symbol"),
    Index("ix_decisions_symbol", "symbol", "at"),
)

job_runs = Table(
    "job_runs",
    metadata,
    Column("name", String(ID_LENGTH), nullable=False),
    Column("planned_for", Instant, nullable=False),
    Column("finished_at", Instant, nullable=False),
    Column("outcome", Text, nullable=False),
    PrimaryKeyConstraint("name", "planned_for"),
)

command_runs = Table(
    "command_runs",
    metadata,
    Column("correlation_id", String(COMMAND_ID_LENGTH_MAX), nullable=False),
    Column("command", String(ID_LENGTH), nullable=False),
    Column("outcome", String(ID_LENGTH), nullable=False),
    Column("text", Text, nullable=False),
    Column("order_ids", Text, nullable=False),
    Column("figures", Words, nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("correlation_id"),
    Index("ix_command_runs_at", "at"),
)

# What is to leave the daemon; found by who delivers it, as long as it waits.
outbox = Table(
    "outbox",
    metadata,
    Column("id", _id(), primary_key=True),
    Column("kind", _word(OutboxKind), nullable=False),
    Column("target", String(ID_LENGTH), nullable=False),
    Column("topic", String(ID_LENGTH), nullable=False),
    Column("is_critical", Boolean(create_constraint=False), nullable=False),
    Column("payload", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("next_attempt_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("state", _word(OutboxState), nullable=False),
    Column("detail", String(DETAIL_LENGTH_MAX), nullable=False),
    Column("settled_at", Instant),
    _one_of("kind", OutboxKind),
    _one_of("state", OutboxState),
    Index("ix_outbox_settled_at", "settled_at"),
)

Index(
    "ix_outbox_waiting",
    outbox.c.kind,
    outbox.c.created_at,
    sqlite_where=text("state = 'waiting'"),
    postgresql_where=text("state = 'waiting'"),
)

batches = Table(
    "batches",
    metadata,
    Column("id", _id(), primary_key=True),
    Column("account_id", String(ID_LENGTH), nullable=False),
    Column("user_id", String(ID_LENGTH), nullable=False),
    Column("rollback_on_failure", Boolean(create_constraint=False), nullable=False),
    Column("unwind_filled", Boolean(create_constraint=False), nullable=False),
    Column("sequential", Boolean(create_constraint=False), nullable=False),
    Column("is_rolling_back", Boolean(create_constraint=False), nullable=False),
    Column("status", _word(BatchStatus)),
    Column("idempotency_key", Text),
    Column("fingerprint", String(ID_LENGTH), nullable=False),
    Column("correlation_id", String(ID_LENGTH), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("completed_at", Instant),
    _one_of("status", BatchStatus),
    Index("ix_batches_account_created", "account_id", "created_at"),
    Index("ix_batches_completed_at", "completed_at"),
)

batch_legs = Table(
    "batch_legs",
    metadata,
    Column("batch_id", _id(), ForeignKey("batches.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("account_id", String(ID_LENGTH), nullable=False),
    Column("symbol", String(SYMBOL_LENGTH), nullable=False),
    Column("exchange", String(WORD_LENGTH), nullable=False),
    Column("side", _word(Side), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("order_type", _word(OrderType), nullable=False),
    Column("price", Money),
    Column("trigger_price", Money),
    Column("product", _word(Product), nullable=False),
    Column("validity", _word(Validity), nullable=False),
    Column("disclosed_quantity", Integer, nullable=False),
    Column("tag", String(ID_LENGTH), nullable=False),
    Column("coid", _id(), nullable=False),
    _order_id(nullable=True),
    Column("unwind_order_id", _id(), ForeignKey("orders.id")),
    Column("status", _word(LegStatus), nullable=False),
    Column("filled_qty", Integer, nullable=False),
    Column("error", Text, nullable=False),
    PrimaryKeyConstraint("batch_id", "number"),
    _one_of("side", Side),
    _one_of("order_type", OrderType),
    _one_of("product", Product),
    _one_of("validity", Validity),
    _one_of("status", LegStatus),
    CheckConstraint("quantity > 0", name="quantity"),
    Index("ix_batch_legs_order_id", "order_id"),
)

order_lifecycle_ids = Table(
    "order_lifecycle_ids",
    metadata,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    _order_id(),
    Column("id_type", _word(IdType), nullable=False),
    Column("lifecycle_id", _id(), nullable=False, unique=True),
    Column("status", _word(IdStatus), nullable=False, server_default=IdStatus.ACTIVE),
    Column("replaced_by", _id()),
    Column("notes", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    _one_of("id_type", IdType),
    _one_of("status", IdStatus),
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

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("named_id", _id(), nullable=False),
    Column("reason", _word(DeadLetterReason), nullable=False),
    Column("said", String(ID_LENGTH), nullable=False),
    Column("state", String(WORD_LENGTH), nullable=False),
    Column("detail", Text, nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("named_id", "reason", "said"),
    _one_of("reason", DeadLetterReason),
    Index("ix_dead_letters_at", "at"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", String(ID_LENGTH), primary_key=True),
    Column("kind", _word(AccountKind), nullable=False),
    _one_of("kind", AccountKind),
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
