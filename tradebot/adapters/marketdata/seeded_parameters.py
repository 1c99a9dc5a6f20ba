"""The numbers of the seeded market: what was fitted on real sessions, read from the file that ships with them."""

from __future__ import annotations

import tomllib
import zlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from tradebot.adapters.marketdata.chance import STANDARD_NORMAL
from tradebot.adapters.marketdata.path import PathShape

SHIPPED = Path(__file__).with_name("seeded_parameters.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A distribution as quantiles at ascending probabilities from 0 to 1, straight lines between them."""

    probabilities: tuple[float, ...]
    quantiles: tuple[float, ...]

    def at(self, probability: float) -> float:
        index = min(bisect_right(self.probabilities, probability), len(self.probabilities) - 1)
        left, right = self.probabilities[index - 1], self.probabilities[index]
        low, high = self.quantiles[index - 1], self.quantiles[index]
        return low + (high - low) * (probability - left) / (right - left)

    def of_score(self, score: float) -> float:
        """The value whose rank is that of `score` in the standard normal distribution."""
        return self.at(STANDARD_NORMAL.cdf(score))

    def of_signed_score(self, score: float) -> float:
        """For a distribution of sizes: the size that belongs to the score's own size, with the score's sign."""
        size = self.at(2 * STANDARD_NORMAL.cdf(abs(score)) - 1)
        return size if score > 0 else -size


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """How a score depends on the days before: the share `persistent` decays by `decay` a day, the rest is new."""

    persistent: float
    decay: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependence:
    """Correlations of normal scores. `*_market` is between two symbols, `a_b` between two figures of one symbol."""

    gap_market: float
    body_market: float
    range_market: float
    volume_market: float
    gap_body: float
    gap_range: float
    body_range: float
    range_volume: float
    range_memory_market: Memory
    range_memory_own: Memory
    volume_memory_market: Memory
    volume_memory_own: Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolParameters:
    """One symbol: first price (Rs), mean daily return (basis points), the medians of |open / previous close - 1| and
    (high - low) / previous close (per cent), and the median volume (shares)."""

    price: Decimal
    drift_bps: float
    gap_pct: float
    range_pct: float
    volume: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededParameters:
    """All of it. Shapes are in units of the symbol's median, the body in units of the day's range."""

    gap: Shape
    range: Shape
    body: Shape
    volume: Shape
    dependence: Dependence
    weekday_volume: tuple[float, ...]
    short_session_range: float
    short_session_volume: float
    path: PathShape
    symbols: Mapping[str, SymbolParameters]

    def of(self, symbol: str) -> SymbolParameters:
        """The symbol's own numbers; one that was not fitted borrows those of a fitted one, chosen by its name."""
        found = self.symbols.get(symbol)
        if found is not None:
            return found
        lenders = sorted(self.symbols)
        return self.symbols[lenders[zlib.crc32(symbol.encode()) % len(lenders)]]


def load_parameters(path: Path = SHIPPED) -> SeededParameters:
    """Read the file; it is part of the program, so a flaw in it is an error of the program (KeyError, ValueError)."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    shapes, days = content["shapes"], content["days"]
    return SeededParameters(
        gap=_shape(shapes, "gap"),
        range=_shape(shapes, "range"),
        body=_shape(shapes, "body"),
        volume=_shape(shapes, "volume"),
        dependence=_dependence(content["dependence"]),
        weekday_volume=tuple(days["weekday_volume"]),
        short_session_range=days["short_session_range"],
        short_session_volume=days["short_session_volume"],
        path=PathShape(
            volume_profile=tuple(content["path"]["volume_profile"]),
            low_first_slope=content["path"]["low_first_slope"],
        ),
        symbols={symbol: _symbol(values) for symbol, values in content["symbols"].items()},
    )


def _shape(shapes: Mapping[str, Sequence[float]], name: str) -> Shape:
    return Shape(probabilities=tuple(shapes["probabilities"]), quantiles=tuple(shapes[name]))


def _dependence(values: Mapping[str, Any]) -> Dependence:
    fields: dict[str, Any] = {
        key: Memory(**value) if isinstance(value, dict) else value for key, value in values.items()
    }
    return Dependence(**fields)


def _symbol(values: Mapping[str, int | float]) -> SymbolParameters:
    return SymbolParameters(
        price=Decimal(str(values["price"])),
        drift_bps=values["drift_bps"],
        gap_pct=values["gap_pct"],
        range_pct=values["range_pct"],
        volume=int(values["volume"]),
    )
