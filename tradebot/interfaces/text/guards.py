"""The comparison of a span of days with and without the guards, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from tradebot.interfaces.text.table import table

Row = tuple[str, int, int, Decimal | None, Decimal, int, Mapping[str, int]]
"""Case, entries placed and filled, mean slippage, realised P&L, positions closed, and blocks by reason."""

_HEADER = ("guards", "placed", "filled", "slippage bps", "realised P&L", "closed", "blocked")


def guards_table(rows: Sequence[Row]) -> str:
    return table(_HEADER, [_cells(*row) for row in rows], right=frozenset({1, 2, 3, 4, 5}))


def _cells(
    case: str,
    placed: int,
    filled: int,
    slippage: Decimal | None,
    pnl: Decimal,
    closed: int,
    blocked: Mapping[str, int],
) -> tuple[str, ...]:
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in blocked.items())
    shown = "" if slippage is None else f"{slippage}"
    return case, f"{placed:,}", f"{filled:,}", shown, f"Rs {pnl:,.2f}", f"{closed:,}", reasons or "none"
