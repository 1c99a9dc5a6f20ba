"""What stands between the engine and the broker: turnstiles, one request for equal ones, and remembered quotes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from config.settings import Settings
from tradebot.adapters.calls.coalesced import CoalescedQuotes
from tradebot.adapters.calls.limited import LimitedBroker, LimitedQuotes, Turnstiles, make_turnstiles
from tradebot.adapters.calls.quote_cache import CacheAges, CachedQuotes
from tradebot.domain.call_limits import CallClass, limits_of
from tradebot.domain.events import Event
from tradebot.ports import Broker, Clock, Lanes, MarketData


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """The doors to one broker as the flags want them. None for what is switched off."""

    broker: Broker
    market_data: MarketData
    turnstiles: Turnstiles | None
    coalesced: CoalescedQuotes | None
    cache: CachedQuotes | None


def calls_of(
    broker: Broker,
    market_data: MarketData,
    settings: Settings,
    *,
    clock: Clock,
    lanes: Lanes,
    tell: Callable[[Event], None],
) -> Calls:
    """`tell` may be called from any thread. From the outside in: memory, equal requests, turnstile, broker."""
    is_virtual = settings.run.mode == "replay"
    turnstiles = coalesced = cache = None
    if settings.in_force("ENABLE_RATE_LIMITING"):
        name = broker.capabilities.name
        turnstiles = make_turnstiles(name, limits_of(name, _wanted(settings)), clock, tell, is_virtual=is_virtual)
        broker, market_data = LimitedBroker(broker, turnstiles), LimitedQuotes(market_data, turnstiles.quotes)
    if settings.in_force("ENABLE_COALESCING"):
        market_data = coalesced = CoalescedQuotes(market_data)
    if settings.in_force("ENABLE_SOFT_TTL_CACHE"):
        is_told = not is_virtual or settings.calls.log_cache_events_in_replay
        market_data = cache = CachedQuotes(
            market_data, clock=clock, lanes=lanes, tell=tell if is_told else _tell_nobody, ages=_ages(settings)
        )
    return Calls(broker=broker, market_data=market_data, turnstiles=turnstiles, coalesced=coalesced, cache=cache)


def _wanted(settings: Settings) -> dict[CallClass, int]:
    return {
        CallClass.QUOTES: settings.calls.rate_limit_quotes_per_s,
        CallClass.ORDERS: settings.calls.rate_limit_orders_per_s,
        CallClass.REST: settings.calls.rate_limit_rest_per_s,
    }


def _ages(settings: Settings) -> CacheAges:
    return CacheAges(
        fresh_s=float(settings.calls.quote_fresh_s),
        stale_s=float(settings.calls.quote_stale_s),
        symbols_max=settings.calls.quote_cache_symbols_max,
    )


def _tell_nobody(event: Event) -> None:
    """A replay repeats its day as often as somebody likes: its uses of memory are of interest to nobody else."""
