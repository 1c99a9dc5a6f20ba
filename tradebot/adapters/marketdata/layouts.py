"""The layouts of market data files, told apart by their header line, and the opening of plain or gzipped files."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path

from tradebot.adapters.marketdata.read_report import ROWS_MAX, DataFileError

_GZIP_MAGIC = b"\x1f\x8b"


class LayoutKind(StrEnum):
    DAILY = "daily"
    MINUTE = "minute"
    TICK = "tick"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One layout: for each field the header names it goes by, lower case. Columns beyond these are ignored."""

    kind: LayoutKind
    required: Mapping[str, Sequence[str]]
    optional: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def columns(self, header: Sequence[str]) -> Mapping[str, int] | None:
        """Where each field stands; None when a required one is not in the header."""
        names = {name.strip().lower(): index for index, name in reversed(list(enumerate(header)))}
        known = {**self.required, **self.optional}
        found = {
            field_name: next(names[alias] for alias in aliases if alias in names)
            for field_name, aliases in known.items()
            if any(alias in names for alias in aliases)
        }
        return found if self.required.keys() <= found.keys() else None


# The second names are those of NSE's sec_bhavdata_full file, the third those of the common (UDiFF) bhavcopy.
_DAILY = Layout(
    kind=LayoutKind.DAILY,
    required={
        "date": ("date", "date1", "traddt"),
        "symbol": ("symbol", "tckrsymb"),
        "open": ("open", "open_price", "opnpric"),
        "high": ("high", "high_price", "hghpric"),
        "low": ("low", "low_price", "lwpric"),
        "close": ("close", "close_price", "clspric"),
        "volume": ("volume", "ttl_trd_qnty", "ttltradgvol"),
        "previous_close": ("prev_close", "prvsclsgpric"),
    },
    optional={"series": ("series", "sctysrs")},
)
_MINUTE = Layout(
    kind=LayoutKind.MINUTE,
    required={name: (name,) for name in ("minute", "symbol", "open", "high", "low", "close", "volume")},
)
_TICK = Layout(
    kind=LayoutKind.TICK,
    required={name: (name,) for name in ("timestamp", "ltp", "volume")},
    optional={"symbol": ("symbol",)},
)
_LAYOUTS = (_DAILY, _MINUTE, _TICK)

ALLOWED = "CSV, plain or gzipped, with the columns " + "; or ".join(
    f"{', '.join(names[0] for names in layout.required.values())} ({layout.kind})" for layout in _LAYOUTS
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTable:
    """An open file: where its columns are, and its rows with their line numbers, the header left out."""

    path: Path
    kind: LayoutKind
    columns: Mapping[str, int]
    rows: Iterator[tuple[int, list[str]]]


@contextmanager
def open_table(path: Path, *, rows_max: int = ROWS_MAX) -> Iterator[OpenTable]:
    """Open a file of market data and tell its layout.

    Raises DataFileError for a missing or unreadable file, an unknown header, and more than `rows_max` rows.
    """
    try:
        with _open_text(path) as text:
            lines = csv.reader(text)
            header = next(lines, [])
            kind, columns = _layout_of(path, header)
            yield OpenTable(path=path, kind=kind, columns=columns, rows=_rows(path, lines, rows_max))
    except FileNotFoundError:
        raise DataFileError(path, "there is no such file", allowed=ALLOWED) from None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise DataFileError(path, f"it cannot be read ({error})", allowed=ALLOWED) from error


def _open_text(path: Path) -> TextIOWrapper:
    with path.open("rb") as raw:
        is_gzipped = raw.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    if is_gzipped:
        return TextIOWrapper(gzip.open(path), encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _layout_of(path: Path, header: Sequence[str]) -> tuple[LayoutKind, Mapping[str, int]]:
    for layout in _LAYOUTS:
        columns = layout.columns(header)
        if columns is not None:
            return layout.kind, columns
    shown = ",".join(header)[:200] or "(empty)"
    raise DataFileError(path, f"unknown header: {shown}", allowed=ALLOWED)


def _rows(path: Path, lines: Iterator[list[str]], rows_max: int) -> Iterator[tuple[int, list[str]]]:
    for line, row in enumerate(lines, start=2):
        if line - 1 > rows_max:
            raise DataFileError(path, f"more than {rows_max} rows are left to read; split it", allowed=ALLOWED)
        if row:
            yield line, row
