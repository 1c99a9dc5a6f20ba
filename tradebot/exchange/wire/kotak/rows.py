"""The exchange's rows in Kotak's words: strings and numbers mixed, three forms of dates, several words for nothing.

Fields are those of the client's own documents (github.com/Kotak-Neo, order_report.md) and of openalgo's adapter.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.orders import OrderType, Side, Variety
from tradebot.domain.quotes import Level
from tradebot.exchange.picture import Picture
from tradebot.exchange.rows import HoldingRow, MarginsRow, OrderRow, PositionRow, Status, Step, TradeRow
from tradebot.exchange.wire.clock_words import clock, dated, full, slashed
from tradebot.exchange.wire.directory import Directory
from tradebot.exchange.wire.kite.ticks import orders_at

Row = dict[str, Any]

SEGMENT = "nse_cm"
_LEVELS = 5
_OF_SHARES = {
    "lotSz": "1",
    "multiplier": "1",
    "precision": "2",
    "genNum": "1",
    "genDen": "1",
    "prcNum": "1",
    "prcDen": "1",
}
_PRICE_TYPES = {OrderType.LIMIT: "L", OrderType.SL: "SL", OrderType.MARKET: "MKT", OrderType.SL_M: "SL-M"}
_SIDES = {Side.BUY: "B", Side.SELL: "S"}
_AMO_WORDS = {
    Status.AMO_REQ_RECEIVED: "after market order req received",
    Status.MODIFY_AMO_REQ_RECEIVED: "modify after market order req received",
}


class KotakRows:
    """One user's rows."""

    def __init__(self, directory: Directory, ucc: str) -> None:
        self._directory = directory
        self._ucc = ucc

    def order(self, row: OrderRow) -> Row:
        word = _word(row, row.status)
        return {
            **self.names(row.symbol),
            "actId": self._ucc,
            "algId": "NA",
            "avgPrc": f"{row.average_price or 0:.2f}",
            "boeSec": int(row.updated_at.timestamp()),
            "brdLtQty": 1,
            "cnlQty": row.remaining if row.status is Status.CANCELLED else 0,
            "dscQty": row.disclosed_quantity,
            "exCfmTm": dated(row.updated_at) if row.exchange_order_id else "--",
            "exOrdId": row.exchange_order_id or "NA",
            "fldQty": row.filled_quantity,
            "unFldSz": row.remaining,
            "qty": row.quantity,
            "mktPro": "0",
            "nOrdNo": row.order_id,
            "ordDtTm": dated(row.placed_at),
            "ordEntTm": dated(row.placed_at),
            "ordSrc": "NEOTRADEAPI",
            "ordValDt": "NA",
            "prod": row.product.value,
            "prc": f"{row.price:.2f}",
            "prcTp": _PRICE_TYPES[row.order_type],
            "refLmtPrc": 0.0,
            "rejRsn": row.status_text_raw or "--",
            "rmk": "--",
            "reqId": "1",
            "stat": word,
            "ordSt": word,
            "trnsTp": _SIDES[row.side],
            "trgPrc": f"{row.trigger_price or 0:.2f}",
            "vldt": row.validity.value,
            "hsUpTm": slashed(row.updated_at),
            "GuiOrdId": row.tag or "",
            "ordModNo": row.modifications,
            "updRecvTm": int(row.updated_at.timestamp()) * 1_000_000_000,
            "uSec": f"{row.updated_at.microsecond}",
            "it": "EQ",
            **_OF_SHARES,
        }

    def history(self, row: OrderRow, steps: Sequence[Step]) -> list[Row]:
        """One row for each state, newest first, under names of its own; the dates have a blank too many."""
        return [self._past(row, step) for step in reversed(steps)]

    def trade(self, row: TradeRow, order: OrderRow) -> Row:
        """`tok` is empty here, whatever the symbol: reports are joined by `trdSym`."""
        return {
            **self.names(row.symbol),
            "tok": "",
            "actId": self._ucc,
            "avgPrc": f"{row.price:.2f}",
            "exOrdId": order.exchange_order_id or "NA",
            "exTm": dated(row.traded_at),
            "flDt": dated(row.traded_at)[:11],
            "flTm": clock(row.traded_at),
            "flId": row.trade_id,
            "fldQty": row.quantity,
            "nOrdNo": row.order_id,
            "ordDur": order.validity.value,
            "prcTp": _PRICE_TYPES[order.order_type],
            "prod": row.product.value,
            "rptTp": "fill",
            "trnsTp": _SIDES[row.side],
            "GuiOrdId": order.tag or "",
        }

    def position(self, row: PositionRow) -> Row:
        """Today's trades; carried shares are holdings. There is no price and no profit in it."""
        return {
            **self.names(row.symbol),
            "actId": self._ucc,
            "prod": row.product.value,
            "flBuyQty": f"{row.buy_quantity}",
            "flSellQty": f"{row.sell_quantity}",
            "cfBuyQty": "0",
            "cfSellQty": "0",
            "buyAmt": f"{row.buy_value:.2f}",
            "sellAmt": f"{row.sell_value:.2f}",
            "cfBuyAmt": "0.00",
            "cfSellAmt": "0.00",
            "posFlg": "true",
            "sqrFlg": "Y",
            **_OF_SHARES,
        }

    def holding(self, row: HoldingRow, picture: Picture | None) -> Row:
        """What was held in the morning; `sellableQuantity` is without what is on sale already."""
        held = row.settled_quantity + row.t1_quantity
        last_price = picture.quote.last_price if picture else Decimal(0)
        close = picture.quote.previous_close if picture else Decimal(0)
        number = self._directory.exchange_token(row.symbol)
        return {
            "displaySymbol": row.symbol,
            "symbol": row.symbol,
            "averagePrice": float(round(row.average_price, 4)),
            "quantity": held,
            "sellableQuantity": max(0, min(held, row.sellable_quantity)),
            "exchangeSegment": SEGMENT,
            "exchangeIdentifier": f"{number}",
            "instrumentToken": number,
            "instrumentType": "Equity",
            "holdingCost": float(round(row.average_price * held, 2)),
            "mktValue": float(round(last_price * held, 2)),
            "closingPrice": float(close),
            "isAlternateScrip": False,
        }

    def quote(self, symbol: str, picture: Picture, kind: str) -> Row:
        """A part of it, or `all`; every value is a string."""
        head: Row = {
            "exchange_token": f"{self._directory.exchange_token(symbol)}",
            "display_symbol": self._directory.series_symbol(symbol),
            "exchange": SEGMENT,
        }
        parts = _parts(picture)
        if kind == "all":
            for part in parts.values():
                head |= part
            return head
        return head | parts.get(kind, {})

    def scrip(self, symbol: str, terms: InstrumentTerms) -> Sequence[object]:
        """A line of the scrip master, in the order of SCRIP_HEADER: prices in paise."""
        instrument = self._directory.instruments[symbol]
        return (
            self._directory.exchange_token(symbol),
            instrument.series,
            SEGMENT,
            "",
            symbol,
            self._directory.series_symbol(symbol),
            "",
            symbol,
            self._directory.isin(symbol),
            f"{terms.tick_size * 100:f}",
            terms.lot_size,
            "",
            1,
            2,
            "",
            f"{terms.upper_limit * 100:f}",
            f"{terms.lower_limit * 100:f}",
            terms.freeze_quantity,
        )

    def names(self, symbol: str) -> Row:
        return {
            "sym": symbol,
            "trdSym": self._directory.series_symbol(symbol),
            "tok": f"{self._directory.exchange_token(symbol)}",
            "exSeg": SEGMENT,
            "series": self._directory.instruments[symbol].series,
        }

    def _past(self, row: OrderRow, step: Step) -> Row:
        at = dated(step.at)
        return {
            **self.names(row.symbol),
            "nOrdNo": row.order_id,
            "exchOrdId": row.exchange_order_id or "NA",
            "exchTmstp": at,
            "flDtTm": f"{at[:14]} {at[14:17]} {at[17:]}",
            "ordDur": row.validity.value,
            "ordSt": _word(row, step.status),
            "stat": _word(row, step.status),
            "prc": f"{step.price:.2f}",
            "avgPrc": f"{step.filled_value / step.filled_quantity if step.filled_quantity else 0:.2f}",
            "qty": step.quantity,
            "fldQty": step.filled_quantity,
            "unFldSz": step.quantity - step.filled_quantity,
            "prcTp": _PRICE_TYPES[row.order_type],
            "prod": row.product.value,
            "trnsTp": _SIDES[row.side],
            "rejRsn": step.text or "--",
            "GuiOrdId": row.tag or "",
        }


