"""What the HTTP face stands on: everything it calls comes in here, so that it knows no adapter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tradebot.domain.access import Caller, Grant
from tradebot.domain.batches import Batch, Leg
from tradebot.domain.lifecycle_ids import Resolved
from tradebot.domain.order_queries import OrderFigures, OrderPage, OrderQuery, OrderStory, OrderUpdate, Snapshot
from tradebot.domain.orders import Fill
from tradebot.domain.webhooks import Webhook
from tradebot.interfaces.api.command_desk import CommandDesk
from tradebot.interfaces.api.overview import Overview
from tradebot.interfaces.api.stream.hub import Hub
from tradebot.ports import Clock


class Orders(Protocol):
    """The database, for reading only."""

    def page(self, query: OrderQuery) -> OrderPage: ...

    def figures(self, query: OrderQuery, now: datetime) -> OrderFigures: ...

    def order(self, any_id: str) -> OrderStory | None: ...

    def resolve(self, name: str) -> Resolved | None: ...

    def updates(self, account_id: str, since: int, limit: int) -> Sequence[OrderUpdate]: ...

    def snapshot(self, account_id: str) -> Snapshot: ...

    def fills(self, account_ids: Sequence[str], since: datetime, limit: int = ...) -> Sequence[Fill]: ...

    def is_answering(self) -> bool: ...


class BatchStory(Protocol):
    """A batch with its legs, and the broker's numbers of those that have one."""

    @property
    def batch(self) -> Batch: ...

    @property
    def legs(self) -> Sequence[Leg]: ...

    @property
    def broker_order_ids(self) -> Sequence[str]: ...


class Batches(Protocol):
    """The batches in the database, for reading only."""

    def batch(self, batch_id: str) -> BatchStory | None: ...


class Webhooks(Protocol):
    """The receivers of webhooks; `add` raises ValueError for one that is not kept."""

    def add(self, webhook: Webhook) -> None: ...

    def is_full(self, account_id: str) -> bool: ...

    def of_account(self, account_id: str) -> Sequence[Webhook]: ...

    def remove(self, account_id: str, webhook_id: str) -> bool: ...


class Tokens(Protocol):
    """The tokens that were made; both raise StateCorrupt when they cannot be trusted."""

    def grants(self) -> Sequence[Grant]: ...

    def find(self, token: str) -> Grant | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The state of one part of the daemon. `is_vital`: without it, trading is not safe."""

    is_well: bool
    text: str
    is_vital: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is taken. `names` are the hosts by which a browser may call."""

    requests_per_s: int = 200
    body_bytes_max: int = 64 * 1024
    body_s_max: float = 10.0
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """`clock` is the daemon's (virtual in a replay), `real` the machine's; `local` is who a caller of this machine is
    while there is no token; `health` is asked on a thread of its own; `is_ready` says whether the books agree with the
    broker."""

    orders: Orders
    batches: Batches
    webhooks: Webhooks
    desk: CommandDesk
    hub: Hub
    overview: Overview
    is_ready: Callable[[], bool]
    is_live: bool = False
    tokens: Tokens
    health: Callable[[], Mapping[str, Part]]
    clock: Clock
    real: Clock
    metrics: Callable[[], bytes]
    new_id: Callable[[], str]
    new_secret: Callable[[], str]
    local: Caller
    version: str
    limits: Limits = field(default_factory=Limits)
