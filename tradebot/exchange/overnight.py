"""What happens between two days' trading: the order book turns, shares are delivered, companies split their shares."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from tradebot.domain.calendar import CalendarHorizonError
from tradebot.domain.corporate_actions import adjust_quantity, factor_between
from tradebot.exchange import words
from tradebot.exchange.ledger import Ledger
from tradebot.exchange.market import Market
from tradebot.exchange.rows import HoldingRow, Lot, Status, stepped

_PAISA = Decimal("0.01")


def turn_book(ledger: Ledger, market: Market, day: date) -> None:
    """The morning of the trading day `day`: finished orders leave the book, yesterday's trades become holdings, and
    corporate actions take effect."""
    state = ledger.state
    yesterday = state.book_day
    for order_id in [order_id for order_id, row in state.orders.items() if row.status.is_final]:
        ledger.leave(order_id)
    due = _settlement_day(market, yesterday, day)
    for holding in list(state.holdings.values()):
        carried = _carried(holding, due)
        if carried != holding:
            ledger.put_holding(carried)
    for symbol in sorted({action.symbol for action in market.facts.actions if yesterday < action.ex_date <= day}):
        factor = factor_between(market.facts.actions, symbol, yesterday, day)
        _adjust_holdings(ledger, market, symbol, day, factor)
        _cancel_stale(ledger, symbol, day)
    ledger.turn_to(day)


def deliver(ledger: Ledger, day: date) -> None:
    """The evening of the trading day `day`: shares that are due by then are delivered."""
    for holding in list(ledger.state.holdings.values()):
        delivered = sum(lot.quantity for lot in holding.lots if lot.due <= day)
        if delivered:
            waiting = tuple(lot for lot in holding.lots if lot.due > day)
            settled = holding.settled_quantity + delivered
            ledger.put_holding(replace(holding, settled_quantity=settled, lots=waiting))


def _settlement_day(market: Market, traded_on: date, today: date) -> date:
    """T+1 of the day before; today where the calendar knows no later day."""
    try:
        return market.facts.calendar.next_settlement_day(traded_on).day
    except CalendarHorizonError:
        return today


def _carried(holding: HoldingRow, due: date) -> HoldingRow:
    """The holding on the next morning: a day's sales are taken from its purchases, which then are no delivery, then
    from what is settled, then from the oldest lot."""
    if not holding.bought_today and not holding.sold_today:
        return holding
    lots = list(holding.lots)
    bought = max(0, holding.bought_today - holding.sold_today)
    sold = max(0, holding.sold_today - holding.bought_today)
    from_lots = max(0, sold - holding.settled_quantity)
    settled = max(0, holding.settled_quantity - sold)
    while from_lots:
        taken = min(from_lots, lots[0].quantity)
        from_lots -= taken
        lots[0] = replace(lots[0], quantity=lots[0].quantity - taken)
        if not lots[0].quantity:
            lots.pop(0)
    if bought:
        lots.append(Lot(due=due, quantity=bought))
    return replace(holding, settled_quantity=settled, lots=tuple(lots), bought_today=0, sold_today=0)


def _adjust_holdings(ledger: Ledger, market: Market, symbol: str, day: date, factor: Fraction) -> None:
    """New shares for old ones at the same total cost; fractions are paid out in cash at the adjusted close."""
    for holding in [h for h in ledger.state.holdings.values() if h.symbol == symbol]:
        whole, fraction = adjust_quantity(holding.quantity, factor)
        lots = tuple(
            Lot(due=lot.due, quantity=quantity)
            for lot in holding.lots
            if (quantity := adjust_quantity(lot.quantity, factor)[0])
        )
        settled = whole - sum(lot.quantity for lot in lots)
        ledger.put_holding(replace(holding, settled_quantity=settled, lots=lots))
        terms = market.terms_of(symbol, day, ledger.state.now)
        if fraction and terms is not None:
            money = ledger.state.margins[holding.account_id]
            paid = (terms.previous_close * fraction.numerator / fraction.denominator).quantize(_PAISA)
            ledger.put_margins(replace(money, cash=money.cash + paid))


def _cancel_stale(ledger: Ledger, symbol: str, day: date) -> None:
    """Parked orders that were priced by the terms of before the ex-date do not reach the market."""
    state = ledger.state
    for order_id in list(state.parked):
        row = state.orders[order_id]
        if row.symbol == symbol and row.terms_day < day:
            ledger.put(stepped(row, state.now, Status.CANCELLED, text=words.ex_date_cancel(day)))
