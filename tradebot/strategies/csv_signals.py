"""Takes the signals of a day from the operator's file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path

from tradebot.domain.orders import EntryType, Side
from tradebot.domain.positions import Position
from tradebot.domain.signals import Signal
from tradebot.ports import History
from tradebot.strategies.amounts import read_rupees, rupees
from tradebot.strategies.signal_rows import (
    BYTES_MAX,
    RowProblem,
    SignalFileInvalid,
    SignalRow,
    read_day,
    read_rows,
)

DEFAULT_PATH = Path("config/signals.csv")
# About four years: how far back the day of a signal is looked for when its target is brought to today's
# prices.
_WINDOW_BARS = 1_000


class CsvSignals:
    """The rows of one file, each valid on its own day only.

    The file is read anew each time it is asked, so that an edit counts from the next time on. Nothing of an
    earlier reading is kept: a file that an edit has broken gives no signals until it is mended.
    """

    name = "csv"

    def __init__(self, *, path: str | Path = DEFAULT_PATH) -> None:
        if not isinstance(path, str | Path) or not str(path):
            raise ValueError(f"path is {path!r}; allowed is the path of a file")
        self._path = Path(path)

    def signals(self, trading_day: date, history: History, held: Sequence[Position]) -> Sequence[Signal]:
        """The rows of `trading_day`. Raises SignalFileInvalid with all problems: then nothing may be
        placed."""
        due = [row for row in self._rows() if row.day == trading_day]
        closes = self._closes(due, history)
        held_symbols = {position.symbol for position in held if position.is_open}
        return [_signal(row, *closes[row.symbol], is_held=row.symbol in held_symbols) for row in due]

    def target(self, position: Position, as_of: date, history: History) -> Decimal | None:
        """The row's target in the prices of `as_of`; None where the row gave none or the symbol is halted."""
        target = read_rupees(position.metadata.get("target", ""))
        if target is None or position.symbol in history.halted(as_of):
            return None
        day = read_day(position.metadata.get("reference_day", ""))
        close = read_rupees(position.metadata.get("reference_close", ""))
        if day is None or close is None:
            return target
        # A split or a bonus issue since the signal has changed the price of its day, and its target by as
        # much.
        bars = history.bars(position.symbol, as_of, _WINDOW_BARS)
        today = next((bar.close for bar in reversed(bars) if bar.day == day), None)
        return None if today is None else rupees(target * today / close)

    def _rows(self) -> Sequence[SignalRow]:
        try:
            with self._path.open("rb") as file:
                data = file.read(BYTES_MAX + 1)
        except OSError as error:
            problem = RowProblem(line=None, field="", text=f"cannot be read: {error.strerror}")
            raise SignalFileInvalid(str(self._path), [problem]) from error
        return read_rows(str(self._path), data)

    def _closes(self, due: Sequence[SignalRow], history: History) -> Mapping[str, tuple[date, Decimal]]:
        """The newest day and close before the trading day, by symbol."""
        known = frozenset(history.symbols())
        closes: dict[str, tuple[date, Decimal]] = {}
        problems = []
        for row in due:
            bars = history.bars(row.symbol, row.day, 1) if row.symbol in known else ()
            if bars:
                closes[row.symbol] = bars[-1].day, bars[-1].close
            else:
                problems.append(_without_price(row, known))
        if problems:
            raise SignalFileInvalid(str(self._path), problems)
        return closes


def _without_price(row: SignalRow, known: frozenset[str]) -> RowProblem:
    if row.symbol in known:
        text = f"{row.symbol} has no price before {row.day}; allowed is a symbol that has traded"
    else:
        close = get_close_matches(row.symbol, sorted(known), n=1, cutoff=0.5)
        hint = f"did you mean {close[0]}?" if close else "allowed is a symbol with prices in the market data"
        text = f"{row.symbol} is unknown; {hint}"
    return RowProblem(line=row.line, field="symbol", text=text)


def _signal(row: SignalRow, reference_day: date, reference_close: Decimal, *, is_held: bool) -> Signal:
    # The operator who names a share that is held wants more of it; an initial entry would be stopped.
    adds = is_held and row.side is Side.BUY
    reference = {"reference_day": reference_day.isoformat(), "reference_close": str(rupees(reference_close))}
    return Signal(
        id=row.id,
        strategy=CsvSignals.name,
        symbol=row.symbol,
        side=row.side,
        trading_day=row.day,
        entry_type=EntryType.REENTRY if adds else EntryType.INITIAL,
        quantity=row.quantity,
        limit_price=row.limit,
        reference_close=rupees(reference_close),
        metadata=reference if row.target is None else {"target": str(row.target)} | reference,
    )
