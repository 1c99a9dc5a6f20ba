"""Writes the parameters of the seeded market as the TOML file that ships with the program."""

from __future__ import annotations

from collections.abc import Sequence

from tradebot.adapters.marketdata.seeded_parameters import Memory, SeededParameters, SymbolParameters

_HEAD = """\
# Numbers of the seeded market, printed by `python -m tradebot.adapters.marketdata.fit DAILY MINUTES`.
# Fitted on the end-of-day figures of 35 NSE symbols, 2024-01-01 to 2025-12-31, and on one-minute bars of 22 symbols,
# 2021-06-08 to 10 (the section `path`). They reproduce, of the daily figures: the median, p90 and p99 of
# |open / previous close - 1| (0.32 %, 1.16 %, 3.75 %) and of (high - low) / previous close (1.91 %, 3.75 %, 7.4 %),
# the day's body in units of its range, the weekly pattern and the tail of volume, how symbols move together, and how
# restless days follow each other. `shapes` are quantiles in units of the symbol's own median.
"""


def to_toml(parameters: SeededParameters) -> str:
    """The whole file, as `seeded_parameters.load_parameters` reads it."""
    dependence = parameters.dependence
    lines = [
        _HEAD,
        "[shapes]",
        f"probabilities = {_list(parameters.gap.probabilities)}",
        *(f"{name} = {_list(getattr(parameters, name).quantiles)}" for name in ("gap", "range", "body", "volume")),
        "",
        "[dependence]",
        *(f"{name} = {_value(getattr(dependence, name))}" for name in dependence.__slots__),
        "",
        "[days]",
        f"weekday_volume = {_list(parameters.weekday_volume)}",
        f"short_session_range = {parameters.short_session_range}",
        f"short_session_volume = {parameters.short_session_volume}",
        "",
        "[path]",
        f"volume_profile = {_list(parameters.path.volume_profile)}",
        f"low_first_slope = {parameters.path.low_first_slope}",
        "",
        "[symbols]",
        *(f'"{symbol}" = {_inline(figures)}' for symbol, figures in sorted(parameters.symbols.items())),
    ]
    return "\n".join(lines) + "\n"


def _list(numbers: Sequence[float]) -> str:
    return f"[{', '.join(str(number) for number in numbers)}]"


def _value(value: float | Memory) -> str:
    if isinstance(value, Memory):
        return f"{{ persistent = {value.persistent}, decay = {value.decay} }}"
    return str(value)


def _inline(figures: SymbolParameters) -> str:
    return "{ " + ", ".join(f"{key} = {value}" for key, value in _figures(figures)) + " }"


def _figures(figures: SymbolParameters) -> Sequence[tuple[str, str]]:
    return [
        ("price", f"{figures.price:f}"),
        ("drift_bps", str(figures.drift_bps)),
        ("gap_pct", str(figures.gap_pct)),
        ("range_pct", str(figures.range_pct)),
        ("volume", str(figures.volume)),
    ]
