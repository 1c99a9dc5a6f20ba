"""Fits the way through a day on one-minute bars: when volume is traded, and which extreme comes first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from statistics import median

from tradebot.adapters.marketdata.minute_files import MinuteBar, bar_of_minutes
from tradebot.adapters.marketdata.path import PathShape

_PARTS = 13
_MINUTES_MIN = 10 * _PARTS


def fitted_path(days: Collection[Sequence[MinuteBar]]) -> PathShape:
    """The usual shares of the volume in 13 parts of the session, and the slope of "low first" on the day's body.

    Days with fewer than 130 minutes are left out. Shares are medians, since minutes after a hole in the recording
    carry the volume of the hole. The slope is the least-squares one through (body 0, chance 1/2), at most 1.
    """
    full = [day for day in days if len(day) >= _MINUTES_MIN]
    shares = [_shares(day) for day in full]
    usual = [median(share[part] for share in shares) for part in range(_PARTS)]
    return PathShape(
        volume_profile=tuple(round(part / sum(usual), 4) for part in usual),
        low_first_slope=round(_low_first_slope(full), 2),
    )


def _shares(day: Sequence[MinuteBar]) -> Sequence[float]:
    sums = [0.0] * _PARTS
    for index, minute in enumerate(day):
        sums[index * _PARTS // len(day)] += minute.volume
    return [part / sum(sums) for part in sums]


def _low_first_slope(days: Collection[Sequence[MinuteBar]]) -> float:
    above, below = 0.0, 0.0
    for day in days:
        bar = bar_of_minutes(day, None)
        body = float((bar.close - bar.open) / (bar.high - bar.low))
        low_at = next(index for index, minute in enumerate(day) if minute.low == bar.low)
        high_at = next(index for index, minute in enumerate(day) if minute.high == bar.high)
        if low_at != high_at:
            above += body * (1 if low_at < high_at else -1)
            below += body * body
    return min(1.0, max(0.0, above / below))
