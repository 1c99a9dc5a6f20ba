"""The texts that the exchange and the broker's front office answer with, in brokers' words where they are known."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tradebot.domain.orders import Product

BEING_PROCESSED = "Order is being processed. Try later."
OUTCOME_OPEN = "Request timed out. Please check the order book and confirm before placing again."
SL_M_REFUSED = "Market order with Algo Id not allowed"
MARKET_WITHOUT_PROTECTION = (
    "Market orders without market protection are not allowed via API."
    " Please set market protection or use a Limit order."
)
DUPLICATE_TAG = "Put Order Response : Client OrderID already exists"
DUPLICATE_TAG_CODE = "5204"
BAD_TAG = "`tag` should be at most 20 letters and digits."
BAD_PRICE = "Limit price has to be above zero."
BAD_DISCLOSED = "Disclosed quantity has to be between zero and the order's quantity."
TRIGGER_AND_TYPE = "A trigger price belongs to stop-loss (SL) orders, and each of them needs one."
BAD_QUANTITY = "Quantity has to be a whole number above zero."
TOO_MANY_MODIFICATIONS = "Maximum allowed order modifications exceeded."
TRIGGER_STAYS = "The trigger price of a standing order cannot be changed here: cancel it and place it anew."
NOT_MODIFIED_CODE = "16346"
NOT_MODIFIED = "16346 : Order cannot be modified"
PARKED_NEEDS_AMO = "The order is an after-market order that is not released yet. Use the variety amo."
BELOW_FILLED = "16346 : Order cannot be modified: the new quantity is not above what was filled."
CANCELLED_BY_USER = "Cancelled by the user."
CANCELLED_IOC = "IOC order: the part that could not be matched at once was cancelled by the exchange."
CANCELLED_AT_END = "Cancelled by the exchange at the end of the day: not matched."
CANCELLED_STOP = "Stop order cancelled by the exchange: the closing auction takes none."
CANCELLED_DISCLOSED = "Order with disclosed quantity cancelled by the exchange: the closing auction takes none."
MARKET_CLOSED = "Markets are closed right now. Use an after-market order (AMO) in its window."
ONLY_LIMIT_DAY = "Only limit orders for the day, without disclosed quantity, can be placed during this period."


def unknown_symbol(exchange: str, symbol: str) -> str:
    return f"The instrument {exchange}:{symbol} does not exist or cannot be traded."


def unknown_order(order_id: str) -> str:
    return f"The order for ID ({order_id}) does not exist"


def product_not_supported(product: Product) -> str:
    return f"Product {product} is not offered here: the cash segment takes delivery (CNC) orders only, no short sales."


def off_tick(tick: Decimal) -> str:
    return f"Tick size for this script is {tick}. Kindly enter price in the multiple of tick size for this script."


def off_lot(lot_size: int) -> str:
    return f"Quantity has to be a multiple of the lot size, {lot_size}."


def over_freeze(freeze_quantity: int) -> str:
    return f"Order quantity is above the largest one allowed for a single order, {freeze_quantity}."


def outside_band(lower: Decimal, upper: Decimal) -> str:
    return f"Order rejected, Stock in circuit freeze. Place order within {lower} to {upper}."


def outside_band_raw(lower: Decimal, upper: Decimal) -> str:
    return f"Rate Not Within Ckt Limit {lower} To {upper}"


def wrong_trigger(side: str, last_price: Decimal) -> str:
    where = "above" if side == "buy" else "below"
    return f"Trigger price of a stop-loss {side} order should be {where} the last traded price, {last_price}."


def wrong_stop_limit(side: str) -> str:
    where = "at or above" if side == "buy" else "at or below"
    return f"Limit price of a stop-loss {side} order should be {where} its trigger price."


def short_of_margin(required: Decimal, available: Decimal) -> str:
    return (
        f"Insufficient funds. Required margin is {required:.2f} but available margin is {available:.2f}."
        " Check the orderbook for open orders."
    )


def short_of_margin_raw(required: Decimal, available: Decimal, account_id: str) -> str:
    return (
        f"RMS:Margin Exceeds,Required:{required:.2f}, Available:{available:.2f} for entity account-{account_id}"
        " across exchange across segment across product "
    )


def short_of_holdings(required: int, available: int) -> str:
    return (
        "Insufficient holding quantity: you are trying to sell more than the quantity you currently hold."
        f" Required is {required} but available is {available}."
    )


def short_of_holdings_raw(required: int, available: int, account_id: str) -> str:
    return (
        f"RMS:Insufficient Holding Quantity,Required:{required}, Available:{available}"
        f" for entity account-{account_id} across exchange across segment across product "
    )


def amo_window_shut(start: str, end: str) -> str:
    return f"After-market orders are accepted from {start} to {end} only."


def amo_not_for_etf(symbol: str) -> str:
    return f"After-market orders are not accepted for {symbol}."


def no_session(symbol: str, day: date) -> str:
    return f"16387 : Security not allowed to trade in this market: {symbol} has no session on {day}."


def halted(symbol: str, problem: str) -> str:
    return f"16387 : Security not allowed to trade in this market: {symbol} is halted ({problem})."


def no_terms(symbol: str) -> str:
    return f"Nothing is known about the price of {symbol} yet: it cannot be traded."


def ex_date_cancel(ex_date: date) -> str:
    return f"Cancelled by the broker: the order was priced before the corporate action of {ex_date}."
