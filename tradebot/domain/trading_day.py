"""The sessions of one trading day: when its auctions are, when there is continuous trading, and what ends when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class Phase(StrEnum):
    """What the exchange does at an instant, for one instrument and one broker's AMO window."""

    CLOSED = "closed"
    AMO = "amo"
    PRE_OPEN = "pre_open"
    OPEN = "open"
    CLOSING = "closing"
    POST_CLOSE = "post_close"
    HOLIDAY = "holiday"


class DayKind(StrEnum):
    """Regular days count for expiry; special (short) ones and Muhurat do not."""

    REGULAR = "regular"
    SPECIAL = "special"
    MUHURAT = "muhurat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A half-open stretch of time, `start <= at < end`, aware UTC."""

    start: datetime
    end: datetime

    def contains(self, at: datetime) -> bool:
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingAuction:
    """The auction that makes the closing price (SEBI circular of 2026-01-16).

    `reference` is when the reference price is formed, `entry` when orders are taken. The exchange stops the
    entry at a random instant of its last minutes; here it always stops at the last possible one, `match_at`,
    so that two runs of one day agree. `band_pct` is per cent on either side of the reference price. Resting
    stop orders and orders with disclosed quantity are cancelled at `cancels_stop_orders_at`.
    """

    reference: Window
    entry: Window
    limit_only_from: datetime
    match_at: datetime
    ends_at: datetime
    band_pct: Decimal
    cancels_stop_orders_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPlan:
    """One day's sessions for one class of instruments.

    `pre_open` is the entry of the opening auction. The exchange stops it at a random instant of its last
    minute or two; here it always stops at the last possible one, and the auction is matched and priced at
    that same instant, `auction_at`. From `pre_open_limit_only_from` on the auction takes limit orders only.
    `continuous` has at least one window, in order, without overlap.
    """

    pre_open: Window | None
    auction_at: datetime | None
    continuous: tuple[Window, ...]
    closing_auction: ClosingAuction | None
    post_close: Window | None
    pre_open_limit_only_from: datetime | None = None

    @property
    def opens_at(self) -> datetime:
        return self.continuous[0].start

    @property
    def release_at(self) -> datetime:
        """When parked AMOs reach the exchange: with the pre-open where there is one, else at the open."""
        return self.pre_open.start if self.pre_open else self.opens_at

    @property
    def ends_at(self) -> datetime:
        """The last instant at which an order of the day can still trade (post-close is not used)."""
        return self.closing_auction.ends_at if self.closing_auction else self.continuous[-1].end

    @property
    def stops_end_at(self) -> datetime:
        """Until when stop orders stand."""
        return self.closing_auction.cancels_stop_orders_at if self.closing_auction else self.continuous[-1].end


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingDay:
    """A day with a session; `settlement` is false where trades do not settle although there is trading."""

    day: date
    kind: DayKind
    settlement: bool
    derivatives: SessionPlan
    cash_only: SessionPlan

    def plan(self, has_derivatives: bool) -> SessionPlan:
        return self.derivatives if has_derivatives else self.cash_only

    @property
    def is_full(self) -> bool:
        """A session of regular length, on whatever weekday: only such days count for an order's expiry."""
        return self.kind is DayKind.REGULAR

    @property
    def opens_at(self) -> datetime:
        return min(self.derivatives.opens_at, self.cash_only.opens_at)

    @property
    def release_at(self) -> datetime:
        return min(self.derivatives.release_at, self.cash_only.release_at)

    @property
    def ends_at(self) -> datetime:
        return max(self.derivatives.ends_at, self.cash_only.ends_at)

    @property
    def stops_end_at(self) -> datetime:
        """Until when a stop order of any share stands: 15:15 since 2026-08-03, for shares with derivatives. Those of
        other shares stand longer; they are not sent after it."""
        return min(self.derivatives.stops_end_at, self.cash_only.stops_end_at)
