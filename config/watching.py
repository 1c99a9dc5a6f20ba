"""The keys of what stands around the broker and the engine: rate limits, remembered quotes, heartbeat and alerts."""

from __future__ import annotations

from decimal import Decimal

from config.declaring import MINUTES, SECONDS, Section, key
from config.kinds import Number

_CALLS = "calls a second"


class Calls(Section):
    """How often the broker is called. Of these numbers and the broker's own the smaller one counts."""

    enable_rate_limiting: bool = key(
        "ENABLE_RATE_LIMITING",
        True,
        "calls wait for their turn, at most 5 seconds; cancellations overtake placements",
        under_master=True,
    )
    rate_limit_orders_per_s: int = key(
        "RATE_LIMIT_ORDERS_PER_S",
        10,
        "placements, changes and cancellations in any second; the exchange allows 10",
        unit=_CALLS,
        low=2,
        high=10,
    )
    rate_limit_quotes_per_s: int = key(
        "RATE_LIMIT_QUOTES_PER_S", 80, "requests for quotes in any second", unit=_CALLS, low=10, high=200
    )
    rate_limit_rest_per_s: int = key(
        "RATE_LIMIT_REST_PER_S", 80, "all other calls in any second", unit=_CALLS, low=10, high=200
    )
    enable_coalescing: bool = key(
        "ENABLE_COALESCING",
        True,
        "equal requests for quotes that are under way at one time are one request",
        under_master=True,
    )
    enable_soft_ttl_cache: bool = key(
        "ENABLE_SOFT_TTL_CACHE",
        True,
        "quotes are remembered for a few seconds, and refreshed behind the scenes",
        under_master=True,
    )
    quote_fresh_s: Number = key(
        "QUOTE_FRESH_S",
        Decimal(2),
        "so old a remembered quote is answered as it is",
        unit=SECONDS,
        low=Decimal("0.5"),
        high=Decimal(3),
    )
    quote_stale_s: Number = key(
        "QUOTE_STALE_S",
        Decimal(5),
        "so old it is answered while a new one is fetched; an older one is not answered",
        unit=SECONDS,
        low=Decimal("3.5"),
        high=Decimal(10),
    )
    quote_cache_symbols_max: int = key(
        "QUOTE_CACHE_SYMBOLS_MAX",
        1000,
        "beyond that the quote that was used least recently is forgotten",
        unit="symbols",
        low=500,
        high=5000,
    )
    log_cache_events_in_replay: bool = key(
        "LOG_CACHE_EVENTS_IN_REPLAY", False, "each use of a remembered quote is logged in a replay too"
    )


class Telemetry(Section):
    """How orders were filled: a record of each one that has ended, in the session's folder."""

    enable_fill_telemetry: bool = key(
        "ENABLE_FILL_TELEMETRY",
        True,
        "latency, fill rate, slippage, fees and attempts of each order are kept and exported",
        under_master=True,
    )
    fill_telemetry_max_history: int = key(
        "FILL_TELEMETRY_MAX_HISTORY",
        10_000,
        "the oldest orders beyond this number are forgotten; 10,000 are below 10 MB",
        unit="orders",
        low=2000,
        high=50_000,
    )


class Alerts(Section):
    """Heartbeat and alerts. docs/MONITORING.md has the rules with their thresholds."""

    heartbeat_interval_s: int = key(
        "HEARTBEAT_INTERVAL_S",
        60,
        "how often the engine says that it is alive; three that are missing stop entries",
        unit=SECONDS,
        low=10,
        high=300,
    )
    dead_man_url: str = key(
        "DEAD_MAN_URL",
        "",
        "asked every so often as a sign of life, while the engine beats; its owner calls when that stops",
        allowed="a URL that begins with http:// or https://, or empty",
        pattern=r"^(https?://[^\s]{1,1000})?$",
        is_credential=True,
    )
    dead_man_every_s: int = key("DEAD_MAN_EVERY_S", 60, "how often", unit=SECONDS, low=15, high=300)
    alert_window_min: int = key("ALERT_WINDOW_MIN", 60, "rates are of so long", unit=MINUTES, low=10, high=240)
    alert_events_min: int = key(
        "ALERT_EVENTS_MIN", 20, "a rate of fewer events raises no alert", unit="events", low=5, high=100
    )
    alert_memory_window_h: int = key(
        "ALERT_MEMORY_WINDOW_H", 24, "the growth of memory is the slope over so long", unit="hours", low=6, high=72
    )
