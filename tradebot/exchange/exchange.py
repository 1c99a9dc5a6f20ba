"""The simulated exchange with the broker's front office: a deterministic function of its seed, data and commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from tradebot.domain.calendar import Calendar, CalendarHorizonError, ist, ist_date
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.orders import Side, Variety
from tradebot.domain.quotes import Quote
from tradebot.exchange.agenda import PRINTS_AFTER, Agenda, Kind
from tradebot.exchange.books import BooksFailed, FileBooks
from tradebot.exchange.commands import Accepted, PlaceCommand, Placed, Refused
from tradebot.exchange.desk import Desk
from tradebot.exchange.floor import Floor
from tradebot.exchange.ledger import Books, Ledger, NoBooks
from tradebot.exchange.levers import Levers
from tradebot.exchange.market import Market, MarketFacts
from tradebot.exchange.picture import Picture
from tradebot.exchange.rows import (
    HoldingRow,
    MarginsRow,
    OrderRow,
    OrderUpdate,
    PositionRow,
    Step,
    TradeRow,
)
from tradebot.exchange.settings import ExchangeSettings
from tradebot.exchange.state import State
from tradebot.exchange.tape import Tape

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The exchange at one instant; nothing in it ever changes."""

    state: State


class Exchange:
    """See `face.Face` for the commands; they happen at `now`, after everything the market did at that instant.

    Not safe for threads: whoever shares it brings a lock. A failure to write the books is raised to the caller of the
    command, and from then on every command and advance raises `BooksFailed`: open the books anew.
    """

    def __init__(
        self,
        *,
        tape: Tape,
        facts: MarketFacts,
        seed: int,
        opening: datetime,
        accounts: Mapping[str, Decimal],
        settings: ExchangeSettings | None = None,
        books: Books | None = None,
    ) -> None:
        """`accounts` are account ids with their opening cash in rupees. Raises CalendarHorizonError when the calendar
        does not know the day of `opening`."""
        settings = settings or ExchangeSettings()
        state = _opening_state(facts, settings, opening, accounts)
        self._assemble(tape, facts, seed, settings, state, books or NoBooks())

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        tape: Tape,
        facts: MarketFacts,
        seed: int,
        opening: datetime,
        accounts: Mapping[str, Decimal],
        settings: ExchangeSettings | None = None,
        durable: bool = True,
    ) -> Exchange:
        """Continue exactly where the books in `folder` end; with none there, begin them at `opening`.

        `durable` False leaves out the syncs at each day's end (a replay can be run again). An account that is not in
        the books gets its opening cash. Raises StateCorrupt when the books cannot be trusted or were made with
        another seed.
        """
        settings = settings or ExchangeSettings()
        first = _opening_state(facts, settings, opening, accounts)
        books, state = FileBooks.open(
            folder, seed=seed, first=first, archive_dates_max=settings.archive_dates_max, durable=durable
        )
        exchange = cls.__new__(cls)
        exchange._assemble(tape, facts, seed, settings, state, books)
        exchange._open_accounts(accounts)
        exchange._repark()
        return exchange

    def _assemble(
        self,
        tape: Tape,
        facts: MarketFacts,
        seed: int,
        settings: ExchangeSettings,
        state: State,
        books: Books,
    ) -> None:
        self._tape = tape
        self._settings = settings
        self._books = books
        self._market = Market(tape, facts, seed, settings)
        self._agenda = Agenda(facts.calendar, settings)
        self._ledger = Ledger(state, books, settings.archive_dates_max)
        self._floor = Floor(self._ledger, self._market)
        self._desk = Desk(self._ledger, self._market, self._floor)
        self.levers = Levers(self._ledger, self._market)
        self._planned_at: datetime | None = None
        self._planned_is_known = False
        self._hits: dict[str, tuple[datetime, int] | None] = {}

    @property
    def now(self) -> datetime:
        """The committed instant. Reading it never moves it."""
        return self._ledger.state.now

    @property
    def refuses_duplicate_tag(self) -> bool:
        return self._settings.refuses_duplicate_tag

    def advance_to(self, limit: datetime) -> Sequence[OrderUpdate]:
        """Go on to the first instant up to and including `limit` at which an order changes, and tell how.

        Orders that commands changed since the last advance are told of first, at the instant where the exchange
        stands. With nothing to tell, `now` is `limit` and the answer is empty. Raises ValueError for a limit in the
        past and CalendarHorizonError beyond the calendar.
        """
        state = self._state
        if limit < state.now:
            raise ValueError(f"the exchange stands at {state.now} and cannot go back to {limit}")
        if state.untold:
            return self._ledger.commit_advance()
        while True:
            due = self._next_due()
            if due is None:
                self._market.trading_day(ist_date(limit))
            if due is None or due > limit:
                if limit > state.now:
                    self._ledger.move_to(limit)
                return ()
            updates = self._happen(due)
            if updates:
                return updates

    def is_due(self, limit: datetime) -> bool:
        """Whether anything happens, or is still to be told of, up to and including `limit`."""
        if self._state.untold:
            return True
        due = self._next_due()
        return due is not None and due <= limit

    def place(self, account_id: str, command: PlaceCommand) -> Placed | Refused:
        """A refusal leaves no order; a rejection (margin, holdings) leaves a REJECTED one and is no refusal."""
        self._check_books()
        return self._desk.place(account_id, command)

    def modify(
        self, account_id: str, order_id: str, variety: Variety, *, quantity: int, price: Decimal
    ) -> Accepted | Refused:
        self._check_books()
        return self._desk.modify(account_id, order_id, variety, quantity=quantity, price=price)

    def cancel(self, account_id: str, order_id: str, variety: Variety) -> Accepted | Refused:
        self._check_books()
        return self._desk.cancel(account_id, order_id, variety)

    def order_book(self, account_id: str) -> Sequence[OrderRow]:
        """Everything that stands or is parked, and what finished since the book last turned, oldest first.

        The book turns at `settings.book_turns_at` (06:00 IST) of each trading day: what was finished by then is out
        of the book, and still found by `order`.
        """
        return [row for row in self._state.orders.values() if row.account_id == account_id]

    def order(self, account_id: str, order_id: str) -> OrderRow | None:
        """The latest state of any order that is remembered; None also for another account's."""
        found = self._state.find(order_id)
        return found.order if found and found.order.account_id == account_id else None

    def order_history(self, account_id: str, order_id: str) -> Sequence[Step]:
        """Every status that the order went through, oldest first; empty when there is no such order."""
        row = self.order(account_id, order_id)
        return row.steps if row else ()

    def trades(self, account_id: str) -> Sequence[TradeRow]:
        """The executions of the book day."""
        of_orders = self._state.trades.values()
        return [trade for trades in of_orders for trade in trades if trade.account_id == account_id]

    def order_trades(self, account_id: str, order_id: str) -> Sequence[TradeRow]:
        found = self._state.find(order_id)
        return found.trades if found and found.order.account_id == account_id else ()

    def holdings(self, account_id: str) -> Sequence[HoldingRow]:
        rows = self._state.holdings.values()
        return sorted((row for row in rows if row.account_id == account_id), key=lambda row: row.symbol)

    def positions(self, account_id: str) -> Sequence[PositionRow]:
        """Today's trades summed by symbol."""
        trades = self.trades(account_id)
        symbols = sorted({trade.symbol for trade in trades})
        return [_position(account_id, [t for t in trades if t.symbol == symbol]) for symbol in symbols]

    def margins(self, account_id: str) -> MarginsRow:
        return self._state.margins[account_id]

    def quote(self, symbol: str) -> Quote | None:
        """The picture of this instant, with five levels a side in the continuous session; None for no such symbol."""
        return self._market.quote(symbol, self._state.now)

    def prices(self, symbol: str) -> Quote | None:
        """The quote without its book, which costs most of it: for who only wants to know what a symbol is worth."""
        return self._market.quote(symbol, self._state.now, has_book=False)

    def picture(self, symbol: str) -> Picture | None:
        """The quote with the day's figures, as a broker's screen shows them; None where nothing can be shown."""
        return self._market.picture(symbol, self._state.now)

    def protected_price(self, symbol: str, side: Side, percent: Decimal | None = None) -> Decimal | None:
        """The limit that a broker sends a market order with; without `percent`, as far as the market's rules say."""
        return self._market.protected_price(symbol, side, percent, self._state.now)

    def terms(self, symbol: str | None = None) -> Mapping[str, InstrumentTerms]:
        """The terms in force for orders placed now, of one symbol or of all; a symbol that never traded is left out."""
        now, known = self._state.now, self._market.facts.instruments
        symbols = known if symbol is None else [symbol] if symbol in known else []
        found = {name: self._market.terms(name, now) for name in symbols}
        return {name: terms for name, terms in found.items() if terms is not None}

    @property
    def calendar(self) -> Calendar:
        """The trading days as the exchange has them."""
        return self._market.facts.calendar

    def close_on(self, day: date, name: str) -> None:
        """An ad-hoc holiday: `day` has no session, and orders parked for it wait for the next one.

        Not in the books: whoever opens them says so again. Raises ValueError for a day that has begun."""
        if day <= ist_date(self.now):
            raise ValueError(f"{day} has begun: it cannot become a holiday")
        facts = self._market.facts
        calendar = facts.calendar.with_holiday(day, name)
        facts = replace(facts, calendar=calendar)
        self._assemble(self._tape, facts, self._market.seed, self._settings, self._state, self._books)
        self._repark()

    def snapshot(self) -> Snapshot:
        return Snapshot(self._state.copy())

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot of this exchange or of one made from the same data. Raises ValueError for an exchange
        that keeps books: they are never unwritten."""
        if not isinstance(self._books, NoBooks):
            raise ValueError("an exchange with books cannot be set back; open its books instead")
        self._ledger.set_back(snapshot.state.copy())
        self._hits = {}
        self._planned_is_known = False

    def close(self) -> None:
        """Let go of the books; nothing is lost without it. The exchange is not to be used any more."""
        self._books.close()

    @property
    def _state(self) -> State:
        self._check_books()
        return self._ledger.state

    def _check_books(self) -> None:
        if self._ledger.has_failed:
            raise BooksFailed("the books could not be written: the exchange stands still until they are opened anew")

    def _repark(self) -> None:
        """Orders that wait for a day without a session wait for the next one that has one."""
        state, calendar = self._ledger.state, self._market.facts.calendar
        waiting = [state.orders[order_id] for order_id, day in state.parked.items() if not calendar.is_trading_day(day)]
        for row in waiting:
            next_day = calendar.next_trading_day(row.trading_day).day
            self._ledger.put(replace(row, trading_day=next_day))
        if waiting:
            self._ledger.commit_command()

    def _open_accounts(self, accounts: Mapping[str, Decimal]) -> None:
        new = [account_id for account_id in accounts if account_id not in self._ledger.state.margins]
        for account_id in new:
            self._ledger.put_margins(MarginsRow(account_id=account_id, cash=accounts[account_id]))
        if new:
            self._ledger.commit_command()

    def _next_due(self) -> datetime | None:
        """The next instant at which something is planned or a print reaches an order; worked out anew only for what
        changed since the last time."""
        state = self._ledger.state
        if not self._planned_is_known:
            self._planned_at, self._planned_is_known = self._agenda.next_at(state.now), True
        for symbol in self._ledger.touched:
            self._hits.pop(symbol, None)
        self._ledger.touched.clear()
        due = self._planned_at
        for symbol in state.live:
            hit = self._hits[symbol] if symbol in self._hits else self._find_hit(symbol)
            if hit is not None and (due is None or hit[0] < due):
                due = hit[0]
        return due

    def _find_hit(self, symbol: str) -> tuple[datetime, int] | None:
        """The path is asked for only when it can matter: not while something is planned before the open, and not for
        orders outside the day's range."""
        now = self._ledger.state.now
        plan = self._market.plan(symbol, ist_date(now))
        if plan is not None and self._planned_at is not None and self._planned_at < plan.opens_at:
            return None
        if not self._floor.is_in_reach(symbol):
            self._hits[symbol] = None
            return None
        path = self._market.path(symbol, ist_date(now))
        index = self._floor.next_hit(symbol, path.index_at(now) + 1)
        hit = None if index is None else (path.times[index], index)
        self._hits[symbol] = hit
        return hit

    def _happen(self, instant: datetime) -> Sequence[OrderUpdate]:
        """All that happens at one instant, as one commit."""
        ledger = self._ledger
        ledger.state.now = instant
        planned = self._agenda.at(instant) if instant == self._planned_at else ()
        reached = [(symbol, hit[1]) for symbol, hit in self._hits.items() if hit and hit[0] == instant]
        for happening in planned:
            if happening.kind <= PRINTS_AFTER:
                self._floor.happen(happening)
        for symbol, index in sorted(reached):
            self._trade_all(symbol, index, instant)
        for happening in planned:
            if happening.kind > PRINTS_AFTER:
                self._floor.happen(happening)
        if planned:
            self._planned_is_known = False
        updates: Sequence[OrderUpdate] = ()
        if ledger.is_changed:
            updates = ledger.commit_advance()
        else:
            ledger.move_to(instant)
        if any(happening.kind is Kind.DAY_ENDS for happening in planned):
            ledger.fold()
        return updates

    def _trade_all(self, symbol: str, index: int, instant: datetime) -> None:
        """Every print of the instant that reaches an order of the symbol, in the tape's order."""
        path = self._market.path(symbol, ist_date(instant))
        next_index: int | None = index
        while next_index is not None and path.times[next_index] == instant:
            self._floor.trade(symbol, next_index)
            is_live = symbol in self._ledger.state.live
            next_index = self._floor.next_hit(symbol, next_index + 1) if is_live else None
        self._hits.pop(symbol, None)


