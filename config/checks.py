"""Rules between keys: values that are each allowed and together make no sense."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from config.flags import MASTER
from config.kinds import BrokerName, Mode
from config.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """`keys`: what it is about, first the one that is named as wrong; `rule` completes "it must be".

    `only_with`: the flag without which the rule has no meaning.
    """

    keys: tuple[str, ...]
    rule: str
    holds: Callable[[Settings], bool]
    only_with: str = ""


def is_broken(check: Check, settings: Settings) -> bool:
    return bool(not check.only_with or settings.value(check.only_with)) and not check.holds(settings)


def _order_fits_symbol(s: Settings) -> bool:
    return s.risk.capital_per_trade * 100 <= s.run.opening_cash * s.risk.max_symbol_exposure_pct


def _stop_outlives_spread(s: Settings) -> bool:
    return s.guards.max_spread_bps_entry < s.exits.stop_loss_pct * 100


def _trailing_keeps_gain(s: Settings) -> bool:
    return s.exits.max_slippage_bps_exit < s.exits.trailing_arm_pct * 100


def _peak_lies_above(s: Settings) -> bool:
    return s.exits.max_slippage_bps_exit < s.exits.trailing_giveback_pct * 100


def _is_safe_for_live(name: str) -> Callable[[Settings], bool]:
    return lambda s: s.run.mode != "live" or s.flags.force_unsafe_live or bool(s.in_force(name))


def _is_live(s: Settings) -> bool:
    return s.run.mode is Mode.LIVE


CHECKS = (
    Check(
        keys=("broker", "mode"),
        rule="kite or kotak in mode live, and paper in the others",
        holds=lambda s: _is_live(s) is not (s.broker.broker is BrokerName.PAPER),
    ),
    Check(
        keys=("confirm_live", "mode"),
        rule="true in mode live: it trades with real money",
        holds=lambda s: s.broker.confirm_live or not _is_live(s),
    ),
    Check(
        keys=("KITE_API_KEY", "KITE_API_SECRET", "broker"),
        rule="given, with the secret, for the broker kite",
        holds=lambda s: s.broker.broker is not BrokerName.KITE or not s.broker.missing_credentials(),
    ),
    Check(
        keys=("KOTAK_ACCESS_TOKEN", "KOTAK_MOBILE", "KOTAK_CLIENT_CODE", "KOTAK_MPIN", "KOTAK_TOTP_SEED", "broker"),
        rule="given, with the four others, for the broker kotak",
        holds=lambda s: s.broker.broker is not BrokerName.KOTAK or not s.broker.missing_credentials(),
    ),
    Check(
        keys=("NOTIFY_URLS", "ENABLE_NOTIFICATIONS"),
        rule="at least one address, or ENABLE_NOTIFICATIONS false",
        holds=lambda s: bool(s.notifications.addresses) or not s.notifications.enable_notifications,
    ),
    Check(
        keys=("data", "mode", "broker_url"),
        rule="given in mode live, where no exchange process stands in for the broker: strategies need real bars",
        holds=lambda s: bool(not _is_live(s) or s.replay.data or s.broker.broker_url),
    ),
    Check(
        keys=("BROKER_ORDERS_PER_MINUTE", "broker"),
        rule="at most 290 for the broker kotak",
        holds=lambda s: s.broker.broker is not BrokerName.KOTAK or s.broker.orders_per_minute <= 290,
    ),
    *(
        Check(
            keys=(name, MASTER, "mode", "FORCE_UNSAFE_LIVE"),
            rule=f"true in live mode, with {MASTER}, unless FORCE_UNSAFE_LIVE is true: without it an order can be"
            " placed twice or lost",
            holds=_is_safe_for_live(name),
        )
        for name in ("ENABLE_COID_MANAGER", "ENABLE_STARTUP_RECONCILE")
    ),
    Check(
        keys=("to", "from"),
        rule="the day of `from` or a later one",
        holds=lambda s: s.replay.first_day <= s.replay.last_day,
    ),
    Check(
        keys=("CAPITAL_PER_TRADE", "MAX_ORDER_NOTIONAL"),
        rule="at most MAX_ORDER_NOTIONAL, or every entry is blocked",
        holds=lambda s: s.risk.capital_per_trade <= s.risk.max_order_notional,
    ),
    Check(
        keys=("CAPITAL_PER_TRADE", "MAX_SYMBOL_EXPOSURE_PCT", "opening_cash"),
        rule="at most MAX_SYMBOL_EXPOSURE_PCT of opening_cash, or every entry is blocked",
        holds=_order_fits_symbol,
    ),
    Check(
        keys=("MAX_SYMBOL_EXPOSURE_PCT", "MAX_EXPOSURE_PCT"),
        rule="at most MAX_EXPOSURE_PCT",
        holds=lambda s: s.risk.max_symbol_exposure_pct <= s.risk.max_exposure_pct,
    ),
    Check(
        keys=("MIN_CASH_RESERVE", "opening_cash", "CAPITAL_PER_TRADE"),
        rule="at most opening_cash less CAPITAL_PER_TRADE, or every entry is blocked",
        holds=lambda s: s.risk.min_cash_reserve <= s.run.opening_cash - s.risk.capital_per_trade,
    ),
    Check(
        keys=("STOP_LOSS_PCT", "MAX_SPREAD_BPS_ENTRY"),
        rule="more than MAX_SPREAD_BPS_ENTRY (100 basis points are 1 per cent): a fill must not be stopped at once",
        holds=_stop_outlives_spread,
        only_with="ENABLE_STOP_LOSS",
    ),
    Check(
        keys=("TRAILING_ARM_PCT", "MAX_SLIPPAGE_BPS_EXIT"),
        rule="more than MAX_SLIPPAGE_BPS_EXIT (100 basis points are 1 per cent): the sale must not cost the gain",
        holds=_trailing_keeps_gain,
        only_with="ENABLE_TRAILING_STOP",
    ),
    Check(
        keys=("TRAILING_GIVEBACK_PCT", "MAX_SLIPPAGE_BPS_EXIT"),
        rule="more than MAX_SLIPPAGE_BPS_EXIT (100 basis points are 1 per cent): the sale must not cost more",
        holds=_peak_lies_above,
        only_with="ENABLE_TRAILING_STOP",
    ),
    Check(
        keys=("QUOTE_STALE_S", "MAX_QUOTE_AGE_S"),
        rule="at most MAX_QUOTE_AGE_S, or a guard refuses what the cache answers",
        holds=lambda s: s.calls.quote_stale_s <= s.guards.max_quote_age_s,
        only_with="ENABLE_SOFT_TTL_CACHE",
    ),
    Check(
        keys=("LOG_FILE_MB_MAX", "LOG_ARCHIVE_MB_MAX"),
        rule="at most LOG_ARCHIVE_MB_MAX, or nothing is kept in the archive",
        holds=lambda s: s.logs.log_file_mb_max <= s.logs.log_archive_mb_max,
    ),
    Check(
        keys=("END_OF_DAY_AT", "AMO_PLACEMENT_AT"),
        rule="later than AMO_PLACEMENT_AT",
        holds=lambda s: s.times.amo_placement_at < s.times.end_of_day_at,
    ),
)
