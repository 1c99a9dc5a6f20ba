"""The command face of the exchange: what a broker adapter, a fault edge and a wire server speak to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.orders import Variety
from tradebot.domain.quotes import Quote
from tradebot.exchange.commands import Accepted, PlaceCommand, Placed, Refused
from tradebot.exchange.rows import HoldingRow, MarginsRow, OrderRow, PositionRow, Step, TradeRow


class Face(Protocol):
    """Implemented by `Exchange` and by `Edge`. An account that the exchange does not know raises KeyError.

    The edge may raise the errors of `edge.EdgeFault` from every method.
    """

    @property
    def now(self) -> datetime: ...

    @property
    def refuses_duplicate_tag(self) -> bool: ...

    def place(self, account_id: str, command: PlaceCommand) -> Placed | Refused: ...

    def modify(
        self, account_id: str, order_id: str, variety: Variety, *, quantity: int, price: Decimal
    ) -> Accepted | Refused: ...

    def cancel(self, account_id: str, order_id: str, variety: Variety) -> Accepted | Refused: ...

    def order_book(self, account_id: str) -> Sequence[OrderRow]: ...

    def order(self, account_id: str, order_id: str) -> OrderRow | None: ...

    def order_history(self, account_id: str, order_id: str) -> Sequence[Step]: ...

    def trades(self, account_id: str) -> Sequence[TradeRow]: ...

    def order_trades(self, account_id: str, order_id: str) -> Sequence[TradeRow]: ...

    def holdings(self, account_id: str) -> Sequence[HoldingRow]: ...

    def positions(self, account_id: str) -> Sequence[PositionRow]: ...

    def margins(self, account_id: str) -> MarginsRow: ...

    def quote(self, symbol: str) -> Quote | None: ...

    def terms(self, symbol: str | None = None) -> Mapping[str, InstrumentTerms]: ...
