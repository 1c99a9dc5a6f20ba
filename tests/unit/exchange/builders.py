"""A small hand-written market and builders that name only what matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from tradebot.domain.calendar import (
    IST,
    AmoWindow,
    AmoWindows,
    Calendar,
    ClockWindow,
    ClosingAuctionTimes,
    Regime,
    SessionTimes,
    SpecialSession,
)
from tradebot.domain.corporate_actions import ActionKind, CorporateAction
from tradebot.domain.instruments import Instrument
from tradebot.domain.market_rules import (
    MarketRules,
    OrderLimits,
    OrderTypeRule,
    ProtectionBand,
    TickBand,
    TickTable,
)
from tradebot.domain.orders import OrderType, Product, Side, Validity, Variety
from tradebot.domain.quotes import Bar, Print
from tradebot.domain.trading_day import DayKind
from tradebot.exchange.commands import PlaceCommand, Placed
from tradebot.exchange.exchange import Exchange
from tradebot.exchange.market import MarketFacts
from tradebot.exchange.rows import OrderRow, OrderUpdate
from tradebot.exchange.settings import ExchangeSettings

MON, TUE, WED, THU, FRI = (date(2025, 1, day) for day in range(6, 11))
NEXT_MON, NEXT_TUE = date(2025, 1, 13), date(2025, 1, 14)
SATURDAY_TWO_WINDOWS = date(2025, 1, 18)
ME = "primary"

CASH_TIMES = SessionTimes(
    pre_open=ClockWindow(start=time(9, 0), end=time(9, 8)),
    auction_at=time(9, 8),
    continuous=(ClockWindow(start=time(9, 15), end=time(15, 30)),),
)
CLOSING_TIMES = SessionTimes(
    pre_open=ClockWindow(start=time(9, 0), end=time(9, 8)),
    auction_at=time(9, 8),
    continuous=(ClockWindow(start=time(9, 15), end=time(15, 15)),),
    closing_auction=ClosingAuctionTimes(
        reference=ClockWindow(start=time(15, 15), end=time(15, 20)),
        entry=ClockWindow(start=time(15, 20), end=time(15, 30)),
        limit_only_from=time(15, 25),
        match_at=time(15, 30),
        ends_at=time(15, 35),
        band_pct=Decimal(3),
        cancels_stop_orders_at=time(15, 15),
    ),
)
TWO_WINDOWS = SessionTimes(
    continuous=(
        ClockWindow(start=time(9, 15), end=time(10, 0)),
        ClockWindow(start=time(11, 30), end=time(12, 30)),
    )
)


def at(day: date, clock: str) -> datetime:
    """The instant of an IST clock such as "09:15" or "09:15:30"."""
    return datetime.combine(day, time.fromisoformat(clock), tzinfo=IST).astimezone(UTC)


def rupees(value: str | int | Decimal) -> Decimal:
    return Decimal(value)


@dataclass
class HandTape:
    """Bars and prints as they were written down; `halts` are problems by (symbol, day)."""

    bars: dict[tuple[str, date], Bar] = field(default_factory=dict)
    paths: dict[tuple[str, date], list[Print]] = field(default_factory=dict)
    halts: dict[tuple[str, date], str] = field(default_factory=dict)
    asked: list[tuple[str, date]] = field(default_factory=list)

    def session(
        self,
        symbol: str,
        day: date,
        prices: Sequence[str | int | Decimal],
        *,
        previous_close: str | Decimal | None = None,
        quantity: int = 1000,
        starts: str = "09:15",
        every: timedelta = timedelta(minutes=1),
    ) -> HandTape:
        """A day whose prints have these prices; the bar follows from them."""
        path = [
            Print(at=at(day, starts) + i * every, price=Decimal(price), quantity=quantity)
            for i, price in enumerate(prices)
        ]
        values = [p.price for p in path]
        last = self.last_bar(symbol, day)
        before = previous_close or (last.close if last else values[0])
        self.paths[symbol, day] = path
        self.bars[symbol, day] = Bar(
            symbol=symbol,
            day=day,
            open=values[0],
            high=max(values),
            low=min(values),
            close=values[-1],
            previous_close=Decimal(before),
            volume=quantity * len(path),
        )
        return self

    def symbols(self, day: date) -> frozenset[str]:
        return frozenset(symbol for symbol, of_day in self.bars if of_day == day)

    def bar(self, symbol: str, day: date) -> Bar | None:
        return self.bars.get((symbol, day))

    def last_bar(self, symbol: str, before: date) -> Bar | None:
        days = [day for of_symbol, day in self.bars if of_symbol == symbol and day < before]
        return self.bars[symbol, max(days)] if days else None

    def prints(self, symbol: str, day: date) -> Sequence[Print]:
        self.asked.append((symbol, day))
        return self.paths.get((symbol, day), [])

    def problems(self, symbol: str, day: date) -> str | None:
        return self.halts.get((symbol, day))


def a_calendar() -> Calendar:
    """December 2024 and January 2025; closing auctions for stocks with derivatives from 2025-01-13 on."""
    return Calendar(
        first=date(2024, 12, 1),
        last=date(2025, 1, 31),
        regimes=(
            Regime(since=date(2024, 12, 1), derivatives=CASH_TIMES, cash_only=CASH_TIMES),
            Regime(since=NEXT_MON, derivatives=CLOSING_TIMES, cash_only=CASH_TIMES),
        ),
        holidays={date(2024, 12, 25): "Christmas"},
        special_sessions={
            SATURDAY_TWO_WINDOWS: SpecialSession(
                day=SATURDAY_TWO_WINDOWS, kind=DayKind.SPECIAL, settlement=False, times=TWO_WINDOWS
            )
        },
    )


def facts(actions: Sequence[CorporateAction] = (), calendar: Calendar | None = None) -> MarketFacts:
    """ABC and DEF trade in the cash segment only, FUT has derivatives, ETF is one."""
    start = date(2024, 1, 1)
    return MarketFacts(
        calendar=calendar or a_calendar(),
        rules=MarketRules(
            tick_tables=(
                TickTable(
                    since=start,
                    bands=(
                        TickBand(below=Decimal(250), tick=Decimal("0.05")),
                        TickBand(below=None, tick=Decimal("0.50")),
                    ),
                    etf_tick=Decimal("0.01"),
                ),
            ),
            order_limits=(OrderLimits(since=start, freeze_value=Decimal(10**8), max_quantity=100_000),),
            order_types=(OrderTypeRule(since=start, market_needs_protection=True, takes_stop_market=False),),
            protection=(ProtectionBand(below=None, percent=Decimal(1)),),
            option_protection=(ProtectionBand(below=None, percent=Decimal(1)),),
        ),
        actions=tuple(actions),
        instruments={
            "ABC": Instrument(symbol="ABC"),
            "DEF": Instrument(symbol="DEF"),
            "FUT": Instrument(symbol="FUT", has_derivatives=True, band_pct=Decimal(10)),
            "ETF": Instrument(symbol="ETF", is_etf=True),
            "NEW": Instrument(symbol="NEW"),
        },
        amo_windows=AmoWindows(
            windows=(
                AmoWindow(
                    broker="default",
                    exchange="NSE",
                    since=start,
                    start=time(16, 0),
                    end=time(8, 58),
                    next_bands_at=time(17, 0),
                    takes_etfs=False,
                ),
            )
        ),
    )


def a_tape() -> HandTape:
    """ABC around Rs 100 from Friday 2025-01-03 to Friday 2025-01-10, DEF and FUT a few days, ETF one."""
    tape = HandTape()
    tape.session("ABC", date(2024, 12, 31), [100])
    tape.session("FUT", date(2024, 12, 31), [200])
    tape.session("DEF", date(2024, 12, 31), [50])
    tape.session("ETF", date(2025, 1, 3), [20])
    tape.session("ABC", date(2025, 1, 3), ["100", "101", "99", "100"])
    for day, shift in ((MON, 0), (TUE, 1), (WED, -1), (THU, 0), (FRI, 1), (NEXT_MON, 0), (NEXT_TUE, 0)):
        base = Decimal(100 + shift)
        steps = ("0", "0.5", "1", "0", "-0.5", "-1", "-1.5", "-1", "-0.5", "0")
        tape.session("ABC", day, [base + Decimal(step) for step in steps])
        tape.session("FUT", day, [2 * base + 2 * Decimal(step) for step in steps])
        if day != TUE:
            tape.session("DEF", day, [base / 2 + Decimal(step) / 2 for step in steps])
    return tape


def an_exchange(
    tape: HandTape | None = None,
    *,
    opening: datetime | None = None,
    cash: str | int = 1_000_000,
    accounts: Mapping[str, Decimal] | None = None,
    actions: Sequence[CorporateAction] = (),
    settings: ExchangeSettings | None = None,
    seed: int = 7,
) -> Exchange:
    """The exchange on the evening of Friday 2025-01-03, unless another instant is named."""
    return Exchange(
        tape=tape or a_tape(),
        facts=facts(actions),
        seed=seed,
        opening=opening or at(date(2025, 1, 3), "18:00"),
        accounts=accounts or {ME: Decimal(cash)},
        settings=settings,
    )


def a_buy(symbol: str = "ABC", quantity: int = 10, price: str | Decimal = "100", **changes: object) -> PlaceCommand:
    return _a_command(Side.BUY, symbol, quantity, price, changes)


def a_sell(symbol: str = "ABC", quantity: int = 10, price: str | Decimal = "100", **changes: object) -> PlaceCommand:
    return _a_command(Side.SELL, symbol, quantity, price, changes)


def _a_command(
    side: Side, symbol: str, quantity: int, price: str | Decimal, changes: Mapping[str, object]
) -> PlaceCommand:
    values: dict[str, object] = {
        "symbol": symbol,
        "side": side,
        "quantity": quantity,
        "price": Decimal(price),
        "order_type": OrderType.LIMIT,
        "product": Product.CNC,
        "validity": Validity.DAY,
        "variety": Variety.AMO,
    }
    values.update(changes)
    if isinstance(values.get("trigger_price"), str):
        values["trigger_price"] = Decimal(str(values["trigger_price"]))
    return PlaceCommand(**values)  # type: ignore[arg-type]


def placed(exchange: Exchange, command: PlaceCommand, account_id: str = ME) -> str:
    """Place and expect an order id."""
    answer = exchange.place(account_id, command)
    assert isinstance(answer, Placed), answer
    return answer.order_id


def the_order(exchange: Exchange, order_id: str, account_id: str = ME) -> OrderRow:
    row = exchange.order(account_id, order_id)
    assert row is not None
    return row


def run_to(exchange: Exchange, limit: datetime) -> list[OrderUpdate]:
    """Advance until the instant is reached; every update on the way."""
    updates: list[OrderUpdate] = []
    while found := exchange.advance_to(limit):
        updates += found
    return updates


def with_holding(exchange: Exchange, symbol: str = "ABC", quantity: int = 10) -> None:
    """Buy at the open of Monday and wait until Tuesday 07:00, when the shares can be sold."""
    placed(exchange, a_buy(symbol, quantity, "110" if symbol == "ABC" else "55"))
    run_to(exchange, at(TUE, "07:00"))


def a_split(symbol: str, ex_date: date, old: int = 1, new: int = 2) -> CorporateAction:
    return CorporateAction(
        ex_date=ex_date, symbol=symbol, kind=ActionKind.SPLIT, numerator=old, denominator=new, source="test"
    )
