"""Kite's binary packets are made byte for byte like the published ones."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.unit.wire.published import published
from tradebot.exchange.wire.kite.ticks import Level, Mode, Tick, frame, packet


def test_a_full_packet_is_the_published_one() -> None:
    assert packet(_tick(published("ticker_full.json")), Mode.FULL) == published("ticker_full.packet")


def test_a_quote_packet_is_the_published_one() -> None:
    assert packet(_tick(published("ticker_quote.json")), Mode.QUOTE) == published("ticker_quote.packet")


def test_an_ltp_packet_is_the_beginning_of_the_others() -> None:
    tick = Tick(token=408065, last_price=Decimal("1573.70"))
    assert packet(tick, Mode.LTP) == struct.pack(">ii", 408065, 157370) == packet(tick, Mode.FULL)[:8]


def test_the_published_test_vector_is_met() -> None:
    """The figures that are known of the packet, written down by hand."""
    data = packet(_tick(published("ticker_full.json")), Mode.FULL)
    assert struct.unpack(">16i", data[:64])[:12] == (
        408065,
        157370,
        7,
        157037,
        1192471,
        256443,
        363009,
        156915,
        157500,
        156105,
        156780,
        1625461887,
    )
    assert struct.unpack(">iiH", data[64:74]) == (5, 157340, 1), "the best bid"
    assert struct.unpack(">iiH", data[124:134]) == (172, 157370, 3), "the best offer"


def test_levels_that_are_not_there_are_zeros() -> None:
    data = packet(Tick(token=1, last_price=Decimal(1)), Mode.FULL)
    assert (len(data), data[64:]) == (184, bytes(120))


def test_a_frame_counts_its_packets_and_their_bytes() -> None:
    one, other = b"\x01" * 8, b"\x02" * 44
    assert frame([one, other]) == struct.pack(">HH", 2, 8) + one + struct.pack(">H", 44) + other


def _tick(seen: dict[str, Any]) -> Tick:
    depth = seen.get("depth", {"buy": [], "sell": []})
    ohlc = seen["ohlc"]
    return Tick(
        token=seen["instrument_token"],
        last_price=_rupees(seen["last_price"]),
        last_quantity=seen["last_quantity"],
        average_price=_rupees(seen["average_price"]),
        volume=seen["volume"],
        buy_quantity=seen["buy_quantity"],
        sell_quantity=seen["sell_quantity"],
        open=_rupees(ohlc["open"]),
        high=_rupees(ohlc["high"]),
        low=_rupees(ohlc["low"]),
        close=_rupees(ohlc["close"]),
        traded_at=_instant(seen.get("last_trade_time")),
        at=_instant(seen.get("timestamp")),
        bids=_levels(depth["buy"]),
        asks=_levels(depth["sell"]),
    )


def _levels(levels: list[dict[str, Any]]) -> tuple[Level, ...]:
    return tuple(Level(_rupees(level["price"]), level["quantity"], level["orders"]) for level in levels)


def _rupees(price: float) -> Decimal:
    return Decimal(str(price))


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
