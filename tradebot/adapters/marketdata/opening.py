"""Opens the market data that a replay runs on: files, whose layout their header tells, or the seeded market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from tradebot.adapters.marketdata.admission import Sessions
from tradebot.adapters.marketdata.daily_files import DailyReader
from tradebot.adapters.marketdata.layouts import ALLOWED, LayoutKind, open_table
from tradebot.adapters.marketdata.minute_files import MinuteReader
from tradebot.adapters.marketdata.read_report import ROWS_MAX, DataFileError, Findings, ReadReport
from tradebot.adapters.marketdata.seeded import SeededTape
from tradebot.adapters.marketdata.seeded_parameters import load_parameters
from tradebot.adapters.marketdata.tape import ListedTape, daily_tape, minute_tape, tick_tape
from tradebot.adapters.marketdata.tick_files import TickReader
from tradebot.domain.calendar import Calendar
from tradebot.domain.corporate_actions import CorporateAction
from tradebot.domain.instruments import Instrument
from tradebot.domain.market_rules import MarketRules

_ENDINGS = (".csv", ".csv.gz")

_AnyReader = TypeVar("_AnyReader", DailyReader, MinuteReader, TickReader)


def open_tape(
    path: Path | None,
    seed: int,
    calendar: Calendar,
    rules: MarketRules,
    actions: Sequence[CorporateAction],
    instruments: Mapping[str, Instrument],
) -> tuple[ListedTape, ReadReport | None]:
    """The tape over a file, or over all CSV files of a folder (of one layout, taken by name); without a path, the
    seeded market, and no report.

    Raises DataFileError when nothing can be used: no file, an unknown header, two layouts, no usable row.
    """
    parameters = load_parameters()
    if path is None:
        seeded = SeededTape(seed=seed, parameters=parameters, calendar=calendar, rules=rules, instruments=instruments)
        return seeded, None
    files = _files(path)
    findings = Findings()
    admission = Sessions(calendar=calendar, instruments=instruments)
    kind = _common_kind(files)
    tape: ListedTape
    match kind:
        case LayoutKind.DAILY:
            daily = _read(DailyReader(admission, findings), files, path)
            tape = daily_tape(
                daily.bars(),
                seed=seed,
                shape=parameters.path,
                calendar=calendar,
                rules=rules,
                actions=actions,
                instruments=instruments,
            )
        case LayoutKind.MINUTE:
            tape = minute_tape(_read(MinuteReader(admission, findings), files, path).days(), seed=seed, actions=actions)
        case LayoutKind.TICK:
            tape = tick_tape(_read(TickReader(admission, findings), files, path).days(), actions=actions)
    return tape, findings.report(kind, files)


def _files(path: Path) -> Sequence[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.name.lower().endswith(_ENDINGS))
    if not files:
        raise DataFileError(path, "no .csv or .csv.gz file in this folder", allowed=ALLOWED)
    return files


def _common_kind(files: Sequence[Path]) -> LayoutKind:
    kinds: dict[LayoutKind, Path] = {}
    for file in files:
        with open_table(file) as table:
            kinds.setdefault(table.kind, file)
    if len(kinds) > 1:
        named = ", ".join(f"{kind}: {file.name}" for kind, file in kinds.items())
        raise DataFileError(files[0].parent, f"files of more than one layout ({named})", allowed=ALLOWED)
    return next(iter(kinds))


def _read(reader: _AnyReader, files: Sequence[Path], path: Path) -> _AnyReader:
    """The reader, after it has read all files."""
    findings = reader.findings
    for file in files:
        with open_table(file, rows_max=ROWS_MAX - findings.rows) as table:
            reader.read(table)
    if findings.used == 0:
        raise DataFileError(path, f"no usable row: {findings.summary()}", allowed=ALLOWED)
    return reader