SCRIP_HEADER = (
    "pSymbol",
    "pGroup",
    "pExchSeg",
    "pInstType",
    "pSymbolName",
    "pTrdSymbol",
    "pOptionType",
    "pScripRefKey",
    "pISIN",
    "dTickSize ",
    "lLotSize",
    "lExpiryDate ",
    "lMultiplier",
    "lPrecision",
    "dStrikePrice;",
    "dHighPriceRange",
    "dLowPriceRange",
    "lFreezeQty",
)
"""With the blanks and the semicolon that the real file has."""


def limits(row: MarginsRow) -> Row:
    return {
        "Category": "CLIENT_API",
        "Net": f"{row.available:.2f}",
        "MarginUsed": f"{row.blocked:.2f}",
        "CollateralValue": "0.00",
        "CashUnlClr": f"{row.cash:.2f}",
        "NotionalCash": f"{row.cash:.2f}",
        "AdhocMargin": "0.00",
        "BoardLotLimit": "5000000",
        "stat": "Ok",
        "stCode": 200,
    }


def _word(row: OrderRow, status: Status) -> str:
    """Kotak's status: in lower case, with words of its own for after-market orders."""
    if status in _AMO_WORDS:
        return _AMO_WORDS[status]
    if status is Status.CANCELLED and row.variety is Variety.AMO and row.exchange_order_id is None:
        return "cancelled after market order"
    return status.value.lower()


