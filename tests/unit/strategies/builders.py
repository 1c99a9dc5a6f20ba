"""Bars, histories and positions that name only what a test is about."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from tradebot.domain.orders import Coid, PositionId, Product
from tradebot.domain.positions import Position
from tradebot.domain.quotes import Bar

FIRST_DAY = date(2024, 1, 1)


def a_bar(day: date = FIRST_DAY, close: float | str = 100, **changes: object) -> Bar:
    price = Decimal(str(close))
    values: dict[str, object] = {
        "symbol": "INFY",
        "day": day,
        "open": price,
        "high": price,
        "low": price,
        "close": price,
        "previous_close": price,
        "volume": 1000,
    }
    return Bar(**(values | changes))  # type: ignore[arg-type]


def bars_of(closes: Sequence[float | str], symbol: str = "INFY", first: date = FIRST_DAY) -> list[Bar]:
    """One bar a calendar day from `first` on: the strategies have no calendar of their own."""
    return [a_bar(first + timedelta(days=i), close, symbol=symbol) for i, close in enumerate(closes)]


def day_after(bars: Sequence[Bar]) -> date:
    return bars[-1].day + timedelta(days=1)


class FakeHistory:
    """A ports.History of given bars; `asked` counts what was asked for."""

    def __init__(self, *series: Sequence[Bar], halted: Mapping[str, str] | None = None) -> None:
        self._bars = {bars[0].symbol: list(bars) for bars in series}
        self._days = {symbol: [bar.day for bar in bars] for symbol, bars in self._bars.items()}
        self._halted = dict(halted or {})
        self.asked = 0

    def symbols(self) -> Sequence[str]:
        return list(self._bars)

    def bars(self, symbol: str, as_of: date, count: int) -> Sequence[Bar]:
        self.asked += 1
        end = bisect_left(self._days.get(symbol, []), as_of)
        return self._bars.get(symbol, [])[max(0, end - count) : end]

    def halted(self, as_of: date) -> Mapping[str, str]:
        return self._halted


def a_position(
    symbol: str = "INFY",
    *,
    first_fill: date = FIRST_DAY,
    average: float | str = 100,
    quantity: int = 10,
    metadata: Mapping[str, str] | None = None,
) -> Position:
    """Bought at 09:20 IST of `first_fill`; a quantity of 0 is a closed position."""
    at = datetime.combine(first_fill, time(3, 50), tzinfo=UTC)
    price = Decimal(str(average))
    return Position(
        id=PositionId(f"p-{symbol}-{first_fill}"),
        account_id="primary",
        user_id="operator",
        symbol=symbol,
        exchange="NSE",
        product=Product.CNC,
        opened_by=Coid("A00000000000000001"),
        quantity=quantity,
        cost=price * quantity,
        bought_quantity=max(quantity, 1),
        peak_price=price,
        first_fill_at=at,
        updated_at=at,
        closed_at=None if quantity else at,
        metadata=metadata or {},
    )
