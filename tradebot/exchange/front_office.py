"""The broker's checks as pure functions: what is refused before there is an order, and what is rejected after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tradebot.domain.calendar import CalendarHorizonError, ist_date
from tradebot.domain.instruments import Instrument, InstrumentTerms
from tradebot.domain.market_rules import Band, on_tick
from tradebot.domain.orders import OrderType, Product, Side, Validity, Variety
from tradebot.exchange import words
from tradebot.exchange.commands import ErrorType, PlaceCommand, Refused
from tradebot.exchange.market import Market, Stage
from tradebot.exchange.rows import HoldingRow, MarginsRow, OrderRow

TAG_LENGTH_MAX = 20
_HUNDRED = Decimal(100)
_BAD_REQUEST = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Why an order that has a number does not reach the market: the friendly text and the order system's own."""

    text: str
    raw: str


def input_error(text: str) -> Refused:
    return Refused(http_status=_BAD_REQUEST, error_type=ErrorType.INPUT, text=text)


def order_error(text: str, code: str = "") -> Refused:
    return Refused(http_status=_BAD_REQUEST, error_type=ErrorType.ORDER, text=text, code=code)


def refuse_placement(command: PlaceCommand, market: Market, at: datetime) -> Refused | None:
    """The first reason for which no order comes into being (Zerodha's pre-validation), or None."""
    instrument = market.facts.instruments.get(command.symbol)
    if instrument is None or instrument.exchange != command.exchange:
        return input_error(words.unknown_symbol(command.exchange, command.symbol))
    return (
        _refuse_words(command)
        or _refuse_moment(command, instrument, market, at)
        or refuse_terms(
            market.terms(command.symbol, at),
            symbol=command.symbol,
            quantity=command.quantity,
            price=command.price,
        )
        or _refuse_trigger(command, market, at)
        or _refuse_closing_price(command.symbol, command.price, command.variety, market, at)
    )


def refuse_terms(terms: InstrumentTerms | None, *, symbol: str, quantity: int, price: Decimal) -> Refused | None:
    """Tick, band, lot and the largest order, by the terms in force."""
    if terms is None:
        return order_error(words.no_terms(symbol))
    if quantity <= 0:
        return input_error(words.BAD_QUANTITY)
    if not price.is_finite() or price <= 0:
        return input_error(words.BAD_PRICE)
    if not on_tick(price, terms.tick_size):
        return input_error(words.off_tick(terms.tick_size))
    if quantity % terms.lot_size:
        return input_error(words.off_lot(terms.lot_size))
    if quantity > terms.freeze_quantity:
        return order_error(words.over_freeze(terms.freeze_quantity))
    if not terms.lower_limit <= price <= terms.upper_limit:
        return order_error(words.outside_band(terms.lower_limit, terms.upper_limit))
    return None


def refuse_modification(
    row: OrderRow, market: Market, at: datetime, *, quantity: int, price: Decimal
) -> Refused | None:
    """The first reason for which the new quantity and price of a standing order are not taken in, or None."""
    if row.modifications >= market.settings.modifications_max:
        return order_error(words.TOO_MANY_MODIFICATIONS)
    if quantity <= row.filled_quantity:
        return order_error(words.BELOW_FILLED, words.NOT_MODIFIED_CODE)
    refused = refuse_terms(market.terms(row.symbol, at), symbol=row.symbol, quantity=quantity, price=price)
    if refused is not None:
        return refused
    if row.trigger_price is not None and _limit_misses_trigger(row.side, price, row.trigger_price):
        return input_error(words.wrong_stop_limit(row.side))
    return _refuse_closing_price(row.symbol, price, Variety.REGULAR if not row.is_parked else Variety.AMO, market, at)


def rejection_at_release(row: OrderRow, market: Market, at: datetime) -> Rejection | None:
    """Why a parked order is not let into the day's market: the day's own session, halt, tick and band."""
    day = ist_date(at)
    if market.bar(row.symbol, day) is None:
        return _plain(words.no_session(row.symbol, day))
    problem = market.problem(row.symbol, day)
    if problem is not None:
        return _plain(words.halted(row.symbol, problem))
    terms = market.terms_of(row.symbol, day, at)
    if terms is None:
        return _plain(words.no_terms(row.symbol))
    if not on_tick(row.price, terms.tick_size):
        return _plain(words.off_tick(terms.tick_size))
    band = Band(lower=terms.lower_limit, upper=terms.upper_limit)
    if not band.contains(row.price):
        return Rejection(
            text=words.outside_band(band.lower, band.upper), raw=words.outside_band_raw(band.lower, band.upper)
        )
    return None


