"""The exchange's rows in Kite's words. Fields and their quirks are those of the published answers
(github.com/zerodha/kiteconnect-mocks)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from tradebot.domain.orders import OrderType
from tradebot.exchange.picture import Picture
from tradebot.exchange.rows import HoldingRow, MarginsRow, OrderRow, PositionRow, Status, Step, TradeRow
from tradebot.exchange.wire.clock_words import clock, full
from tradebot.exchange.wire.directory import Directory
from tradebot.exchange.wire.kite.ticks import orders_at

Row = dict[str, Any]

_NOTHING = Decimal(0)
_LEVELS = 5
_ORDER_TYPES = {OrderType.LIMIT: "LIMIT", OrderType.SL: "SL", OrderType.MARKET: "MARKET", OrderType.SL_M: "SL-M"}
_NO_LEVEL = {"price": 0, "quantity": 0, "orders": 0}
_AT_EXCHANGE = (Status.OPEN, Status.TRIGGER_PENDING)


class KiteRows:
    """One user's rows."""

    def __init__(self, directory: Directory, user_id: str) -> None:
        self._directory = directory
        self._user_id = user_id

    def order(self, row: OrderRow) -> Row:
        """A row of the book. A cancelled one has its rest in `pending_quantity` too, as the real book does."""
        return {
            "account_id": self._user_id,
            "placed_by": self._user_id,
            "order_id": row.order_id,
            "exchange_order_id": row.exchange_order_id,
            "parent_order_id": None,
            "status": row.status.value,
            "status_message": row.status_text or None,
            "status_message_raw": row.status_text_raw or None,
            "order_timestamp": full(row.placed_at),
            "exchange_update_timestamp": full(row.updated_at) if row.exchange_order_id else None,
            "exchange_timestamp": _reached(row),
            "variety": row.variety.value,
            "modified": row.modifications > 0,
            "exchange": row.exchange,
            "tradingsymbol": self._directory.tradingsymbol(row.symbol),
            "instrument_token": self._directory.instrument_token(row.symbol),
            "order_type": _ORDER_TYPES[row.order_type],
            "transaction_type": row.side.value.upper(),
            "validity": row.validity.value,
            "validity_ttl": 0,
            "product": row.product.value,
            "quantity": row.quantity,
            "disclosed_quantity": row.disclosed_quantity,
            "price": row.price,
            "trigger_price": row.trigger_price or 0,
            "auction_number": None,
            **_progress(row),
            "market_protection": 0,
            "meta": {},
            "tag": row.tag,
            "tags": [row.tag] if row.tag else [],
            "guid": f"{row.order_id}Xtbx{row.priority}",
        }

    def history(self, row: OrderRow, steps: Sequence[Step]) -> list[Row]:
        """One row for each state the order went through, oldest first; the exchange's number comes with its answer."""
        rows, is_known = [], False
        for step in steps:
            is_known = is_known or step.status in _AT_EXCHANGE
            rows.append(self._past(row, step, is_known))
        return rows

    def trade(self, row: TradeRow, order: OrderRow) -> Row:
        return {
            "trade_id": row.trade_id,
            "order_id": row.order_id,
            "exchange": row.exchange,
            "tradingsymbol": self._directory.tradingsymbol(row.symbol),
            "instrument_token": self._directory.instrument_token(row.symbol),
            "product": row.product.value,
            "average_price": row.price,
            "quantity": row.quantity,
            "exchange_order_id": order.exchange_order_id,
            "transaction_type": row.side.value.upper(),
            "fill_timestamp": full(row.traded_at),
            "order_timestamp": clock(order.placed_at),
            "exchange_timestamp": full(row.traded_at),
        }

    def position(self, row: PositionRow, picture: Picture | None) -> Row:
        last_price = picture.quote.last_price if picture else _NOTHING
        worth = row.sell_value - row.buy_value + row.quantity * last_price
        return {
            "tradingsymbol": self._directory.tradingsymbol(row.symbol),
            "exchange": row.exchange,
            "instrument_token": self._directory.instrument_token(row.symbol),
            "product": row.product.value,
            "quantity": row.quantity,
            "overnight_quantity": 0,
            "multiplier": 1,
            "average_price": _position_price(row),
            "close_price": picture.quote.previous_close if picture else 0,
            "last_price": last_price,
            "value": row.sell_value - row.buy_value,
            "pnl": worth,
            "m2m": worth,
            "unrealised": worth,
            "realised": 0,
            **_traded(row),
        }

    def holding(self, row: HoldingRow, picture: Picture | None) -> Row:
        """What was held in the morning, less what was sold today; today's purchases are positions until tomorrow."""
        sold = max(0, row.sold_today - row.bought_today)
        settled = max(0, row.settled_quantity - sold)
        t1_quantity = row.t1_quantity - max(0, sold - row.settled_quantity)
        last_price = picture.quote.last_price if picture else _NOTHING
        close = picture.quote.previous_close if picture else _NOTHING
        return {
            "tradingsymbol": self._directory.tradingsymbol(row.symbol),
            "exchange": row.exchange,
            "instrument_token": self._directory.instrument_token(row.symbol),
            "isin": self._directory.isin(row.symbol),
            "product": "CNC",
            "price": 0,
            "quantity": settled,
            "used_quantity": sold,
            "t1_quantity": t1_quantity,
            "realised_quantity": settled,
            "authorised_quantity": 0,
            "authorised_date": None,
            "authorisation": {},
            "opening_quantity": row.settled_quantity + row.t1_quantity,
            "short_quantity": 0,
            "collateral_quantity": 0,
            "collateral_type": "",
            "discrepancy": False,
            "average_price": row.average_price,
            "last_price": last_price,
            "close_price": close,
            "pnl": (last_price - row.average_price) * (settled + t1_quantity),
            "day_change": last_price - close,
            "day_change_percentage": (last_price / close - 1) * 100 if close else 0,
            "mtf": {"quantity": 0, "used_quantity": 0, "average_price": 0, "value": 0, "initial_margin": 0},
        }

    def quote(self, symbol: str, picture: Picture) -> Row:
        quote, terms = picture.quote, picture.terms
        return {
            **self.ohlc(symbol, picture),
            "timestamp": full(quote.at),
            "last_trade_time": full(picture.traded_at) if picture.traded_at else None,
            "last_quantity": picture.last_quantity,
            "buy_quantity": sum(level.quantity for level in quote.bids),
            "sell_quantity": sum(level.quantity for level in quote.asks),
            "volume": quote.volume,
            "average_price": round(picture.average_price, 2),
            "oi": 0,
            "oi_day_high": 0,
            "oi_day_low": 0,
            "net_change": quote.last_price - quote.previous_close,
            "lower_circuit_limit": terms.lower_limit,
            "upper_circuit_limit": terms.upper_limit,
            "depth": {
                "buy": _levels((level.price, level.quantity) for level in quote.bids),
                "sell": _levels((level.price, level.quantity) for level in quote.asks),
            },
        }

    def ohlc(self, symbol: str, picture: Picture) -> Row:
        """`close` is the day before's."""
        quote = picture.quote
        is_begun = bool(picture.opened_at_price)
        return {
            **self.ltp(symbol, picture),
            "ohlc": {
                "open": picture.opened_at_price,
                "high": quote.day_high if is_begun else 0,
                "low": quote.day_low if is_begun else 0,
                "close": quote.previous_close,
            },
        }

    def ltp(self, symbol: str, picture: Picture) -> Row:
        return {
            "instrument_token": self._directory.instrument_token(symbol),
            "last_price": picture.quote.last_price,
        }

    def _past(self, row: OrderRow, step: Step, is_known: bool) -> Row:
        past = self.order(row)
        is_cancelled = step.status is Status.CANCELLED
        average = step.filled_value / step.filled_quantity if step.filled_quantity else 0
        past.update(
            status=step.status.value,
            status_message=step.text or None,
            status_message_raw=step.text or None,
            order_timestamp=full(step.at),
            exchange_order_id=row.exchange_order_id if is_known else None,
            exchange_update_timestamp=full(step.at) if is_known else None,
            exchange_timestamp=past["exchange_timestamp"] if is_known else None,
            quantity=step.quantity,
            price=step.price,
            filled_quantity=step.filled_quantity,
            average_price=average,
            pending_quantity=step.quantity - step.filled_quantity if step.status is not Status.REJECTED else 0,
            cancelled_quantity=step.quantity - step.filled_quantity if is_cancelled else 0,
        )
        return past


