"""What one transaction saves, and what a start loads again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tradebot.domain.batches import Batch, Leg
from tradebot.domain.command_runs import CommandRun
from tradebot.domain.lifecycle_ids import DeadLetter, LifecycleId
from tradebot.domain.orders import Attempt, BrokerRequest, Decision, Fill, JobRun, Order, OrderEvent, OrderId
from tradebot.domain.outbox import OutboxEntry
from tradebot.domain.positions import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What one transaction saves. Orders, attempts, requests, positions and decisions are inserted or replaced by
    their keys; events, fills, job runs and command runs are added (a fill or a run that is there already stays).
    `outbox` are new entries (one that is there already stays), `outbox_marks` what became of them."""

    orders: Sequence[Order] = ()
    attempts: Sequence[Attempt] = ()
    requests: Sequence[BrokerRequest] = ()
    positions: Sequence[Position] = ()
    fills: Sequence[Fill] = ()
    events: Sequence[OrderEvent] = ()
    decisions: Sequence[Decision] = ()
    job_runs: Sequence[JobRun] = ()
    command_runs: Sequence[CommandRun] = ()
    batches: Sequence[Batch] = ()
    batch_legs: Sequence[Leg] = ()
    lifecycle_ids: Sequence[LifecycleId] = ()
    dead_letters: Sequence[DeadLetter] = ()
    outbox: Sequence[OutboxEntry] = ()
    outbox_marks: Sequence[OutboxEntry] = ()

    def __bool__(self) -> bool:
        return bool(
            self.orders
            or self.attempts
            or self.requests
            or self.positions
            or self.fills
            or self.events
            or self.decisions
            or self.job_runs
            or self.command_runs
            or self.batches
            or self.batch_legs
            or self.lifecycle_ids
            or self.dead_letters
            or self.outbox
            or self.outbox_marks
        )


COMMAND_RUNS_LOADED = 1_000
"""More than can wait unanswered in the spool at one time: no older one can come again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What is loaded at start: everything that may still change, and the counters.

    `orders` are those pending, ongoing or failed, any with an open attempt, and all of trading days from `since` on
    (a late fill may still come for them); `attempts`, `requests` and `fills` belong to them; `positions` are the open
    ones and those that the orders name; `job_runs` the last run of each job; `command_runs` the newest
    `COMMAND_RUNS_LOADED`; `decisions` those of trading days from `since` on; `batches` those that
    are not complete and those whose orders are loaded, with their legs; `lifecycle_ids` belong to the orders.
    """

    orders: Sequence[Order] = ()
    attempts: Sequence[Attempt] = ()
    requests: Sequence[BrokerRequest] = ()
    positions: Sequence[Position] = ()
    fills: Sequence[Fill] = ()
    job_runs: Sequence[JobRun] = ()
    decisions: Sequence[Decision] = ()
    command_runs: Sequence[CommandRun] = ()
    batches: Sequence[Batch] = ()
    batch_legs: Sequence[Leg] = ()
    lifecycle_ids: Sequence[LifecycleId] = ()
    sequences: Mapping[str, int] = field(default_factory=dict)
    highest_order_id: OrderId | None = None
