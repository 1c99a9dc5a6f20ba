"""The last point before the socket: an entry that meets a latched kill switch here is not sent, whoever sends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from tradebot.adapters.kill_latch import FileLatch
from tradebot.domain.broker_views import BrokerOrder, BrokerTrade, Funds, Holding, Ticket
from tradebot.domain.errors import KillSwitchLatched, StateCorrupt
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.kill import KillMode, Latch
from tradebot.domain.orders import BrokerOrderId, Coid, OrderType, Product, Side, Validity, Variety
from tradebot.ports import Broker, Capabilities, KillLatch


class LatchedBroker:
    """`ports.Broker` in front of another one: looks at the latch itself, each time, right before an entry goes out,
    or a change by which one takes on more."""

    def __init__(self, broker: Broker, latch: KillLatch) -> None:
        self._broker = broker
        self._latch = latch

    @property
    def capabilities(self) -> Capabilities:
        return self._broker.capabilities

    def place(self, ticket: Ticket) -> BrokerOrderId:
        if ticket.is_entry and (latch := self._latch.read()) is not None:
            raise KillSwitchLatched(f"kill switch ({latch.mode})")
        return self._broker.place(ticket)

    def modify(
        self,
        broker_order_id: BrokerOrderId,
        variety: Variety,
        *,
        quantity: int,
        price: Decimal,
        adds: Decimal | None = None,
    ) -> None:
        if adds is not None and (latch := self._latch.read()) is not None:
            raise KillSwitchLatched(f"kill switch ({latch.mode})")
        self._broker.modify(broker_order_id, variety, quantity=quantity, price=price, adds=adds)

    def cancel(self, broker_order_id: BrokerOrderId, variety: Variety) -> None:
        self._broker.cancel(broker_order_id, variety)

    def order_book(self) -> Sequence[BrokerOrder]:
        return self._broker.order_book()

    def order(self, broker_order_id: BrokerOrderId) -> BrokerOrder | None:
        return self._broker.order(broker_order_id)

    def trades(self) -> Sequence[BrokerTrade]:
        return self._broker.trades()

    def order_trades(self, broker_order_id: BrokerOrderId) -> Sequence[BrokerTrade]:
        return self._broker.order_trades(broker_order_id)

    def holdings(self) -> Sequence[Holding]:
        return self._broker.holdings()

    def funds(self) -> Funds:
        return self._broker.funds()

    def terms(self, symbols: Sequence[str]) -> Mapping[str, InstrumentTerms]:
        return self._broker.terms(symbols)


def prove_latch(folder: Path) -> None:
    """Latch, try to send, release, beside the real latch: raises StateCorrupt where an entry would have gone out, or
    an exit would not, or the file cannot be written."""
    latch, reached = FileLatch(folder, "kill.proof"), _Reached()
    guarded = LatchedBroker(reached, latch)  # type: ignore[arg-type]
    try:
        latch.latch(Latch(mode=KillMode.STOP, reason="proof at the start"))
        _try(guarded, _ticket(is_entry=True))
        _try(guarded, _ticket(is_entry=False))
        latch.release()
        _try(guarded, _ticket(is_entry=True))
    except OSError as cause:
        raise StateCorrupt(str(folder), f"the kill switch cannot be written: {cause}", mend=_MEND) from cause
    if reached.entries != [False, True]:
        raise StateCorrupt(str(folder), f"the kill switch did not hold: {reached.entries}", mend=_MEND)


_MEND = "make the state folder writable for the daemon's user, then start again"


def _ticket(*, is_entry: bool) -> Ticket:
    return Ticket(
        tag=Coid("PROOF"),
        symbol="PROOF",
        exchange="NSE",
        side=Side.BUY,
        quantity=1,
        order_type=OrderType.LIMIT,
        price=Decimal(1),
        trigger_price=None,
        product=Product.CNC,
        validity=Validity.DAY,
        variety=Variety.REGULAR,
        is_entry=is_entry,
    )


class _Reached:
    """Notes what comes through."""

    def __init__(self) -> None:
        self.entries: list[bool] = []

    def place(self, ticket: Ticket) -> BrokerOrderId:
        self.entries.append(ticket.is_entry)
        return BrokerOrderId("proof")


def _try(broker: LatchedBroker, ticket: Ticket) -> None:
    try:
        broker.place(ticket)
    except KillSwitchLatched:
        return
