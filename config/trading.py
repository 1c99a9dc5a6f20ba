"""The keys that say what may be traded and how: risk limits, entry guards, exits and the care of orders."""

from __future__ import annotations

from decimal import Decimal

from config.declaring import BASIS_POINTS, MINUTES, PER_CENT, RUPEES, Section, key
from config.kinds import Guard, ManualWord, Number, OffHoursWord, UnknownWord
from tradebot.domain.manual import ManualPolicy
from tradebot.domain.policy import GuardMode, OffHours, UnknownPolicy


class Risk(Section):
    """Limits on what all entries together may do. Percentages are of the account's equity."""

    capital_per_trade: Number = key(
        "CAPITAL_PER_TRADE",
        Decimal(50_000),
        "the value of an entry whose signal names no quantity; below 10,000 the fixed charges of a delivery weigh",
        unit=RUPEES,
        low=Decimal(10_000),
        high=Decimal(5_000_000),
        live=True,
    )
    max_order_notional: Number = key(
        "MAX_ORDER_NOTIONAL",
        Decimal(1_000_000),
        "the most that one order may be worth",
        unit=RUPEES,
        low=Decimal(10_000),
        high=Decimal(5_000_000),
        live=True,
    )
    max_open_orders: int = key(
        "MAX_OPEN_ORDERS", 200, "pending orders at one time", unit="orders", low=30, high=1500, live=True
    )
    max_gross_per_day: Number = key(
        "MAX_GROSS_PER_DAY",
        Decimal(10_000_000),
        "the most that all entries of one day may be worth at their limits; what leaves is counted once more at the"
        " last point before the broker",
        unit=RUPEES,
        low=Decimal(2_000_000),
        high=Decimal(90_000_000),
        live=True,
    )
    max_rejects_in_a_row: int = key(
        "MAX_REJECTS_IN_A_ROW",
        10,
        "after so many refusals of the broker with no acceptance between them, entries are paused",
        unit="refusals",
        low=3,
        high=50,
        live=True,
    )
    max_positions: int = key(
        "MAX_POSITIONS", 6, "positions and open entries at one time", unit="positions", low=1, high=50, live=True
    )
    max_exposure_pct: Number = key(
        "MAX_EXPOSURE_PCT",
        Decimal(80),
        "the most that all positions and open entries together may be worth",
        unit=PER_CENT,
        low=Decimal(10),
        high=Decimal(100),
        live=True,
    )
    max_symbol_exposure_pct: Number = key(
        "MAX_SYMBOL_EXPOSURE_PCT",
        Decimal(20),
        "the same for one symbol",
        unit=PER_CENT,
        low=Decimal("2.5"),
        high=Decimal(100),
        live=True,
    )
    max_daily_drawdown_pct: Number = key(
        "MAX_DAILY_DRAWDOWN_PCT",
        Decimal(8),
        "no entry on a day on which so much has been lost",
        unit=PER_CENT,
        low=Decimal(1),
        high=Decimal(25),
        live=True,
    )
    max_trades_per_day: int = key(
        "MAX_TRADES_PER_DAY", 120, "entries on one trading day", unit="entries", low=1, high=1000, live=True
    )
    min_cash_reserve: Number = key(
        "MIN_CASH_RESERVE",
        Decimal(0),
        "cash that no entry may touch",
        unit=RUPEES,
        low=Decimal(0),
        high=Decimal(100_000_000),
        live=True,
    )
    max_volume_pct: Number = key(
        "MAX_VOLUME_PCT",
        Decimal(5),
        "how much of a share's mean volume of 20 days a failed order may be when it is tried again",
        unit=PER_CENT,
        low=Decimal(1),
        high=Decimal(25),
        live=True,
    )
    cooldown_min: int = key(
        "COOLDOWN_MIN",
        15,
        "no new entry in a symbol for so long after its exit; 0: none",
        unit=MINUTES,
        low=0,
        high=120,
        live=True,
    )


class Guards(Section):
    """What the order book must look like for an entry in market hours. "shadow" judges and logs, without blocking."""

    enable_spread_guard_entry: Guard = key(
        "ENABLE_SPREAD_GUARD_ENTRY",
        GuardMode.ON,
        "blocks an entry where the spread is wide",
        live=True,
        under_master=True,
    )
    max_spread_bps_entry: Number = key(
        "MAX_SPREAD_BPS_ENTRY",
        Decimal(10),
        "(ask - bid) / bid; one that is equal passes",
        unit=BASIS_POINTS,
        low=Decimal(2),
        high=Decimal(50),
        live=True,
    )
    enable_depth_guard_entry: Guard = key(
        "ENABLE_DEPTH_GUARD_ENTRY", GuardMode.ON, "blocks an entry where the book is thin", live=True, under_master=True
    )
    depth_min_notional: Number = key(
        "DEPTH_MIN_NOTIONAL",
        Decimal(50_000),
        "what the best five levels of the side to be taken must be worth together",
        unit=RUPEES,
        low=Decimal(10_000),
        high=Decimal(250_000),
        live=True,
    )
    enable_entry_slippage_guard: Guard = key(
        "ENABLE_ENTRY_SLIPPAGE_GUARD",
        GuardMode.ON,
        "blocks an entry that would walk too far up the book",
        live=True,
        under_master=True,
    )
    max_slippage_bps_entry: Number = key(
        "MAX_SLIPPAGE_BPS_ENTRY",
        Decimal(15),
        "how far the average price may lie above the best one",
        unit=BASIS_POINTS,
        low=Decimal(2),
        high=Decimal(100),
        live=True,
    )
    max_quote_age_s: int = key(
        "MAX_QUOTE_AGE_S",
        5,
        "a quote that is older is no market data, and blocks",
        unit="seconds",
        low=2,
        high=30,
        live=True,
    )


