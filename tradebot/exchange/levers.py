"""What no client can ask for but real brokers do: the levers that fault dials pull."""

from __future__ import annotations

from decimal import Decimal

from tradebot.domain.calendar import ist_date
from tradebot.domain.orders import Side
from tradebot.exchange import words
from tradebot.exchange.front_office import Rejection
from tradebot.exchange.ledger import Ledger
from tradebot.exchange.market import BandMove, Market
from tradebot.exchange.matching import within_range
from tradebot.exchange.rows import Status, stepped


class Levers:
    """Each is one commit at the exchange's instant, told of by the next advance, and False when it cannot be done."""

    def __init__(self, ledger: Ledger, market: Market) -> None:
        self._ledger = ledger
        self._market = market

    def fill_after_cancel(self, order_id: str, quantity: int) -> bool:
        """Book a trade of up to `quantity` shares, at its limit inside the day's range, for an order that is
        CANCELLED and stays so. Never more than the order's rest, the money or the shares allow."""
        state = self._ledger.state
        row = state.orders.get(order_id)
        if row is None or row.status is not Status.CANCELLED or row.exchange_order_id is None:
            return False
        bar = self._market.bar(row.symbol, ist_date(state.now))
        if bar is None:
            return False
        price = within_range(row.price, bar)
        match row.side:
            case Side.BUY:
                affordable = int(state.margins[row.account_id].available // price)
            case Side.SELL:
                affordable = self._ledger.holding(row).sellable_quantity
        filled = min(quantity, row.remaining, affordable)
        if filled <= 0:
            return False
        self._ledger.fill(row, filled, price)
        self._ledger.commit_command()
        return True

    def reject_standing(self, order_id: str, rejection: Rejection) -> bool:
        """Turn an accepted order that has no trades into a rejected one."""
        row = self._ledger.state.orders.get(order_id)
        if row is None or row.status.is_final or row.filled_quantity:
            return False
        now = self._ledger.state.now
        self._ledger.put(stepped(row, now, Status.REJECTED, text=rejection.text, raw=rejection.raw))
        self._ledger.commit_command()
        return True

    def cancel_standing(self, order_id: str, text: str) -> bool:
        """The exchange cancels an order that stands there, for a reason of its own."""
        row = self._ledger.state.orders.get(order_id)
        if row is None or not row.status.is_live:
            return False
        self._ledger.put(stepped(row, self._ledger.state.now, Status.CANCELLED, text=text))
        self._ledger.commit_command()
        return True

    def refuse_modification(self, order_id: str) -> bool:
        """A modification that was taken in comes to nothing: the order goes on as it was and says so."""
        row = self._ledger.state.orders.get(order_id)
        if row is None or not row.status.is_live:
            return False
        through = (Status.MODIFY_VALIDATION_PENDING, Status.MODIFY_PENDING, Status.NOT_MODIFIED, row.status)
        self._ledger.put(stepped(row, self._ledger.state.now, *through, text=words.NOT_MODIFIED))
        self._ledger.commit_command()
        return True

    def move_bands(self, seed: int, per_mille: int, percent: Decimal) -> None:
        """From now on so many of the days of each symbol have another band in the morning; 0 per mille ends it."""
        self._market.move_bands(BandMove(seed=seed, per_mille=per_mille, percent=percent))