def margins(row: MarginsRow) -> Row:
    """Of the equity segment."""
    return {
        "enabled": True,
        "net": row.available,
        "available": _available(row.cash, row.available),
        "utilised": _utilised(row.blocked),
    }


def no_margins() -> Row:
    """Of a segment in which the account does not trade."""
    return {
        "enabled": False,
        "net": 0,
        "available": _available(_NOTHING, _NOTHING),
        "utilised": _utilised(_NOTHING),
    }


def profile(user_id: str) -> Row:
    return {
        "user_id": user_id,
        "user_type": "individual",
        "email": "user@example.com",
        "user_name": "Simulated User",
        "user_shortname": "Simulated",
        "broker": "ZERODHA",
        "exchanges": ["NSE"],
        "products": ["CNC"],
        "order_types": ["LIMIT", "SL"],
        "avatar_url": None,
        "meta": {"demat_consent": "consent"},
    }


def _available(cash: Decimal, live: Decimal) -> Row:
    return {
        "adhoc_margin": 0,
        "cash": cash,
        "opening_balance": cash,
        "live_balance": live,
        "collateral": 0,
        "intraday_payin": 0,
    }


def _utilised(blocked: Decimal) -> Row:
    nothing = dict.fromkeys(
        (
            "exposure",
            "m2m_realised",
            "m2m_unrealised",
            "option_premium",
            "payout",
            "span",
            "holding_sales",
            "turnover",
            "liquid_collateral",
            "stock_collateral",
        ),
        0,
    )
    return {"debits": blocked, **nothing, "delivery": blocked}


