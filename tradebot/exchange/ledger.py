"""The only writer of the exchange's state: every change goes through here, is added up into a commit and written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from tradebot.domain.orders import Side
from tradebot.exchange.rows import (
    HoldingRow,
    MarginsRow,
    OrderRow,
    OrderUpdate,
    Status,
    TradeRow,
    stepped,
)
from tradebot.exchange.state import Archived, HoldingKey, State

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What one command or one advance changed: the new values, not the commands. `told` empties `State.untold`,
    then `untold` is added. `old_steps` says how many steps of an order were written before."""

    at: datetime
    book_day: date | None = None
    counters: tuple[str, int, int] | None = None
    orders: tuple[OrderRow, ...] = ()
    old_steps: tuple[int, ...] = ()
    trades: tuple[TradeRow, ...] = ()
    margins: tuple[MarginsRow, ...] = ()
    holdings: tuple[HoldingRow, ...] = ()
    left: tuple[Archived, ...] = ()
    untold: tuple[tuple[str, int], ...] = ()
    told: bool = False


class Books(Protocol):
    """Where commits are written before they are answered. A failure is raised, and the exchange then stands still."""

    def append(self, commit: Commit) -> None: ...

    def passed(self, now: datetime) -> None:
        """The committed instant moved on and nothing else changed."""
        ...

    def fold(self, state: State) -> None:
        """The day is over: make everything durable and begin a new journal."""
        ...

    def close(self) -> None: ...


class NoBooks:
    """For tests and simulations, which keep snapshots instead."""

    def append(self, commit: Commit) -> None:
        pass

    def passed(self, now: datetime) -> None:
        pass

    def fold(self, state: State) -> None:
        pass

    def close(self) -> None:
        pass


