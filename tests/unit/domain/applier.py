"""The smallest user of `reconcile`: applies what it found, and leaves out rows older than one it has compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tests.builders import an_attempt, an_order, later
from tradebot.domain.broker_views import BrokerOrder, BrokerTrade
from tradebot.domain.lifecycle import apply, book_fill
from tradebot.domain.orders import Attempt, Fill, Order
from tradebot.domain.reconcile import Finding, Look, Notice, Tracked, reconcile

SESSION_END = later(minutes=240)


@dataclass(slots=True)
class Follower:
    """One order of ours, followed through any number of looks."""

    order: Order = field(default_factory=an_order)
    attempt: Attempt = field(default_factory=an_attempt)
    fills: list[Fill] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    is_being_modified: bool = False
    newest: datetime | None = None

    def look(self, row: BrokerOrder, trades: Sequence[BrokerTrade] = (), at: datetime | None = None) -> Finding | None:
        """Compare and apply; None for no difference, and for a row that is older than the last one."""
        if self.newest is not None and row.updated_at < self.newest:
            return None
        self.newest = row.updated_at
        ours = Tracked(
            order=self.order,
            attempt=self.attempt,
            booked={fill.trade_id for fill in self.fills},
            is_being_modified=self.is_being_modified,
        )
        when = Look(at=at or later(minutes=1), source="test", session_ends_at=SESSION_END)
        finding = reconcile(ours, row, trades, when)
        if finding is not None:
            self._apply(finding)
        return finding

    def _apply(self, finding: Finding) -> None:
        for fill in finding.fills:
            self.order = book_fill(self.order, fill)
        for transition in finding.transitions:
            self.order = apply(self.order, transition)
        if finding.manual_price is not None and finding.manual_quantity is not None:
            self.order = replace(self.order, price=finding.manual_price, quantity=finding.manual_quantity)
        self.attempt = finding.attempt
        self.fills += finding.fills
        self.notices += finding.notices