def rejection_of_means(row: OrderRow, money: MarginsRow, holding: HoldingRow) -> Rejection | None:
    """Whether the account lacks the money of a buy or the shares of a sell; the order itself holds nothing back yet."""
    match row.side:
        case Side.BUY:
            required = row.price * row.remaining
            if required <= money.available:
                return None
            return Rejection(
                text=words.short_of_margin(required, money.available),
                raw=words.short_of_margin_raw(required, money.available, row.account_id),
            )
        case Side.SELL:
            if row.remaining <= holding.sellable_quantity:
                return None
            return Rejection(
                text=words.short_of_holdings(row.remaining, holding.sellable_quantity),
                raw=words.short_of_holdings_raw(row.remaining, holding.sellable_quantity, row.account_id),
            )


def is_duplicate(tag: str | None, rows: Iterator[OrderRow]) -> bool:
    return tag is not None and any(row.tag == tag for row in rows)


def _refuse_words(command: PlaceCommand) -> Refused | None:
    """What is wrong with the command whatever the time and the price."""
    tag = command.tag
    if tag is not None and not (len(tag) <= TAG_LENGTH_MAX and tag.isascii() and tag.isalnum()):
        return input_error(words.BAD_TAG)
    if command.product is not Product.CNC:
        return input_error(words.product_not_supported(command.product))
    if command.order_type is OrderType.MARKET:
        return order_error(words.MARKET_WITHOUT_PROTECTION)
    if command.order_type is OrderType.SL_M:
        return order_error(words.SL_M_REFUSED)
    if not 0 <= command.disclosed_quantity <= command.quantity:
        return input_error(words.BAD_DISCLOSED)
    if (command.order_type is OrderType.SL) != (command.trigger_price is not None):
        return input_error(words.TRIGGER_AND_TYPE)
    return None


def _refuse_moment(command: PlaceCommand, instrument: Instrument, market: Market, at: datetime) -> Refused | None:
    match command.variety:
        case Variety.AMO:
            return _refuse_amo(instrument, market, at)
        case Variety.REGULAR:
            return _refuse_regular(command, market, at)


def _refuse_amo(instrument: Instrument, market: Market, at: datetime) -> Refused | None:
    window = market.facts.amo_window(instrument.exchange, at)
    if instrument.is_etf and not window.takes_etfs:
        return order_error(words.amo_not_for_etf(instrument.symbol))
    try:
        if window.accepts(at, market.facts.calendar):
            window.for_day(at, market.facts.calendar)
            return None
    except CalendarHorizonError as e:
        return order_error(str(e))
    return order_error(words.amo_window_shut(f"{window.start:%H:%M}", f"{window.end:%H:%M}"))


def _refuse_regular(command: PlaceCommand, market: Market, at: datetime) -> Refused | None:
    day, symbol = ist_date(at), command.symbol
    stage = market.stage(symbol, at)
    if stage is Stage.SHUT:
        return order_error(words.MARKET_CLOSED)
    if market.bar(symbol, day) is None:
        return order_error(words.no_session(symbol, day))
    problem = market.problem(symbol, day)
    if problem is not None:
        return order_error(words.halted(symbol, problem))
    is_plain = (
        command.order_type is OrderType.LIMIT and command.validity is Validity.DAY and not command.disclosed_quantity
    )
    if stage is not Stage.CONTINUOUS and not is_plain:
        return order_error(words.ONLY_LIMIT_DAY)
    return None


def _refuse_trigger(command: PlaceCommand, market: Market, at: datetime) -> Refused | None:
    """A buy stop is above the last price and its limit at or above the trigger; a sell stop the other way round."""
    trigger = command.trigger_price
    if trigger is None:
        return None
    terms, last_price = market.terms(command.symbol, at), market.last_price(command.symbol, at)
    if terms is None or last_price is None:
        return order_error(words.no_terms(command.symbol))
    if not trigger.is_finite() or trigger <= 0 or not on_tick(trigger, terms.tick_size):
        return input_error(words.off_tick(terms.tick_size))
    if _limit_misses_trigger(command.side, command.price, trigger):
        return input_error(words.wrong_stop_limit(command.side))
    wrong = trigger <= last_price if command.side is Side.BUY else trigger >= last_price
    return input_error(words.wrong_trigger(command.side, last_price)) if wrong else None


def _limit_misses_trigger(side: Side, price: Decimal, trigger: Decimal) -> bool:
    return price < trigger if side is Side.BUY else price > trigger


def _refuse_closing_price(
    symbol: str, price: Decimal, variety: Variety, market: Market, at: datetime
) -> Refused | None:
    """The closing auction's own, narrower band around its reference price."""
    if variety is Variety.AMO or market.stage(symbol, at) is not Stage.CLOSING_ENTRY:
        return None
    plan, reference = market.plan(symbol, ist_date(at)), market.closing_reference(symbol, at)
    if plan is None or plan.closing_auction is None or reference is None:
        return None
    reach = reference * plan.closing_auction.band_pct / _HUNDRED
    if abs(price - reference) <= reach:
        return None
    lower, upper = round(reference - reach, 2), round(reference + reach, 2)
    return order_error(words.outside_band(lower, upper))


def _plain(text: str) -> Rejection:
    return Rejection(text=text, raw=text)
