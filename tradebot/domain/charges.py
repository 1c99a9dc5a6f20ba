"""What a fill in Indian equities costs in taxes and fees. Rates are per cent of the value traded.

Sources: zerodha.com/charges and NSE's circular on transaction charges in force since 2024-10-01. Left out: brokerage
(nothing for deliveries at discount brokers, and a matter of contract elsewhere) and the depository's charge by day and
scrip.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from tradebot.domain.orders import Product, Side

_CENT = Decimal("0.01")
_GST_PCT = Decimal(18)
_SEBI_PCT = Decimal("0.0001")
_EXCHANGE_PCT: Mapping[str, Decimal] = {"NSE": Decimal("0.00297"), "BSE": Decimal("0.00375")}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taxes:
    """Securities transaction tax by side, and the stamp duty of a purchase."""

    stt_buy_pct: Decimal
    stt_sell_pct: Decimal
    stamp_buy_pct: Decimal


_TAXES: Mapping[Product, _Taxes] = {
    Product.CNC: _Taxes(stt_buy_pct=Decimal("0.1"), stt_sell_pct=Decimal("0.1"), stamp_buy_pct=Decimal("0.015")),
    Product.MIS: _Taxes(stt_buy_pct=Decimal(0), stt_sell_pct=Decimal("0.025"), stamp_buy_pct=Decimal("0.003")),
}


def charges(value: Decimal, side: Side, product: Product, exchange: str) -> Decimal | None:
    """Rupees on fills worth `value`; None for what has no rates here (derivatives)."""
    taxes, exchange_pct = _TAXES.get(product), _EXCHANGE_PCT.get(exchange)
    if taxes is None or exchange_pct is None:
        return None
    of_exchange = value * (exchange_pct + _SEBI_PCT) / 100
    is_buy = side is Side.BUY
    of_state = value * (taxes.stt_buy_pct + taxes.stamp_buy_pct if is_buy else taxes.stt_sell_pct) / 100
    return (of_state + of_exchange * (100 + _GST_PCT) / 100).quantize(_CENT)
