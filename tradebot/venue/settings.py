"""What an exchange process is started with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from tradebot.exchange.dial_box import AnyDial
from tradebot.exchange.wire.kite.sessions import KiteApp
from tradebot.exchange.wire.kotak.sessions import KotakApp


class ClockKind(StrEnum):
    """`driven`: time stands still until the admin endpoint moves it."""

    REAL = "real"
    SCALED = "scaled"
    DRIVEN = "driven"


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueSettings:
    """`state` is the process's own folder; `folder` holds `config/market`. `opening` is where new books begin on a
    scaled or driven clock; `rate` is exchange seconds per real second."""

    state: Path
    folder: Path
    port: int = 0
    clock: ClockKind = ClockKind.REAL
    opening: datetime | None = None
    rate: float = 1.0
    seed: int = 1
    data: Path | None = None
    account_id: str = "primary"
    cash: Decimal = Decimal(1_000_000)
    amo_broker: str = "default"
    refuses_duplicate_tag: bool = False
    has_rate_limits: bool = True
    is_durable: bool = True
    postback_url: str = ""
    warms_up: bool = False
    dials: Sequence[AnyDial] = ()
    kite: KiteApp = field(default_factory=KiteApp)
    kotak: KotakApp = field(default_factory=KotakApp)
