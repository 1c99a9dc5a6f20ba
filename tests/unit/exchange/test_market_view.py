"""Quotes, depth and terms as the exchange shows them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from decimal import Decimal

import pytest

from tests.unit.exchange.builders import (
    FRI,
    MON,
    NEXT_MON,
    TUE,
    a_tape,
    an_exchange,
    at,
    facts,
    run_to,
    rupees,
)
from tradebot.domain.calendar import AmoWindows
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.quotes import Print
from tradebot.exchange.depth import LEVELS, depth_around
from tradebot.exchange.market import Market
from tradebot.exchange.path import DayPath
from tradebot.exchange.settings import ExchangeSettings


def test_a_quote_in_the_session_shows_the_day_so_far_and_five_levels_a_side() -> None:
    quote = an_exchange(opening=at(MON, "09:19:30")).quote("ABC")
    assert quote is not None
    assert (quote.last_price, quote.day_high, quote.day_low) == (rupees("99.5"), rupees(101), rupees("99.5"))
    assert (quote.volume, quote.previous_close) == (5000, rupees(100))
    assert len(quote.bids) == len(quote.asks) == LEVELS
    assert quote.best_bid is not None and quote.best_ask is not None
    assert quote.best_bid < quote.best_ask
    assert quote.last_price in (quote.best_bid, quote.best_ask)
    bids, asks = [level.price for level in quote.bids], [level.price for level in quote.asks]
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert all(price % rupees("0.05") == 0 for price in bids + asks)


@pytest.mark.parametrize("clock", ["08:00", "09:05", "09:10", "15:30", "20:00"])
def test_outside_the_continuous_session_the_book_is_empty(clock: str) -> None:
    quote = an_exchange(opening=at(MON, clock)).quote("ABC")
    assert quote is not None
    assert (quote.bids, quote.asks) == ((), ())


@pytest.mark.parametrize(
    ("day", "clock", "last", "previous"),
    [
        (MON, "08:00", "100", "100"),
        (MON, "09:08", "100", "100"),
        (MON, "20:00", "100", "100"),
        (TUE, "09:07", "100", "100"),
        (TUE, "09:08", "101", "100"),
        (TUE, "20:00", "101", "100"),
        (date(2025, 1, 4), "12:00", "100", "100"),
    ],
)
def test_the_last_price_follows_auction_prints_and_closes(day: date, clock: str, last: str, previous: str) -> None:
    quote = an_exchange(opening=at(day, clock)).quote("ABC")
    assert quote is not None
    assert (quote.last_price, quote.previous_close) == (rupees(last), rupees(previous))


def test_a_halted_symbol_and_one_without_a_session_show_the_last_close_and_no_book() -> None:
    tape = a_tape()
    tape.halts["ABC", MON] = "undeclared jump"
    halted = an_exchange(tape, opening=at(MON, "10:00")).quote("ABC")
    absent = an_exchange(opening=at(TUE, "10:00")).quote("DEF")
    assert halted is not None and absent is not None
    assert (halted.last_price, len(halted.bids)) == (rupees(100), 0)
    assert (absent.last_price, len(absent.bids)) == (rupees(50), 0)


def test_an_unknown_symbol_and_one_that_never_traded_have_no_quote_and_no_terms() -> None:
    exchange = an_exchange(opening=at(MON, "10:00"))
    assert exchange.quote("NOPE") is None
    assert exchange.quote("NEW") is None
    assert exchange.terms("NOPE") == {}
    assert set(exchange.terms()) == {"ABC", "DEF", "ETF", "FUT"}


def test_the_same_instant_shows_the_same_depth_and_another_seed_another() -> None:
    def quote(seed: int) -> object:
        return an_exchange(opening=at(MON, "09:19"), seed=seed).quote("FUT")

    assert quote(1) == quote(1)
    assert len({str(quote(seed)) for seed in range(8)}) > 1


def test_terms_are_the_next_days_from_the_evening_on_and_over_the_weekend() -> None:
    exchange = an_exchange(opening=at(MON, "16:59"))
    assert exchange.terms("ABC")["ABC"].day == MON
    run_to(exchange, at(MON, "17:00"))
    assert exchange.terms("ABC")["ABC"].day == TUE
    weekend = an_exchange(opening=at(date(2025, 1, 4), "12:00"))
    assert weekend.terms("ABC")["ABC"].day == MON


def test_terms_that_are_loaded_in_the_morning_are_the_days_own_from_then_on() -> None:
    known = facts()
    (window,) = known.amo_windows.windows
    in_the_morning = AmoWindows(windows=(replace(window, next_bands_at=time(7, 0)),))
    market = Market(a_tape(), replace(known, amo_windows=in_the_morning), 1, ExchangeSettings())
    assert market.terms_day(at(MON, "20:00")) == MON
    assert market.terms_day(at(TUE, "06:59")) == MON
    assert market.terms_day(at(TUE, "07:00")) == TUE
    assert market.terms_day(at(date(2025, 1, 11), "12:00")) == FRI


def test_the_tick_is_that_of_the_last_close_of_the_month_before() -> None:
    tape = a_tape()
    tape.session("FUT", date(2024, 12, 31), [300])
    terms = an_exchange(tape, opening=at(MON, "10:00")).terms()
    assert terms["FUT"].tick_size == rupees("0.50")
    assert terms["ABC"].tick_size == rupees("0.05")
    assert terms["ETF"].tick_size == rupees("0.01")


def test_the_band_of_a_stock_with_derivatives_is_widened_while_the_price_is_at_its_edge() -> None:
    tape = a_tape()
    tape.session("FUT", MON, [200, 219, 225, 225], previous_close="200")
    exchange = an_exchange(tape, opening=at(MON, "09:16:30"))
    assert exchange.terms("FUT")["FUT"].upper_limit == 220
    run_to(exchange, at(MON, "09:17:30"))
    assert exchange.terms("FUT")["FUT"].upper_limit == 230


def test_the_closing_auctions_price_is_the_last_one_of_the_day() -> None:
    tape = a_tape()
    tape.session("FUT", NEXT_MON, [200, 201, 202])
    exchange = an_exchange(tape, opening=at(NEXT_MON, "15:40"))
    quote = exchange.quote("FUT")
    assert quote is not None
    assert quote.last_price == 202


def some_terms(lower: str = "80", upper: str = "120", tick: str = "0.05") -> InstrumentTerms:
    return InstrumentTerms(
        symbol="ABC",
        exchange="NSE",
        day=MON,
        tick_size=Decimal(tick),
        lot_size=1,
        lower_limit=Decimal(lower),
        upper_limit=Decimal(upper),
        freeze_quantity=1000,
        previous_close=Decimal(100),
    )


@pytest.mark.parametrize("index", range(20))
def test_levels_stay_inside_the_band_and_show_at_least_one_share(index: int) -> None:
    bids, asks = depth_around(
        some_terms(upper="100"),
        seed=1,
        day=MON,
        index=index,
        last_price=Decimal(100),
        last_quantity=1,
        pct_max=60,
    )
    assert all(level.price <= 100 for level in asks)
    assert len(asks) <= 1
    assert all(level.quantity == 1 for level in bids)


@pytest.mark.parametrize("index", range(20))
def test_a_last_price_off_the_tick_still_has_a_book_on_it(index: int) -> None:
    bids, asks = depth_around(
        some_terms(), seed=1, day=MON, index=index, last_price=rupees("99.97"), last_quantity=100, pct_max=60
    )
    assert bids[0].price < asks[0].price
    assert all(level.price % rupees("0.05") == 0 for level in (*bids, *asks))


def test_the_next_print_at_or_beyond_a_price_is_found_in_any_block() -> None:
    prices = [100 + (i * 37) % 50 for i in range(500)]
    path = DayPath([Print(at=at(MON, "09:15"), price=Decimal(p), quantity=1) for p in prices])
    for limit in (99, 100, 110, 149, 150):
        for start in (0, 1, 63, 64, 65, 200, 499, 500):
            below = next((i for i in range(start, 500) if prices[i] <= limit), None)
            above = next((i for i in range(start, 500) if prices[i] >= limit), None)
            assert path.next_at_or_below(Decimal(limit), start) == below
            assert path.next_at_or_above(Decimal(limit), start) == above
