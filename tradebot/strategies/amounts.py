"""How rupees leave a strategy: exact, in paise, never NaN."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

PAISA = Decimal("0.01")
RUPEES_MAX = Decimal(10_000_000)
_FOUR_DECIMALS = Decimal("0.0001")


def rupees(value: float | Decimal) -> Decimal:
    """A price in whole paise, halves up. Raises ValueError for what is no finite number."""
    return _rounded(value, PAISA)


def fine(value: float | Decimal) -> Decimal:
    """A width, an average or a percentage with four decimals: paise are too coarse for a share of a few
    rupees."""
    return _rounded(value, _FOUR_DECIMALS)


def read_rupees(text: str) -> Decimal | None:
    """A price above 0 and up to 1,00,00,000 rupees in whole paise; None when the text is anything else."""
    if not re.fullmatch(r"[0-9]{1,8}(\.[0-9]{1,2})?", text):
        return None
    value = Decimal(text).quantize(PAISA)
    return value if 0 < value <= RUPEES_MAX else None


def _rounded(value: float | Decimal, step: Decimal) -> Decimal:
    exact = Decimal(value)
    if not exact.is_finite():
        raise ValueError(f"{value} is no price")
    return exact.quantize(step, rounding=ROUND_HALF_UP)
