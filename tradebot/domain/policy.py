"""The operator's settings as the decisions see them: small frozen values, swapped whole by a reload."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time, timedelta
from decimal import Decimal
from enum import StrEnum

from tradebot.domain.expectations import Patience
from tradebot.domain.manual import ManualRules


class GuardMode(StrEnum):
    """`shadow` judges and logs, and does not block."""

    ON = "true"
    OFF = "false"
    SHADOW = "shadow"


class UnknownPolicy(StrEnum):
    """What happens to an order that can nowhere be found: held for a human, or declared expired."""

    HOLD = "hold"
    EXPIRE = "expire"


class OffHours(StrEnum):
    """What becomes of an entry while the market is closed: an after-market order now, or a regular one after the open,
    once the guards pass."""

    ALLOW = "allow"
    DEFER = "defer"


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimits:
    """Limits on what all entries together may do. Percentages are of the account's equity, money in rupees."""

    positions_max: int = 6
    exposure_pct_max: Decimal = Decimal(80)
    symbol_exposure_pct_max: Decimal = Decimal(20)
    daily_drawdown_pct_max: Decimal = Decimal(8)
    trades_per_day_max: int = 120
    cash_reserve_min: Decimal = Decimal(0)
    order_notional_max: Decimal = Decimal(1_000_000)
    orders_open_max: int = 200
    gross_per_day_max: Decimal = Decimal(10_000_000)
    rejects_in_a_row_max: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteLimits:
    """What a book must look like for an entry: spread and slippage in basis points, depth in rupees, age in
    seconds (older than that, it is no market data)."""

    spread: GuardMode = GuardMode.ON
    spread_bps_max: Decimal = Decimal(10)
    depth: GuardMode = GuardMode.ON
    depth_notional_min: Decimal = Decimal(50_000)
    slippage: GuardMode = GuardMode.ON
    slippage_bps_max: Decimal = Decimal(15)
    age_s_max: Decimal = Decimal(5)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitRules:
    """When a position is sold at what the market pays, beside its resting target.

    `ttl_from_first_fill`: the age counts from there, and not from the submission of the order that opened it.
    The stop lies max(ATR x `atr_multiple`, entry x `stop_floor_pct`) below the entry. The trailing stop is armed
    above entry x (1 + `trail_arm_pct`) and hit below max(that, peak x (1 - `trail_giveback_pct`)).
    """

    use_stop: bool = True
    atr_multiple: Decimal = Decimal(2)
    stop_floor_pct: Decimal = Decimal("0.5")
    use_trailing: bool = True
    trail_arm_pct: Decimal = Decimal("0.5")
    trail_giveback_pct: Decimal = Decimal(1)
    ttl: timedelta = timedelta(minutes=120)
    ttl_applies_to_delivery: bool = False
    ttl_from_first_fill: bool = True
    slippage_bps_max: Decimal = Decimal(12)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFlags:
    """The switches of the order flow as they count: each flag AND the master, which stands here to be shown.

    `coids`: ids are derived and reserved, not drawn; `startup_reconcile`: no job before the first comparison;
    `symbol_locks`: one lane a symbol, not one an order; `consolidated_guards`, `consolidated_exits`: everything judged
    on one picture; `observe_only`: nothing is sent.
    """

    master: bool = True
    coids: bool = True
    startup_reconcile: bool = True
    symbol_locks: bool = True
    consolidated_guards: bool = True
    consolidated_exits: bool = True
    observe_only: bool = False
    is_unsafe_live_forced: bool = False

    def missing_for_live(self) -> tuple[str, ...]:
        """What live trading must not do without; named as in the configuration."""
        needed = (("ENABLE_COID_MANAGER", self.coids), ("ENABLE_STARTUP_RECONCILE", self.startup_reconcile))
        return tuple(name for name, is_on in needed if not is_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTimes:
    """When the jobs of a trading day are due: times in IST; the rest follows the session plan."""

    amo_placement: time = time(16, 5)
    end_of_day: time = time(18, 0)
    end_of_day_after_close: timedelta = timedelta(minutes=30)
    cycle_minutes: int = 1
    verify_after: timedelta = timedelta(seconds=15)
    expiry: time = time(15, 30)
    retry: time = time(8, 0)
    retry_until: time = time(8, 50)
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything that the engine's decisions need to know of the settings."""

    account_id: str = "primary"
    user_id: str = "owner"
    capital_per_trade: Decimal = Decimal(50_000)
    amo_limit_pct: Decimal = Decimal(1)
    cooldown: timedelta = timedelta(minutes=15)
    off_hours: OffHours = OffHours.ALLOW
    volume_pct_max: Decimal = Decimal(5)
    manual: ManualRules = field(default_factory=ManualRules)
    unknown: UnknownPolicy = UnknownPolicy.HOLD
    looks_before_expiry: int = 3
    flags: FlowFlags = field(default_factory=FlowFlags)
    risk: RiskLimits = field(default_factory=RiskLimits)
    quotes: QuoteLimits = field(default_factory=QuoteLimits)
    exits: ExitRules = field(default_factory=ExitRules)
    times: DayTimes = field(default_factory=DayTimes)
    registry_keep: timedelta = timedelta(days=7)