class Exits(Section):
    """When a position is sold at what the market pays, beside its resting target. The first rule that hits wins."""

    enable_stop_loss: bool = key(
        "ENABLE_STOP_LOSS", True, "sells at a loss of ATR x multiple or of the least distance", live=True
    )
    stop_loss_atr_multiple: Number = key(
        "STOP_LOSS_ATR_MULTIPLE",
        Decimal(2),
        "the stop's distance in average true ranges of 14 days; without an ATR the least distance alone",
        unit="x ATR",
        low=Decimal("0.5"),
        high=Decimal(10),
        live=True,
    )
    stop_loss_pct: Number = key(
        "STOP_LOSS_PCT",
        Decimal("0.5"),
        "the stop's least distance from the average entry price",
        unit=PER_CENT,
        low=Decimal("0.1"),
        high=Decimal(4),
        live=True,
    )
    enable_trailing_stop: bool = key("ENABLE_TRAILING_STOP", True, "sells when a gain melts away", live=True)
    trailing_arm_pct: Number = key(
        "TRAILING_ARM_PCT",
        Decimal("0.5"),
        "the gain that arms the trailing stop, and that it does not give back",
        unit=PER_CENT,
        low=Decimal("0.1"),
        high=Decimal(4),
        live=True,
    )
    trailing_giveback_pct: Number = key(
        "TRAILING_GIVEBACK_PCT",
        Decimal(1),
        "how far below its peak the price hits the trailing stop",
        unit=PER_CENT,
        low=Decimal("0.2"),
        high=Decimal(8),
        live=True,
    )
    trade_ttl_min: int = key(
        "TRADE_TTL_MIN",
        120,
        "the age, from the first fill, at which an intraday position is sold",
        unit=MINUTES,
        low=5,
        high=10_080,
        live=True,
    )
    ttl_applies_to_delivery: bool = key(
        "TTL_APPLIES_TO_DELIVERY", False, "delivery positions are sold at that age too", live=True
    )
    max_slippage_bps_exit: Number = key(
        "MAX_SLIPPAGE_BPS_EXIT",
        Decimal(12),
        "how far below the best bid the limit of such a sale lies",
        unit=BASIS_POINTS,
        low=Decimal(2),
        high=Decimal(100),
        live=True,
    )


class Orders(Section):
    """How orders are priced, and what happens to one whose fate is not known."""

    amo_limit_pct: Number = key(
        "AMO_LIMIT_PCT",
        Decimal(1),
        "how far from the last close the protected limit lies of a signal without a limit",
        unit=PER_CENT,
        low=Decimal("0.2"),
        high=Decimal(5),
        live=True,
    )
    off_hours_policy: OffHoursWord = key(
        "OFF_HOURS_POLICY",
        OffHours.ALLOW,
        "an entry while the market is closed: allow sends an after-market order now; defer holds it as pending and"
        " sends a regular one after the open, once the guards pass",
        live=True,
    )
    unknown_policy: UnknownWord = key(
        "UNKNOWN_POLICY",
        UnknownPolicy.HOLD,
        "an order that can nowhere be found is held for a human, or declared expired",
        live=True,
    )
    manual_policy: ManualWord = key(
        "MANUAL_POLICY",
        ManualPolicy.ADOPT,
        "what people do by hand at the broker: we go on with it, take no notice, or halt the symbol as well",
        live=True,
    )
    manual_policy_of: str = key(
        "MANUAL_POLICY_OF",
        "",
        "symbols with a policy of their own",
        allowed='pairs like "INFY=halt, TCS=ignore", or empty',
        pattern=r"^([A-Z0-9&-]{1,32}=(adopt|ignore|halt)(, ?| |$)){0,200}$",
        live=True,
    )
    unknown_looks: int = key(
        "UNKNOWN_LOOKS", 3, "how often it is looked for first", unit="looks", low=2, high=10, live=True
    )
    verify_after_s: int = key(
        "VERIFY_AFTER_S",
        15,
        "how long after a placement the broker's order book is asked about it",
        unit="seconds",
        low=10,
        high=30,
        live=True,
    )
    archive_after_years: int = key(
        "ARCHIVE_AFTER_YEARS",
        5,
        "`main.py archive` moves what ended longer ago out of the database; SEBI wants five years to be kept",
        unit="years",
        low=1,
        high=20,
    )
    registry_keep_days: int = key(
        "REGISTRY_KEEP_DAYS",
        7,
        "how long finished ids stay in state/coid_registry.json",
        unit="days",
        low=1,
        high=60,
        live=True,
    )
