"""The paper broker's push: moves the exchange on, and says whose orders changed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from tradebot.domain.calendar import Calendar, CalendarHorizonError, ist_date
from tradebot.domain.orders import BrokerOrderId
from tradebot.exchange.exchange import Exchange


class PaperFeed:
    """The exchange's time as seen by one account; `lock` is the one that the paper brokers are given."""

    def __init__(
        self,
        exchange: Exchange,
        account_id: str,
        lock: AbstractContextManager[object] | None = None,
        calendar: Calendar | None = None,
    ) -> None:
        """With a `calendar` it can say how far the market goes."""
        self._exchange = exchange
        self._account_id = account_id
        self._calendar = calendar
        self._lock = lock if lock is not None else threading.RLock()

    @property
    def now(self) -> datetime:
        return self._exchange.now

    def reaches(self, at: datetime) -> bool:
        """Whether the market is known up to there: the exchange never goes back, so it must not follow a clock that
        shows a year of which nobody knows the holidays."""
        if self._calendar is None:
            return True
        try:
            self._calendar.trading_day(ist_date(at))
        except CalendarHorizonError:
            return False
        return True

    def advance_to(self, limit: datetime) -> Sequence[BrokerOrderId]:
        """Go on to `limit`, or to the first instant before it at which orders change; the account's own are named.

        An instant at which only other accounts' orders changed gives an empty answer before `limit` is reached.
        """
        with self._lock:
            updates = self._exchange.advance_to(limit)
        return [BrokerOrderId(u.order.order_id) for u in updates if u.order.account_id == self._account_id]
