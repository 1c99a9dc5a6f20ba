"""As many entries a day as wanted, for load, crash and guard figures: no opinion about the market at all.

Everything is drawn from hashes of (seed, day, number, what is drawn), so that the same day has the same
signals on any machine and after any restart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from hashlib import blake2b

from tradebot.domain.calendar import IST
from tradebot.domain.orders import EntryType, Side
from tradebot.domain.positions import Position
from tradebot.domain.quotes import Bar
from tradebot.domain.signals import Signal
from tradebot.ports import History
from tradebot.strategies.amounts import PAISA, fine, rupees
from tradebot.strategies.universe import windows

SIGNALS_PER_DAY_MAX = 500
HOLDING_DAYS_MAX = 3
# How far the limit stands from the last close, in per cent, with the share of the signals that get it. Fitted
# to what NSE shares do: the open lies within 1.2 % of the last close on nine days of ten, and the whole day
# spans 1.9 % on the middle one and 7.4 % on one of a hundred.
_LIMITS = (
    (0.40, Decimal("0.3"), Decimal("1.5")),
    (0.35, Decimal("-1.5"), Decimal("0")),
    (0.15, Decimal("-9"), Decimal("-6")),
)
_TARGET_PCT = (Decimal("0.2"), Decimal("1.5"))
_ORDER_VALUE = (Decimal(5_000), Decimal(50_000))
_SHARE_WITH_QUANTITY = 0.6
_SHARE_OF_REENTRIES = 0.25
# Far enough below the last close to be sold at the next open on all but the worst days.
_GIVE_UP_PCT = Decimal(2)
_HUNDRED = Decimal(100)
_BARS_OF_A_HOLDING = HOLDING_DAYS_MAX + 2
_DRAW_STEPS = 2**53


class Generator:
    """Buys of symbols by lot: some fill at the open, some later in the day, some never; most are sold within
    days.

    Raises ValueError for a parameter outside of what is allowed.
    """

    name = "generator"

    def __init__(self, *, seed: int = 1, signals_per_day: int = 10) -> None:
        _check_whole("seed", seed, 0, 2**63 - 1)
        _check_whole("signals_per_day", signals_per_day, 0, SIGNALS_PER_DAY_MAX)
        self._seed = seed
        self._signals_per_day = signals_per_day

    def signals(self, trading_day: date, history: History, held: Sequence[Position]) -> Sequence[Signal]:  # noqa: ARG002
        """`signals_per_day` buys, none where no symbol has a bar; what is held makes no difference."""
        newest = [bars[-1] for bars in windows(history, trading_day, 1).values()]
        if not newest:
            return ()
        found: list[Signal] = []
        seen: set[str] = set()
        for number in range(1, self._signals_per_day + 1):
            draws = _Draws(seed=self._seed, day=trading_day, number=number)
            bar = draws.one_of(newest, "symbol")
            found.append(_signal(draws, bar, repeated=bar.symbol in seen))
            seen.add(bar.symbol)
        return found

    def target(self, position: Position, as_of: date, history: History) -> Decimal | None:
        """The average price plus the position's own `target_pct`; below the market once it was held long
        enough."""
        average = position.average_price
        if average is None or position.symbol in history.halted(as_of):
            return None
        wanted = average * (1 + _number(position, "target_pct", _TARGET_PCT[1]) / _HUNDRED)
        bars = history.bars(position.symbol, as_of, _BARS_OF_A_HOLDING)
        first_fill = position.first_fill_at.astimezone(IST).date()
        days_held = sum(bar.day >= first_fill for bar in bars)
        if bars and days_held > _number(position, "holding_days", Decimal(0)):
            wanted = min(wanted, bars[-1].close * (1 - _GIVE_UP_PCT / _HUNDRED))
        return max(PAISA, rupees(wanted))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draws:
    """The chances of one signal: each named draw has its own value, whatever else is drawn."""

    seed: int
    day: date
    number: int

    def chance(self, what: str) -> float:
        """0 up to but not 1, evenly."""
        key = f"{self.seed}|{self.day}|{self.number}|{what}".encode()
        return (int.from_bytes(blake2b(key, digest_size=8).digest(), "big") >> 11) / _DRAW_STEPS

    def one_of(self, bars: Sequence[Bar], what: str) -> Bar:
        return bars[int(self.chance(what) * len(bars))]

    def between(self, lowest: Decimal, highest: Decimal, what: str) -> Decimal:
        return lowest + (highest - lowest) * Decimal(self.chance(what))


def _signal(draws: _Draws, bar: Bar, *, repeated: bool) -> Signal:
    """One buy. A second one for a symbol on the same day is a re-entry: an initial one would only be
    stopped."""
    reentry = repeated or draws.chance("reentry") < _SHARE_OF_REENTRIES
    limit = _limit(draws, bar.close)
    target_pct = fine(draws.between(*_TARGET_PCT, "target"))
    return Signal(
        id=f"gen:{draws.day}:{draws.number}",
        strategy=Generator.name,
        symbol=bar.symbol,
        side=Side.BUY,
        trading_day=draws.day,
        entry_type=EntryType.REENTRY if reentry else EntryType.INITIAL,
        quantity=_quantity(draws, bar.close),
        limit_price=limit,
        reference_close=rupees(bar.close),
        metadata={
            "target": str(rupees((limit or bar.close) * (1 + target_pct / _HUNDRED))),
            "target_pct": str(target_pct),
            "holding_days": str(int(draws.chance("holding") * (HOLDING_DAYS_MAX + 1))),
        },
    )


def _limit(draws: _Draws, close: Decimal) -> Decimal | None:
    """A limit from one of the ranges, or None for what is left: a protected limit from the last close."""
    chance = draws.chance("kind of limit")
    for share, lowest, highest in _LIMITS:
        if chance < share:
            return max(PAISA, rupees(close * (1 + draws.between(lowest, highest, "limit") / _HUNDRED)))
        chance -= share
    return None


def _quantity(draws: _Draws, close: Decimal) -> int | None:
    """Shares for an order value by lot, at least one; None leaves the size to the capital per trade."""
    if draws.chance("sized") >= _SHARE_WITH_QUANTITY:
        return None
    return max(1, int(draws.between(*_ORDER_VALUE, "value") / close))


def _number(position: Position, key: str, otherwise: Decimal) -> Decimal:
    """A figure that a signal of ours left in the position; `otherwise` for positions that came another
    way."""
    try:
        value = Decimal(position.metadata.get(key, otherwise))
    except InvalidOperation:
        return otherwise
    return value if value.is_finite() else otherwise


def _check_whole(name: str, value: object, lowest: int, highest: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise ValueError(f"{name} is {value!r}; allowed is a whole number from {lowest} to {highest}")
