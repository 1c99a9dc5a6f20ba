"""The tables beside those of orders: what is held, decided and batched, what has run, and what is to leave."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    text,
)

from tradebot.adapters.storage.column_types import Instant, Money, Words
from tradebot.adapters.storage.schema import (
    ID_LENGTH,
    SYMBOL_LENGTH,
    WORD_LENGTH,
    id_type,
    metadata,
    one_of,
    order_id,
    word_type,
)
from tradebot.domain.batches import BatchStatus, LegStatus
from tradebot.domain.command_runs import COMMAND_ID_LENGTH_MAX
from tradebot.domain.lifecycle_ids import AccountKind, DeadLetterReason
from tradebot.domain.orders import OrderType, Product, Side, Validity
from tradebot.domain.outbox import DETAIL_LENGTH_MAX, OutboxKind, OutboxState

positions = Table(
    "positions",
    metadata,
    Column("id", id_type(), primary_key=True),
    Column("account_id", String(ID_LENGTH), nullable=False),
    Column("user_id", String(ID_LENGTH), nullable=False),
    Column("symbol", String(SYMBOL_LENGTH), nullable=False),
    Column("exchange", String(WORD_LENGTH), nullable=False),
    Column("product", word_type(Product), nullable=False),
    Column("opened_by", id_type(), nullable=False),
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
    one_of("product", Product),
    CheckConstraint("quantity >= 0", name="quantity"),
    Index("ix_positions_closed_at", "closed_at"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", id_type(), nullable=False),
    Column("account_id", String(ID_LENGTH), nullable=False),
    Column("symbol", String(SYMBOL_LENGTH), nullable=False),
    Column("side", word_type(Side), nullable=False),
    Column("trading_day", Date, nullable=False),
    Column("outcome", String(ID_LENGTH), nullable=False),
    Column("reason", Text, nullable=False),
    Column("figures", Words, nullable=False),
    order_id(nullable=True),
    Column("at", Instant, nullable=False),
    Column("correlation_id", String(ID_LENGTH), nullable=False),
    PrimaryKeyConstraint("id", "account_id"),
    one_of("side", Side),
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
    Column("id", id_type(), primary_key=True),
    Column("kind", word_type(OutboxKind), nullable=False),
    Column("target", String(ID_LENGTH), nullable=False),
    Column("topic", String(ID_LENGTH), nullable=False),
    Column("is_critical", Boolean(create_constraint=False), nullable=False),
    Column("payload", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("next_attempt_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("state", word_type(OutboxState), nullable=False),
    Column("detail", String(DETAIL_LENGTH_MAX), nullable=False),
    Column("settled_at", Instant),
    one_of("kind", OutboxKind),
    one_of("state", OutboxState),
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
    Column("id", id_type(), primary_key=True),
    Column("account_id", String(ID_LENGTH), nullable=False),
    Column("user_id", String(ID_LENGTH), nullable=False),
    Column("rollback_on_failure", Boolean(create_constraint=False), nullable=False),
    Column("unwind_filled", Boolean(create_constraint=False), nullable=False),
    Column("sequential", Boolean(create_constraint=False), nullable=False),
    Column("is_rolling_back", Boolean(create_constraint=False), nullable=False),
    Column("status", word_type(BatchStatus)),
    Column("idempotency_key", Text),
    Column("fingerprint", String(ID_LENGTH), nullable=False),
    Column("correlation_id", String(ID_LENGTH), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("completed_at", Instant),
    one_of("status", BatchStatus),
    Index("ix_batches_account_created", "account_id", "created_at"),
    Index("ix_batches_completed_at", "completed_at"),
)

batch_legs = Table(
    "batch_legs",
    metadata,
    Column("batch_id", id_type(), ForeignKey("batches.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("account_id", String(ID_LENGTH), nullable=False),
    Column("symbol", String(SYMBOL_LENGTH), nullable=False),
    Column("exchange", String(WORD_LENGTH), nullable=False),
    Column("side", word_type(Side), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("order_type", word_type(OrderType), nullable=False),
    Column("price", Money),
    Column("trigger_price", Money),
    Column("product", word_type(Product), nullable=False),
    Column("validity", word_type(Validity), nullable=False),
    Column("disclosed_quantity", Integer, nullable=False),
    Column("tag", String(ID_LENGTH), nullable=False),
    Column("coid", id_type(), nullable=False),
    order_id(nullable=True),
    Column("unwind_order_id", id_type(), ForeignKey("orders.id")),
    Column("status", word_type(LegStatus), nullable=False),
    Column("filled_qty", Integer, nullable=False),
    Column("error", Text, nullable=False),
    PrimaryKeyConstraint("batch_id", "number"),
    one_of("side", Side),
    one_of("order_type", OrderType),
    one_of("product", Product),
    one_of("validity", Validity),
    one_of("status", LegStatus),
    CheckConstraint("quantity > 0", name="quantity"),
    Index("ix_batch_legs_order_id", "order_id"),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("named_id", id_type(), nullable=False),
    Column("reason", word_type(DeadLetterReason), nullable=False),
    Column("said", String(ID_LENGTH), nullable=False),
    Column("state", String(WORD_LENGTH), nullable=False),
    Column("detail", Text, nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("named_id", "reason", "said"),
    one_of("reason", DeadLetterReason),
    Index("ix_dead_letters_at", "at"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", String(ID_LENGTH), primary_key=True),
    Column("kind", word_type(AccountKind), nullable=False),
    one_of("kind", AccountKind),
)
