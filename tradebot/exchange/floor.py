"""The trading floor: orders enter, rest, are matched with auctions and prints, and are sent off in the end."""

from __future__ import annotations

from dataclasses import replace

from tradebot.domain.calendar import ist_date
from tradebot.domain.orders import OrderType, Side, Validity
from tradebot.domain.quotes import Bar
from tradebot.exchange import words
from tradebot.exchange.agenda import Happening, Kind
from tradebot.exchange.front_office import Rejection, rejection_at_release, rejection_of_means
from tradebot.exchange.ledger import Ledger
from tradebot.exchange.market import Market, Stage
from tradebot.exchange.matching import (
    allocate,
    awaited,
    by_priority,
    is_triggered,
    reaches,
    resting_price,
    share_of_auction,
    share_of_print,
    within_range,
)
from tradebot.exchange.overnight import deliver, turn_book
from tradebot.exchange.rows import OrderRow, Status, stepped


class Floor:
    """Changes the ledger's state and nothing else. Every method acts at the state's instant."""

    def __init__(self, ledger: Ledger, market: Market) -> None:
        self._ledger = ledger
        self._market = market

    def happen(self, happening: Happening) -> None:
        match happening.kind:
            case Kind.BOOK_TURNS:
                turn_book(self._ledger, self._market, happening.day)
            case Kind.RELEASE | Kind.OPEN_RELEASE:
                self._release(happening)
            case Kind.OPENING_MATCH:
                self._match_auctions(happening, self._market.settings.opening_share_bps)
            case Kind.STOPS_END:
                self._send_off_stops(happening)
            case Kind.CLOSING_MATCH:
                self._match_auctions(happening, self._market.settings.closing_share_bps)
            case Kind.SESSION_ENDS:
                self._send_off_all(happening)
            case Kind.DAY_ENDS:
                deliver(self._ledger, happening.day)

    def enter(self, row: OrderRow) -> None:
        """A valid order reaches the exchange, unless the account lacks the means for it."""
        ledger, now = self._ledger, self._ledger.state.now
        rejection = rejection_of_means(row, ledger.state.margins[row.account_id], ledger.holding(row))
        if rejection is not None:
            self.reject(row, rejection)
            return
        is_stop = row.order_type is OrderType.SL
        entered = stepped(
            replace(row, exchange_order_id=f"1{row.order_id}"),
            now,
            Status.PUT_ORDER_REQ_RECEIVED,
            Status.VALIDATION_PENDING,
            Status.OPEN_PENDING,
            Status.TRIGGER_PENDING if is_stop else Status.OPEN,
        )
        ledger.put(entered)
        if is_stop:
            last_price = self._market.last_price(row.symbol, now)
            if last_price is not None and is_triggered(entered, last_price):
                entered = self._activate(entered)
        self.match_on_arrival(entered)

    def reject(self, row: OrderRow, rejection: Rejection) -> None:
        self._ledger.put(
            stepped(
                row,
                self._ledger.state.now,
                Status.PUT_ORDER_REQ_RECEIVED,
                Status.VALIDATION_PENDING,
                Status.REJECTED,
                text=rejection.text,
                raw=rejection.raw,
            )
        )

    def match_on_arrival(self, row: OrderRow) -> None:
        """An open order that is marketable in the continuous session takes the other side's levels up to its limit."""
        now = self._ledger.state.now
        if row.status is not Status.OPEN or self._market.stage(row.symbol, now) is not Stage.CONTINUOUS:
            return
        last_price, bar = self._market.last_price(row.symbol, now), self._market.bar(row.symbol, ist_date(now))
        # The last price is the best bid or the best offer: a limit that does not reach it reaches no level.
        if bar is not None and last_price is not None and reaches(row, last_price):
            row = self._take_levels(row, bar)
        if row.validity is Validity.IOC and row.status is Status.OPEN:
            self._cancel(row, words.CANCELLED_IOC)

    def is_in_reach(self, symbol: str) -> bool:
        """Whether any print of the day can touch one of the symbol's orders."""
        state = self._ledger.state
        bar = self._market.bar(symbol, ist_date(state.now))
        if bar is None:
            return False
        waits = (awaited(state.orders[order_id]) for order_id in state.live[symbol])
        return any(price <= bar.high if looks_up else price >= bar.low for price, looks_up in waits)

    def next_hit(self, symbol: str, start: int) -> int | None:
        """The first print from `start` on that touches one of the symbol's orders."""
        state = self._ledger.state
        path = self._market.path(symbol, ist_date(state.now))
        hits = []
        for order_id in state.live[symbol]:
            price, looks_up = awaited(state.orders[order_id])
            hit = path.next_at_or_above(price, start) if looks_up else path.next_at_or_below(price, start)
            if hit is not None:
                hits.append(hit)
        return min(hits, default=None)

    def trade(self, symbol: str, index: int) -> None:
        """The print `index` of the day: stop orders are triggered, resting orders that it reaches get their share."""
        state = self._ledger.state
        day = ist_date(state.now)
        path = self._market.path(symbol, day)
        price = path.prices[index]
        rows = [state.orders[order_id] for order_id in state.live.get(symbol, ())]
        resting = [row for row in rows if row.status is Status.OPEN and reaches(row, price)]
        for row in rows:
            if row.status is Status.TRIGGER_PENDING and is_triggered(row, price):
                self.match_on_arrival(self._activate(row))
        settings = self._market.settings
        share = share_of_print(
            seed=self._market.seed,
            day=day,
            symbol=symbol,
            index=index,
            quantity=path.quantities[index],
            share_pct=settings.print_share_pct,
        )
        for row, quantity in self._shared_out(symbol, resting, share):
            self._ledger.fill(row, quantity, resting_price(row, path.lows[index], path.highs[index]))

    def _take_levels(self, row: OrderRow, bar: Bar) -> OrderRow:
        bids, asks = self._market.depth(row.symbol, self._ledger.state.now)
        for level in asks if row.side is Side.BUY else bids:
            if not row.remaining or not reaches(row, level.price):
                break
            row = self._ledger.fill(row, min(row.remaining, level.quantity), within_range(level.price, bar))
        return row

    def _release(self, happening: Happening) -> None:
        """Parked orders of the day go to the exchange: plain limit orders into the pre-open, all others at the open
        (Zerodha's support page on after-market orders)."""
        state = self._ledger.state
        for order_id in sorted(state.parked):
            row = state.orders[order_id]
            if row.trading_day != happening.day or not self._concerns(happening, row.symbol):
                continue
            if happening.kind is Kind.RELEASE and not _joins_opening(row):
                continue
            rejection = rejection_at_release(row, self._market, state.now)
            if rejection is not None:
                self.reject(row, rejection)
            else:
                self.enter(replace(row, terms_day=happening.day))

    def _match_auctions(self, happening: Happening, share_bps: int) -> None:
        """Every open order of the class that the auction's one price reaches gets its share at that price."""
        state, market = self._ledger.state, self._market
        for symbol in sorted(state.live):
            bar = market.bar(symbol, happening.day)
            if bar is None or not self._concerns(happening, symbol):
                continue
            price = bar.open if happening.kind is Kind.OPENING_MATCH else bar.close
            rows = [state.orders[order_id] for order_id in state.live[symbol]]
            share = share_of_auction(
                seed=market.seed,
                day=happening.day,
                symbol=symbol,
                kind=happening.kind.name,
                volume=bar.volume,
                share_bps=share_bps,
            )
            matched = [row for row in rows if row.status is Status.OPEN and reaches(row, price)]
            for row, quantity in self._shared_out(symbol, matched, share):
                self._ledger.fill(row, quantity, price)

    def _send_off_stops(self, happening: Happening) -> None:
        for row in self._live_rows(happening):
            if row.status is Status.TRIGGER_PENDING:
                self._cancel(row, words.CANCELLED_STOP)
            elif row.disclosed_quantity:
                self._cancel(row, words.CANCELLED_DISCLOSED)

    def _send_off_all(self, happening: Happening) -> None:
        for row in self._live_rows(happening):
            self._cancel(row, words.CANCELLED_AT_END)

    def _live_rows(self, happening: Happening) -> list[OrderRow]:
        state = self._ledger.state
        return [
            state.orders[order_id]
            for symbol in sorted(state.live)
            if self._concerns(happening, symbol)
            for order_id in state.live[symbol]
        ]

    def _shared_out(self, symbol: str, rows: list[OrderRow], share: int) -> list[tuple[OrderRow, int]]:
        """Each side of ours gets `share` in all."""
        lot_size = self._market.facts.instruments[symbol].lot_size
        sides = ([row for row in rows if row.side is side] for side in Side)
        return [pair for side in sides for pair in allocate(by_priority(side), share, lot_size)]

    def _concerns(self, happening: Happening, symbol: str) -> bool:
        return happening.concerns(self._market.facts.instruments[symbol].has_derivatives)

    def _activate(self, row: OrderRow) -> OrderRow:
        opened = stepped(row, self._ledger.state.now, Status.OPEN)
        self._ledger.put(opened)
        return opened

    def _cancel(self, row: OrderRow, text: str) -> None:
        self._ledger.put(stepped(row, self._ledger.state.now, Status.CANCELLED, text=text))


def _joins_opening(row: OrderRow) -> bool:
    is_plain = row.order_type is OrderType.LIMIT and row.validity is Validity.DAY
    return is_plain and not row.disclosed_quantity