class Ledger:
    """The state, and what changed in it since the last commit. `touched` gathers the symbols whose orders changed,
    for whoever clears it. Once the books could not be written, `has_failed` is true for good."""

    def __init__(self, state: State, books: Books, archive_dates_max: int) -> None:
        self.state = state
        self._books = books
        self._archive_dates_max = archive_dates_max
        self.has_failed = False
        self.touched: set[str] = set()
        self._forget()

    def _forget(self) -> None:
        self._orders: dict[str, tuple[OrderRow | None, int]] = {}
        self._trades: list[TradeRow] = []
        self._margins: set[str] = set()
        self._holdings: dict[HoldingKey, HoldingRow] = {}
        self._left: list[Archived] = []
        self._turned = False
        self._counted = False

    @property
    def is_changed(self) -> bool:
        return bool(self._orders or self._margins or self._holdings or self._left or self._turned or self._counted)

    def next_order_id(self, order_date: str) -> str:
        """15 digits: the date (yymmdd) and a number that runs within it."""
        state = self.state
        state.numbers = state.numbers + 1 if state.numbered_on == order_date else 1
        state.numbered_on = order_date
        self._counted = True
        return f"{order_date}{state.numbers:09d}"

    def next_priority(self) -> int:
        self.state.priority += 1
        self._counted = True
        return self.state.priority

    def put(self, row: OrderRow) -> None:
        """Replace an order; what it holds back of money or shares changes with it."""
        state = self.state
        old = state.orders.get(row.order_id)
        if row.order_id not in self._orders:
            self._orders[row.order_id] = (old, len(state.trades.get(row.order_id, ())))
        held, shares = _held_back(row)
        held_before, shares_before = _held_back(old) if old else (_NOTHING, 0)
        if held != held_before:
            money = state.margins[row.account_id]
            self.put_margins(replace(money, blocked=money.blocked + held - held_before))
        if shares != shares_before:
            holding = self.holding(row)
            self.put_holding(replace(holding, on_sale=holding.on_sale + shares - shares_before))
        state.put(row)
        self.touched.add(row.symbol)

    def fill(self, row: OrderRow, quantity: int, price: Decimal) -> OrderRow:
        """Book one execution: the order's new state, the trade, the money and the shares."""
        state = self.state
        filled = replace(
            row,
            filled_quantity=row.filled_quantity + quantity,
            filled_value=row.filled_value + price * quantity,
        )
        status = row.status if row.status.is_final else Status.OPEN
        filled = stepped(filled, state.now, status if filled.remaining else Status.COMPLETE)
        self.put(filled)
        earlier = state.trades.get(row.order_id, ())
        trade = TradeRow(
            trade_id=f"{row.order_id}{len(earlier) + 1:03d}",
            order_id=row.order_id,
            account_id=row.account_id,
            symbol=row.symbol,
            exchange=row.exchange,
            side=row.side,
            product=row.product,
            quantity=quantity,
            price=price,
            traded_at=state.now,
        )
        state.trades[row.order_id] = (*earlier, trade)
        self._trades.append(trade)
        self._pay(trade)
        return filled

    def put_margins(self, money: MarginsRow) -> None:
        self.state.margins[money.account_id] = money
        self._margins.add(money.account_id)

    def put_holding(self, holding: HoldingRow) -> None:
        """Replace a holding; one without shares, today's trades and sell orders is dropped."""
        key = (holding.account_id, holding.symbol)
        self._holdings[key] = holding
        _keep(self.state, holding)

    def holding(self, row: OrderRow | TradeRow) -> HoldingRow:
        found = self.state.holdings.get((row.account_id, row.symbol))
        return found or HoldingRow(account_id=row.account_id, symbol=row.symbol, exchange=row.exchange)

    def leave(self, order_id: str) -> None:
        """Take a finished order out of the book."""
        self._left.append(self.state.archive_away(order_id, self._archive_dates_max))

    def turn_to(self, day: date) -> None:
        self.state.book_day = day
        self._turned = True

    def commit_command(self) -> None:
        """Write what a command changed; the orders it changed are told of by the next advance, a mere placement
        is not (as brokers push no update for it)."""
        untold = {
            order_id: self.state.untold.get(order_id, trades_before)
            for order_id, (old, trades_before) in self._orders.items()
            if old is not None or self._is_news(order_id)
        }
        self.state.untold.update(untold)
        self._write(untold=tuple(untold.items()), told=False)

    def commit_advance(self) -> tuple[OrderUpdate, ...]:
        """Write what an advance changed, and tell of it and of all that is untold."""
        touched = {**{order_id: before for order_id, (_, before) in self._orders.items()}, **self.state.untold}
        updates = tuple(
            OrderUpdate(
                at=self.state.now,
                order=self.state.orders[order_id],
                trades=self.state.trades.get(order_id, ())[before:],
            )
            for order_id, before in touched.items()
            if order_id in self.state.orders
        )
        self.state.untold = {}
        self._write(untold=(), told=True)
        return updates

    def move_to(self, instant: datetime) -> None:
        """Commit that time passed and nothing happened."""
        self.state.now = instant
        try:
            self._books.passed(instant)
        except BaseException:
            self.has_failed = True
            raise

    def set_back(self, state: State) -> None:
        """Go on from another state; whatever was not committed is forgotten."""
        self.state = state
        self.touched.clear()
        self.has_failed = False
        self._forget()

    def fold(self) -> None:
        with self._or_stand_still():
            self._books.fold(self.state)

    def _is_news(self, order_id: str) -> bool:
        row = self.state.orders[order_id]
        return row.status.is_final or row.filled_quantity > 0

    def _pay(self, trade: TradeRow) -> None:
        money, holding = self.state.margins[trade.account_id], self.holding(trade)
        value = trade.price * trade.quantity
        match trade.side:
            case Side.BUY:
                self.put_margins(replace(money, cash=money.cash - value))
                bought = holding.bought_today + trade.quantity
                self.put_holding(replace(holding, bought_today=bought, cost=holding.cost + value))
            case Side.SELL:
                self.put_margins(replace(money, cash=money.cash + value))
                left = holding.quantity - trade.quantity
                cost = holding.cost * left / holding.quantity if left else _NOTHING
                self.put_holding(replace(holding, sold_today=holding.sold_today + trade.quantity, cost=cost))

    def _write(self, *, untold: tuple[tuple[str, int], ...], told: bool) -> None:
        state = self.state
        orders = tuple(state.orders[order_id] for order_id in self._orders if order_id in state.orders)
        commit = Commit(
            at=state.now,
            book_day=state.book_day if self._turned else None,
            counters=(state.numbered_on, state.numbers, state.priority) if self._counted else None,
            orders=orders,
            old_steps=tuple(_steps_kept(self._orders[row.order_id][0], row) for row in orders),
            trades=tuple(self._trades),
            margins=tuple(state.margins[account_id] for account_id in sorted(self._margins)),
            holdings=tuple(self._holdings[key] for key in sorted(self._holdings)),
            left=tuple(self._left),
            untold=untold,
            told=told,
        )
        self._forget()
        with self._or_stand_still():
            self._books.append(commit)

    @contextmanager
    def _or_stand_still(self) -> Iterator[None]:
        """What is not in the books must not be answered: after a failed write nothing is, any more."""
        try:
            yield
        except BaseException:
            self.has_failed = True
            raise


def apply_commit(state: State, commit: Commit, archive_dates_max: int) -> None:
    """Do to `state` what the commit did when it was written."""
    state.now = commit.at
    if commit.told:
        state.untold = {}
    state.untold.update(commit.untold)
    if commit.counters is not None:
        state.numbered_on, state.numbers, state.priority = commit.counters
    for row in commit.orders:
        state.put(row)
    for trade in commit.trades:
        state.trades[trade.order_id] = (*state.trades.get(trade.order_id, ()), trade)
    for money in commit.margins:
        state.margins[money.account_id] = money
    for holding in commit.holdings:
        _keep(state, holding)
    for archived in commit.left:
        state.archive_away(archived.order.order_id, archive_dates_max)
    if commit.book_day is not None:
        state.book_day = commit.book_day


def _keep(state: State, holding: HoldingRow) -> None:
    key = (holding.account_id, holding.symbol)
    if holding.is_empty:
        state.holdings.pop(key, None)
    else:
        state.holdings[key] = holding


def _held_back(row: OrderRow) -> tuple[Decimal, int]:
    """The rupees and the shares that an order at the exchange holds back."""
    if not row.status.is_live:
        return _NOTHING, 0
    match row.side:
        case Side.BUY:
            return row.price * row.remaining, 0
        case Side.SELL:
            return _NOTHING, row.remaining


def _steps_kept(old: OrderRow | None, new: OrderRow) -> int:
    """How many leading steps of the order were written before (a partial fill may replace the last one)."""
    if old is None or not old.steps:
        return 0
    count = len(old.steps)
    if len(new.steps) >= count and new.steps[count - 1] == old.steps[-1]:
        return count
    return count - 1