def _parts(picture: Picture) -> dict[str, Row]:
    quote, terms = picture.quote, picture.terms
    change = quote.last_price - quote.previous_close
    ohlc = {
        "open": f"{picture.opened_at_price}",
        "high": f"{quote.day_high}",
        "low": f"{quote.day_low}",
        "close": f"{quote.previous_close}",
    }
    return {
        "ltp": {
            "ltp": f"{quote.last_price}",
            "lstup_time": full(quote.at),
            "last_traded_quantity": f"{picture.last_quantity}",
            "last_volume": f"{quote.volume}",
            "avg_cost": f"{picture.average_price:.2f}",
            "change": f"{change}",
            "per_change": f"{change * 100 / quote.previous_close:.2f}",
        },
        "ohlc": {"ohlc": ohlc},
        "oi": {"open_int": "0"},
        "52w": {"year_high": "0", "year_low": "0"},
        "circuit_limits": {"low_price_range": f"{terms.lower_limit}", "high_price_range": f"{terms.upper_limit}"},
        "depth": {
            "total_buy": f"{sum(level.quantity for level in quote.bids)}",
            "total_sell": f"{sum(level.quantity for level in quote.asks)}",
            "depth": {"buy": _levels(quote.bids), "sell": _levels(quote.asks)},
        },
    }


def _levels(levels: Sequence[Level]) -> list[Row]:
    shown = [
        {"price": f"{level.price}", "quantity": f"{level.quantity}", "orders": f"{orders_at(level.quantity)}"}
        for level in levels[:_LEVELS]
    ]
    return shown + [{"price": "0", "quantity": "0", "orders": "0"} for _ in range(_LEVELS - len(shown))]
