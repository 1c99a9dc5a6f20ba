"""The five levels of each side that are made up around the last print: seeded, on the tick grid, inside the band."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.market_rules import round_to_tick
from tradebot.domain.quotes import Level
from tradebot.exchange.chance import draw

LEVELS = 5
_SHARE_PCT_MIN = 10
_TEN_THOUSAND = Decimal(10_000)
# Basis points between the best bid and the best offer, each as likely as the others; never less than a tick.
_SPREADS_BPS = (Decimal("1"), Decimal("1.5"), Decimal("2.5"), Decimal("4"))

Depth = tuple[tuple[Level, ...], tuple[Level, ...]]


def depth_around(
    terms: InstrumentTerms, *, seed: int, day: date, index: int, last_price: Decimal, last_quantity: int, pct_max: int
) -> Depth:
    """Bids and offers, best first, after the print `index` of the day.

    The last price is one of the two best prices. A level shows from 10 to `pct_max` per cent of the print's quantity,
    at least one share; a level outside the price band is not shown.
    """
    chance = draw(seed, day, terms.symbol, index, "depth")
    tick = terms.tick_size
    spread = _ticks(last_price * _SPREADS_BPS[chance[0] % len(_SPREADS_BPS)] / _TEN_THOUSAND, tick) * tick
    last_was_bid = chance[1] % 2 == 0
    if last_was_bid:
        best_bid = round_to_tick(last_price, tick, "down")
        best_ask = best_bid + spread
    else:
        best_ask = round_to_tick(last_price, tick, "up")
        best_bid = best_ask - spread
    bids = _levels(best_bid, -tick, chance[2:12], last_quantity, pct_max, terms)
    asks = _levels(best_ask, tick, chance[12:22], last_quantity, pct_max, terms)
    return bids, asks


def _ticks(distance: Decimal, tick: Decimal) -> int:
    return max(1, round(distance / tick))


def _levels(
    best: Decimal, step: Decimal, chance: bytes, quantity: int, pct_max: int, terms: InstrumentTerms
) -> tuple[Level, ...]:
    levels, price = [], best
    for i in range(LEVELS):
        percent = _SHARE_PCT_MIN + chance[2 * i] % (max(pct_max, _SHARE_PCT_MIN) - _SHARE_PCT_MIN + 1)
        if terms.lower_limit <= price <= terms.upper_limit:
            levels.append(Level(price=price, quantity=max(1, quantity * percent // 100)))
        price += step * (1 + chance[2 * i + 1] % 2)
    return tuple(levels)
