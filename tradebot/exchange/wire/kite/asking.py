"""Kite's order forms, read into commands of the exchange, or refused as its gateway does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from tradebot.domain.orders import OrderType, Product, Side, Validity, Variety
from tradebot.exchange.commands import PlaceCommand, Refused
from tradebot.exchange.front_office import input_error
from tradebot.exchange.wire.directory import Directory

_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
_ORDER_TYPES = {"LIMIT": OrderType.LIMIT, "SL": OrderType.SL, "MARKET": OrderType.MARKET, "SL-M": OrderType.SL_M}
_PRODUCTS = {product.value: product for product in Product}
_VALIDITIES = {validity.value: validity for validity in Validity}
_OFFERED = {variety.value: variety for variety in Variety}
_NOT_OFFERED = frozenset({"co", "iceberg", "auction", "bo"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a modification asks for; None leaves the figure as it is."""

    quantity: int | None
    price: Decimal | None
    trigger: Decimal | None


_PROTECTION_PCT_MAX = 100

Word = TypeVar("Word")
ProtectedPrice = Callable[[str, Side, Decimal | None], Decimal | None]


class _BadField(Exception):
    pass


def variety_of(word: str) -> Variety | Refused:
    if word in _OFFERED:
        return _OFFERED[word]
    if word in _NOT_OFFERED:
        return input_error(f"Orders of variety `{word}` are not offered here.")
    return input_error(f"Invalid `variety`: {word}.")


def place_command(
    form: Mapping[str, str], variety: Variety, directory: Directory, protected: ProtectedPrice
) -> PlaceCommand | Refused:
    """`protected` is the limit that a market order with `market_protection` is sent with."""
    try:
        return _protected(_command(form, variety, directory), form, protected)
    except _BadField as problem:
        return input_error(str(problem))


def change(form: Mapping[str, str]) -> Change | Refused:
    """A modification of quantity and price; a change to a market order is refused as a placement of one is."""
    try:
        if form.get("order_type", "LIMIT") not in ("LIMIT", "SL"):
            raise _BadField(
                "Market orders without market protection are not allowed via API."
                " Please set market protection or use a Limit order."
            )
        return Change(
            quantity=_whole(form, "quantity") if form.get("quantity") else None,
            price=_amount(form, "price") if form.get("price") else None,
            trigger=_amount(form, "trigger_price") if form.get("trigger_price") else None,
        )
    except _BadField as problem:
        return input_error(str(problem))


def _command(form: Mapping[str, str], variety: Variety, directory: Directory) -> PlaceCommand:
    exchange, name = _needed(form, "exchange"), _needed(form, "tradingsymbol")
    if form.get("autoslice", "false").lower() in ("true", "1"):
        raise _BadField("`autoslice` is not offered here.")
    trigger = _amount(form, "trigger_price")
    return PlaceCommand(
        # A name that nobody knows goes on as it is: the exchange says that it does not exist.
        symbol=directory.of_name(exchange, name) or name,
        exchange=exchange,
        side=_one_of(form, "transaction_type", _SIDES),
        quantity=_whole(form, "quantity"),
        order_type=_one_of(form, "order_type", _ORDER_TYPES),
        price=_amount(form, "price"),
        trigger_price=trigger or None,
        product=_one_of(form, "product", _PRODUCTS),
        validity=_one_of({"validity": "DAY", **form}, "validity", _VALIDITIES),
        variety=variety,
        disclosed_quantity=_whole({"disclosed_quantity": "0", **form}, "disclosed_quantity"),
        tag=form.get("tag") or None,
    )


def _protected(command: PlaceCommand, form: Mapping[str, str], protected: ProtectedPrice) -> PlaceCommand:
    """-1 leaves the distance to the broker, another figure is per cent; without it the exchange refuses."""
    protection = form.get("market_protection") or "0"
    if command.order_type is not OrderType.MARKET or protection == "0":
        return command
    percent = None if protection == "-1" else _amount(form, "market_protection")
    if percent is not None and percent > _PROTECTION_PCT_MAX:
        raise _BadField("Invalid `market_protection`.")
    limit = protected(command.symbol, command.side, percent)
    return command if limit is None else replace(command, order_type=OrderType.LIMIT, price=limit)


def _needed(form: Mapping[str, str], name: str) -> str:
    value = form.get(name, "")
    if not value:
        raise _BadField(f"Missing or empty field `{name}`")
    return value


def _whole(form: Mapping[str, str], name: str) -> int:
    value = _needed(form, name)
    if not (value.isascii() and value.isdigit() and len(value) <= 12):
        raise _BadField(f"Invalid `{name}`.")
    return int(value)


def _amount(form: Mapping[str, str], name: str) -> Decimal:
    """Zero where the field is missing or empty."""
    try:
        amount = Decimal(form.get(name) or "0")
    except InvalidOperation:
        raise _BadField(f"Invalid `{name}`.") from None
    if not amount.is_finite() or amount < 0 or amount > 10**9:
        raise _BadField(f"Invalid `{name}`.")
    return amount


def _one_of(form: Mapping[str, str], name: str, words: Mapping[str, Word]) -> Word:
    word = _needed(form, name)
    if word not in words:
        raise _BadField(f"Invalid `{name}`: {word}.")
    return words[word]