def _levels(levels: Iterable[tuple[Decimal, int]]) -> list[Row]:
    """Five of them: what is not there is zeros."""
    shown: list[Row] = [
        {"price": price, "quantity": quantity, "orders": orders_at(quantity)} for price, quantity in levels
    ][:_LEVELS]
    return shown + [dict(_NO_LEVEL) for _ in range(_LEVELS - len(shown))]


def _reached(row: OrderRow) -> str | None:
    """When the exchange took the order in; None for one that never came so far."""
    if row.exchange_order_id is None:
        return None
    return next((full(step.at) for step in row.steps if step.status in _AT_EXCHANGE), None)


def _progress(row: OrderRow) -> Row:
    is_over = row.status in (Status.COMPLETE, Status.REJECTED)
    return {
        "average_price": row.average_price or 0,
        "filled_quantity": row.filled_quantity,
        "pending_quantity": 0 if is_over else row.remaining,
        "cancelled_quantity": row.remaining if row.status is Status.CANCELLED else 0,
    }


def _traded(row: PositionRow) -> Row:
    buy_price = row.buy_value / row.buy_quantity if row.buy_quantity else 0
    sell_price = row.sell_value / row.sell_quantity if row.sell_quantity else 0
    return {
        "buy_quantity": row.buy_quantity,
        "buy_price": buy_price,
        "buy_value": row.buy_value,
        "buy_m2m": row.buy_value,
        "sell_quantity": row.sell_quantity,
        "sell_price": sell_price,
        "sell_value": row.sell_value,
        "sell_m2m": row.sell_value,
        "day_buy_quantity": row.buy_quantity,
        "day_buy_price": buy_price,
        "day_buy_value": row.buy_value,
        "day_sell_quantity": row.sell_quantity,
        "day_sell_price": sell_price,
        "day_sell_value": row.sell_value,
    }


def _position_price(row: PositionRow) -> Decimal:
    """Of the side that is left over; zero for a closed position."""
    if row.quantity > 0:
        return row.buy_value / row.buy_quantity
    return row.sell_value / row.sell_quantity if row.quantity < 0 else _NOTHING
