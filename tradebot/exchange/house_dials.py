"""Ready fault dials that neither a call nor an event goes through: they are read by the exchange or by its process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BandMoved:
    """On `per_mille` of the days of each symbol the price band is `percent` wide in the morning, whatever was said the
    evening before: after-market orders outside of it are rejected when they are released."""

    per_mille: int
    percent: Decimal = Decimal(2)
    name: str = "band_moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivesLate:
    """Of the order calls `per_mille` reach the exchange only `delay_s` seconds of real time after they were sent."""

    per_mille: int
    delay_s: float = 10.0
    name: str = "arrives_late"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdHocHoliday:
    """A day without a session that nobody knew of. It stays one when the dial is turned back."""

    day: date
    name: str = "ad_hoc_holiday"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamDrops:
    """Every stream is cut off after `every_s` seconds of real time (kotak-neo-api, issue 87: about nine minutes)."""

    every_s: float = 540.0
    name: str = "stream_drops"
