"""The broker's order desk: placing, modifying and cancelling, as one account's commands at the exchange's instant."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from tradebot.domain.calendar import ist_date
from tradebot.domain.orders import Side, Variety
from tradebot.exchange import words
from tradebot.exchange.commands import Accepted, ErrorType, PlaceCommand, Placed, Refused
from tradebot.exchange.floor import Floor
from tradebot.exchange.front_office import (
    Rejection,
    is_duplicate,
    order_error,
    refuse_modification,
    refuse_placement,
    rejection_of_means,
)
from tradebot.exchange.ledger import Ledger
from tradebot.exchange.market import Market
from tradebot.exchange.rows import OrderRow, Status, stepped

_DATE_FORMAT = "%y%m%d"
_SERVICE_UNAVAILABLE = 503


class Desk:
    """Each command is one commit; a refused one changes nothing."""

    def __init__(self, ledger: Ledger, market: Market, floor: Floor) -> None:
        self._ledger = ledger
        self._market = market
        self._floor = floor

    def place(self, account_id: str, command: PlaceCommand) -> Placed | Refused:
        state = self._ledger.state
        state.margins[account_id]
        refused = refuse_placement(command, self._market, state.now)
        if refused is not None:
            return refused
        rows = (row for row in state.orders.values() if row.account_id == account_id)
        if self._market.settings.refuses_duplicate_tag and is_duplicate(command.tag, rows):
            return order_error(words.DUPLICATE_TAG, words.DUPLICATE_TAG_CODE)
        row = self._new_row(account_id, command)
        match command.variety:
            case Variety.AMO:
                self._ledger.put(stepped(row, state.now, Status.AMO_REQ_RECEIVED))
            case Variety.REGULAR:
                self._floor.enter(row)
        self._ledger.commit_command()
        return Placed(order_id=row.order_id)

    def modify(
        self, account_id: str, order_id: str, variety: Variety, *, quantity: int, price: Decimal
    ) -> Accepted | Refused:
        row = self._standing(account_id, order_id, variety)
        if isinstance(row, Refused):
            return row
        now = self._ledger.state.now
        refused = refuse_modification(row, self._market, now, quantity=quantity, price=price)
        if refused is not None:
            return refused
        counted = replace(row, modifications=row.modifications + 1)
        changed = replace(counted, quantity=quantity, price=price)
        if row.is_parked:
            terms_day = self._market.terms_day(now, row.exchange)
            self._ledger.put(
                stepped(
                    replace(changed, terms_day=terms_day),
                    now,
                    Status.MODIFY_AMO_REQ_RECEIVED,
                    Status.AMO_REQ_RECEIVED,
                )
            )
        else:
            self._modify_live(row, counted, changed)
        self._ledger.commit_command()
        return Accepted(order_id=order_id)

    def cancel(self, account_id: str, order_id: str, variety: Variety) -> Accepted | Refused:
        row = self._standing(account_id, order_id, variety)
        if isinstance(row, Refused):
            return row
        statuses = (Status.CANCELLED,) if row.is_parked else (Status.CANCEL_PENDING, Status.CANCELLED)
        self._ledger.put(stepped(row, self._ledger.state.now, *statuses, text=words.CANCELLED_BY_USER))
        self._ledger.commit_command()
        return Accepted(order_id=order_id)

    def _new_row(self, account_id: str, command: PlaceCommand) -> OrderRow:
        now, facts = self._ledger.state.now, self._market.facts
        today = ist_date(now)
        trading_day = today
        if command.variety is Variety.AMO:
            trading_day = facts.amo_window(command.exchange, now).for_day(now, facts.calendar).day
        return OrderRow(
            order_id=self._ledger.next_order_id(today.strftime(_DATE_FORMAT)),
            account_id=account_id,
            tag=command.tag,
            symbol=command.symbol,
            exchange=command.exchange,
            side=command.side,
            order_type=command.order_type,
            product=command.product,
            validity=command.validity,
            variety=command.variety,
            quantity=command.quantity,
            disclosed_quantity=command.disclosed_quantity,
            price=command.price,
            trigger_price=command.trigger_price,
            status=Status.PUT_ORDER_REQ_RECEIVED,
            placed_at=now,
            updated_at=now,
            trading_day=trading_day,
            terms_day=self._market.terms_day(now, command.exchange),
            priority=self._ledger.next_priority(),
        )

    def _standing(self, account_id: str, order_id: str, variety: Variety) -> OrderRow | Refused:
        """The order that may still be changed under this variety, or the refusal.

        A released after-market order keeps its variety in the book but answers to `regular` only: with `amo` the
        gateway times out (kite forum, comment 40302).
        """
        found = self._ledger.state.find(order_id)
        if found is None or found.order.account_id != account_id:
            return order_error(words.unknown_order(order_id))
        row = found.order
        if row.status.is_final:
            return order_error(words.BEING_PROCESSED)
        if row.is_parked:
            return row if variety is Variety.AMO else order_error(words.PARKED_NEEDS_AMO)
        if variety is Variety.AMO:
            return Refused(http_status=_SERVICE_UNAVAILABLE, error_type=ErrorType.NETWORK, text=words.OUTCOME_OPEN)
        return row

    def _modify_live(self, row: OrderRow, counted: OrderRow, changed: OrderRow) -> None:
        """The exchange takes the new figures, or the order goes on with the old ones and says so in its text."""
        now = self._ledger.state.now
        rejection = self._lacks_means(row, changed)
        if rejection is not None:
            refused = (Status.MODIFY_VALIDATION_PENDING, Status.NOT_MODIFIED, row.status)
            self._ledger.put(stepped(counted, now, *refused, text=rejection.text, raw=rejection.raw))
            return
        if changed.price != row.price or changed.quantity > row.quantity:
            changed = replace(changed, priority=self._ledger.next_priority())
        modified = stepped(
            changed,
            now,
            Status.MODIFY_VALIDATION_PENDING,
            Status.MODIFY_PENDING,
            Status.MODIFIED,
            row.status,
        )
        self._ledger.put(modified)
        self._floor.match_on_arrival(modified)

    def _lacks_means(self, row: OrderRow, changed: OrderRow) -> Rejection | None:
        """The means for the changed order, what the standing one holds back included."""
        state = self._ledger.state
        money, holding = state.margins[row.account_id], self._ledger.holding(row)
        match row.side:
            case Side.BUY:
                money = replace(money, blocked=money.blocked - row.price * row.remaining)
            case Side.SELL:
                holding = replace(holding, on_sale=holding.on_sale - row.remaining)
        return rejection_of_means(changed, money, holding)
