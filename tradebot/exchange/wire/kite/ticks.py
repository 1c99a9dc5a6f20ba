"""Kite's binary market data: big-endian packets of 8, 44 and 184 bytes, several of them in a frame."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from tradebot.exchange.picture import Picture

HEARTBEAT = b"\x00"
_PAISE = Decimal(100)
_LEVELS = 5


class Mode(StrEnum):
    LTP = "ltp"
    QUOTE = "quote"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Level:
    price: Decimal
    quantity: int
    orders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One instrument at one instant; prices in rupees, `close` is the day before's."""

    token: int
    last_price: Decimal
    last_quantity: int = 0
    average_price: Decimal = Decimal(0)
    volume: int = 0
    buy_quantity: int = 0
    sell_quantity: int = 0
    open: Decimal = Decimal(0)
    high: Decimal = Decimal(0)
    low: Decimal = Decimal(0)
    close: Decimal = Decimal(0)
    traded_at: datetime | None = None
    at: datetime | None = None
    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()


def packet(tick: Tick, mode: Mode) -> bytes:
    ltp = struct.pack(">ii", tick.token, _paise(tick.last_price))
    if mode is Mode.LTP:
        return ltp
    quote = ltp + struct.pack(
        ">9i",
        tick.last_quantity,
        _paise(tick.average_price),
        tick.volume,
        tick.buy_quantity,
        tick.sell_quantity,
        *map(_paise, (tick.open, tick.high, tick.low, tick.close)),
    )
    if mode is Mode.QUOTE:
        return quote
    # Open interest with its high and low belongs to derivatives.
    times = struct.pack(">5i", _epoch(tick.traded_at), 0, 0, 0, _epoch(tick.at))
    return quote + times + _depth(tick.bids) + _depth(tick.asks)


def frame(packets: Sequence[bytes]) -> bytes:
    """The number of packets, then each with its length before it."""
    return struct.pack(">H", len(packets)) + b"".join(struct.pack(">H", len(p)) + p for p in packets)


def tick_of(token: int, picture: Picture) -> Tick:
    quote = picture.quote
    is_begun = bool(picture.opened_at_price)
    return Tick(
        token=token,
        last_price=quote.last_price,
        last_quantity=picture.last_quantity,
        average_price=picture.average_price,
        volume=quote.volume,
        buy_quantity=sum(level.quantity for level in quote.bids),
        sell_quantity=sum(level.quantity for level in quote.asks),
        open=picture.opened_at_price,
        high=quote.day_high if is_begun else Decimal(0),
        low=quote.day_low if is_begun else Decimal(0),
        close=quote.previous_close,
        traded_at=picture.traded_at,
        at=quote.at,
        bids=tuple(Level(level.price, level.quantity, orders_at(level.quantity)) for level in quote.bids),
        asks=tuple(Level(level.price, level.quantity, orders_at(level.quantity)) for level in quote.asks),
    )


def orders_at(quantity: int) -> int:
    """How many orders a level shows: the exchange's depth is made of quantities alone."""
    return 1 + quantity % 7


def _depth(levels: Sequence[Level]) -> bytes:
    shown = [*levels[:_LEVELS], *[Level(Decimal(0), 0, 0)] * (_LEVELS - len(levels))]
    return b"".join(struct.pack(">iiHxx", level.quantity, _paise(level.price), level.orders) for level in shown)


def _paise(price: Decimal) -> int:
    return int((price * _PAISE).to_integral_value())


def _epoch(at: datetime | None) -> int:
    return int(at.timestamp()) if at else 0
