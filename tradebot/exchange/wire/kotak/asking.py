"""Kotak's order bodies (`jData`, every value a string), read into commands of the exchange, or refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from tradebot.domain.orders import OrderType, Product, Side, Validity, Variety
from tradebot.exchange.commands import ErrorType, PlaceCommand, Refused
from tradebot.exchange.front_office import input_error, order_error
from tradebot.exchange.wire.directory import Directory
from tradebot.exchange.wire.kotak.rows import SEGMENT
from tradebot.exchange.wire.messages import Request, json_object
from tradebot.exchange.words import SL_M_REFUSED

BAD_BODY = "1007"
BAD_INSTRUMENT = "1009"
_SIDES = {"B": Side.BUY, "S": Side.SELL}
_ORDER_TYPES = {"L": OrderType.LIMIT, "SL": OrderType.SL, "MKT": OrderType.MARKET, "SL-M": OrderType.SL_M}
_VARIETIES = {"YES": Variety.AMO, "NO": Variety.REGULAR}
_PRODUCTS = {product.value: product for product in Product}
_VALIDITIES = {validity.value: validity for validity in Validity}

Word = TypeVar("Word")
ProtectedPrice = Callable[[str, Side], Decimal | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Every field of a modification is sent again; these two count."""

    order_id: str
    variety: Variety
    quantity: int
    price: Decimal
    trigger: Decimal


class _Bad(Exception):
    def __init__(self, text: str, code: str = BAD_BODY) -> None:
        super().__init__(text)
        self.code = code


def body_of(request: Request) -> Mapping[str, str] | Refused:
    """The object in `jData`. A value that is no string is refused, as the gateway does."""
    try:
        data = json_object(request.form().get("jData", ""))
    except ValueError:
        return _refused(_Bad("Invalid request body: jData is no JSON object."))
    wrong = [name for name, value in data.items() if not isinstance(value, str | None)]
    if wrong:
        return _refused(_Bad(f"Invalid value for {', '.join(sorted(wrong))}: every value is a string."))
    return {name: value for name, value in data.items() if value is not None}


def place_command(data: Mapping[str, str], directory: Directory, protected: ProtectedPrice) -> PlaceCommand | Refused:
    """`protected` is the limit that a market order is sent with."""
    try:
        return _command(data, directory, protected)
    except _Bad as problem:
        return _refused(problem)


def change(data: Mapping[str, str]) -> Change | Refused:
    try:
        _one_of(data, "pt", {"L": OrderType.LIMIT, "SL": OrderType.SL})
        return Change(
            order_id=_needed(data, "no"),
            variety=_one_of(data, "am", _VARIETIES),
            quantity=_whole(data, "qt"),
            price=_amount(data, "pr"),
            trigger=_amount(data, "tp"),
        )
    except _Bad as problem:
        return _refused(problem)


def cancellation(data: Mapping[str, str]) -> tuple[str, Variety] | Refused:
    try:
        return _needed(data, "on"), _one_of(data, "am", _VARIETIES)
    except _Bad as problem:
        return _refused(problem)


def _command(data: Mapping[str, str], directory: Directory, protected: ProtectedPrice) -> PlaceCommand | Refused:
    segment, name = _needed(data, "es"), _needed(data, "ts")
    symbol = directory.of_series_symbol("NSE", name) if segment == SEGMENT else None
    if symbol is None:
        raise _Bad(f"Invalid instrument: {segment} {name}.", BAD_INSTRUMENT)
    side, order_type = _one_of(data, "tt", _SIDES), _one_of(data, "pt", _ORDER_TYPES)
    if order_type is OrderType.SL_M:
        return order_error(SL_M_REFUSED)
    price = _amount(data, "pr")
    if order_type is OrderType.MARKET:
        limit = protected(symbol, side)
        if limit is None:
            return order_error(f"Market order cannot be placed for {name}: there is no price to protect it with.")
        order_type, price = OrderType.LIMIT, limit
    return PlaceCommand(
        symbol=symbol,
        side=side,
        quantity=_whole(data, "qt"),
        order_type=order_type,
        price=price,
        trigger_price=_amount(data, "tp") or None,
        product=_one_of(data, "pc", _PRODUCTS),
        validity=_one_of(data, "rt", _VALIDITIES),
        variety=_one_of(data, "am", _VARIETIES),
        disclosed_quantity=_whole({"dq": "0", **data}, "dq"),
        tag=data.get("ig") or None,
    )


def _needed(data: Mapping[str, str], name: str) -> str:
    value = data.get(name, "").strip()
    if not value:
        raise _Bad(f"Missing required field '{name}'")
    return value


def _whole(data: Mapping[str, str], name: str) -> int:
    value = _needed(data, name)
    if not (value.isascii() and value.isdigit() and len(value) <= 12):
        raise _Bad(f"Invalid value for '{name}'")
    return int(value)


def _amount(data: Mapping[str, str], name: str) -> Decimal:
    """Rupees; zero is "0" and nothing else."""
    value = data.get(name, "0").strip() or "0"
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise _Bad(f"Invalid value for '{name}'") from None
    if not amount.is_finite() or amount < 0 or amount > 10**9 or (amount == 0 and value != "0"):
        raise _Bad(f"Invalid value for '{name}'")
    return amount


def _one_of(data: Mapping[str, str], name: str, words: Mapping[str, Word]) -> Word:
    word = _needed(data, name)
    if word not in words:
        raise _Bad(f"Invalid value for '{name}': {word}")
    return words[word]


def _refused(problem: _Bad) -> Refused:
    plain = input_error(str(problem))
    return Refused(http_status=plain.http_status, error_type=ErrorType.INPUT, text=plain.text, code=problem.code)
