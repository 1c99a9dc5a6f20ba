"""All that the exchange remembers, in plain dicts of frozen values, so that a snapshot is a few shallow copies."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from tradebot.exchange.rows import HoldingRow, MarginsRow, OrderRow, Status, TradeRow

HoldingKey = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """A finished order that left the order book, with its trades."""

    order: OrderRow
    trades: tuple[TradeRow, ...] = ()


@dataclass(slots=True, kw_only=True)
class State:
    """Mutable; every value in it is frozen.

    `book_day` is the day whose order book is shown. `numbered_on` and `numbers` count order ids of a date, `priority`
    counts places in time. `orders` and `trades` are those of the book; older ones are in `archive` by the date part
    of their id. `untold` names the orders that a command changed and no update told of yet, with the number of trades
    they had before. `live` and `parked` are indexes over `orders`: ids at the exchange by symbol, and ids that wait
    for their release with the day of it.
    """

    now: datetime
    book_day: date
    numbered_on: str = ""
    numbers: int = 0
    priority: int = 0
    orders: dict[str, OrderRow] = field(default_factory=dict)
    trades: dict[str, tuple[TradeRow, ...]] = field(default_factory=dict)
    margins: dict[str, MarginsRow] = field(default_factory=dict)
    holdings: dict[HoldingKey, HoldingRow] = field(default_factory=dict)
    untold: dict[str, int] = field(default_factory=dict)
    live: dict[str, tuple[str, ...]] = field(default_factory=dict)
    parked: dict[str, date] = field(default_factory=dict)
    archive: dict[str, dict[str, Archived]] = field(default_factory=dict)

    def copy(self) -> State:
        """An independent state; the archive's days are shared, since a day is replaced and never changed."""
        return State(
            now=self.now,
            book_day=self.book_day,
            numbered_on=self.numbered_on,
            numbers=self.numbers,
            priority=self.priority,
            orders=self.orders.copy(),
            trades=self.trades.copy(),
            margins=self.margins.copy(),
            holdings=self.holdings.copy(),
            untold=self.untold.copy(),
            live=self.live.copy(),
            parked=self.parked.copy(),
            archive=self.archive.copy(),
        )

    def put(self, row: OrderRow) -> None:
        """Replace an order and keep the indexes right."""
        self.orders[row.order_id] = row
        self._index_live(row)
        if row.status is Status.AMO_REQ_RECEIVED:
            self.parked[row.order_id] = row.trading_day
        else:
            self.parked.pop(row.order_id, None)

    def archive_away(self, order_id: str, dates_max: int) -> Archived:
        """Move a finished order out of the book; the oldest date is forgotten when there are more than `dates_max`."""
        archived = Archived(order=self.orders.pop(order_id), trades=self.trades.pop(order_id, ()))
        self.remember(archived, dates_max)
        return archived

    def remember(self, archived: Archived, dates_max: int) -> None:
        order_date = archived.order.order_id[:6]
        of_date = self.archive.get(order_date, {})
        self.archive[order_date] = {**of_date, archived.order.order_id: archived}
        if len(self.archive) > dates_max:
            del self.archive[min(self.archive)]

    def find(self, order_id: str) -> Archived | None:
        """Any order that is remembered, in the book or out of it."""
        row = self.orders.get(order_id)
        if row is not None:
            return Archived(order=row, trades=self.trades.get(order_id, ()))
        return self.archive.get(order_id[:6], {}).get(order_id)

    def _index_live(self, row: OrderRow) -> None:
        ids = self.live.get(row.symbol, ())
        if row.status.is_live:
            if row.order_id not in ids:
                self.live[row.symbol] = (*ids, row.order_id)
        elif row.order_id in ids:
            left = tuple(other for other in ids if other != row.order_id)
            if left:
                self.live[row.symbol] = left
            else:
                del self.live[row.symbol]