def _opening_state(
    facts: MarketFacts, settings: ExchangeSettings, opening: datetime, accounts: Mapping[str, Decimal]
) -> State:
    margins = {account_id: MarginsRow(account_id=account_id, cash=cash) for account_id, cash in accounts.items()}
    return State(now=opening, book_day=_book_day(facts, settings, opening), margins=margins)


def _book_day(facts: MarketFacts, settings: ExchangeSettings, at: datetime) -> date:
    """The last trading day whose book was turned to before `at`; the day itself where the calendar begins."""
    day = ist_date(at)
    if facts.calendar.is_trading_day(day) and at >= ist(day, settings.book_turns_at):
        return day
    try:
        return facts.calendar.previous_trading_day(day).day
    except CalendarHorizonError:
        return day


def _position(account_id: str, trades: Sequence[TradeRow]) -> PositionRow:
    bought = [trade for trade in trades if trade.side is Side.BUY]
    sold = [trade for trade in trades if trade.side is Side.SELL]
    return PositionRow(
        account_id=account_id,
        symbol=trades[0].symbol,
        exchange=trades[0].exchange,
        product=trades[0].product,
        buy_quantity=sum(trade.quantity for trade in bought),
        sell_quantity=sum(trade.quantity for trade in sold),
        buy_value=sum((trade.price * trade.quantity for trade in bought), _NOTHING),
        sell_value=sum((trade.price * trade.quantity for trade in sold), _NOTHING),
    )
