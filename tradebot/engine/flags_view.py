"""The switches as they count right now, for whoever shows the daemon."""

from __future__ import annotations

from datetime import timedelta

from tradebot.domain.events import Level
from tradebot.domain.policy import Policy


def flags_in_force(policy: Policy) -> tuple[tuple[str, str], ...]:
    """The switches that entries and exits obey right now, by the names that they have in the configuration."""
    quotes, exits, flow = policy.quotes, policy.exits, policy.flags
    return (
        ("ENABLE_ORDER_FLOW_HARDENING", _word(flow.master)),
        ("OBSERVE_ONLY", _word(flow.observe_only)),
        ("ENABLE_COID_MANAGER", _word(flow.coids)),
        ("ENABLE_STARTUP_RECONCILE", _word(flow.startup_reconcile)),
        ("ENABLE_SYMBOL_LOCKS", _word(flow.symbol_locks)),
        ("ENABLE_CONSOLIDATED_ENTRY_GUARDS", _word(flow.consolidated_guards)),
        ("ENABLE_CONSOLIDATED_EXITS", _word(flow.consolidated_exits)),
        ("USE_FIRST_FILL_TS_FOR_TTL", _word(exits.ttl_from_first_fill)),
        ("ENABLE_SPREAD_GUARD_ENTRY", f"{quotes.spread}, {quotes.spread_bps_max} bps"),
        ("ENABLE_DEPTH_GUARD_ENTRY", f"{quotes.depth}, Rs {quotes.depth_notional_min}"),
        ("ENABLE_ENTRY_SLIPPAGE_GUARD", f"{quotes.slippage}, {quotes.slippage_bps_max} bps"),
        ("ENABLE_STOP_LOSS", f"{_word(exits.use_stop)}, {exits.atr_multiple} ATR or {exits.stop_floor_pct}%"),
        (
            "ENABLE_TRAILING_STOP",
            f"{_word(exits.use_trailing)}, +{exits.trail_arm_pct}% then -{exits.trail_giveback_pct}%",
        ),
        ("TRADE_TTL_MIN", f"{exits.ttl // timedelta(minutes=1)}"),
        ("TTL_APPLIES_TO_DELIVERY", _word(exits.ttl_applies_to_delivery)),
        ("UNKNOWN_POLICY", str(policy.unknown)),
        ("MAX_POSITIONS", str(policy.risk.positions_max)),
        ("MAX_TRADES_PER_DAY", str(policy.risk.trades_per_day_max)),
    )


def warnings_of(policy: Policy, mode: str) -> list[tuple[Level, str]]:
    """What must be seen all the time: live trading without what it needs, and that nothing is sent."""
    missing = policy.flags.missing_for_live() if mode == "live" else ()
    found = [(Level.CRITICAL, f"live without {name}: an order can be placed twice or lost") for name in missing]
    if policy.flags.observe_only:
        found.append((Level.WARNING, "OBSERVE_ONLY: nothing is sent, exits neither"))
    return found


def _word(value: bool) -> str:
    return "true" if value else "false"
