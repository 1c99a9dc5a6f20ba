"""The keys that say what runs, where its data is, when its jobs are due and what it leaves behind."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from config.declaring import IST_CLOCK, MINUTES, RUPEES, SECONDS, Section, key
from config.kinds import (
    ClockTime,
    Day,
    Durability,
    DurabilityWord,
    Mode,
    ModeWord,
    Number,
    Strategies,
    StrategyUse,
    TrackerMode,
    TrackerWord,
)

_SQLITE = "sqlite:///"
_ID: dict[str, Any] = {"pattern": r"^[A-Za-z0-9_-]{1,32}$", "allowed": "1 to 32 letters, digits, _ or -"}


class Run(Section):
    """What runs, for whom, and where it is kept."""

    mode: ModeWord = key(
        "mode",
        Mode.REPLAY,
        "replay: a recorded or seeded market on a virtual clock; paper: real clock; live: orders go to the broker",
    )
    account_id: str = key("account_id", "primary", "the account whose orders, positions and limits these are", **_ID)
    user_id: str = key("user_id", "owner", "who is written into each order as its user", **_ID)
    database_url: str = key(
        "database_url",
        "sqlite:///state/tradebot.db",
        "the database; a relative SQLite path begins at tradebot's folder; a password belongs into .env",
        allowed="sqlite:///path or postgresql+psycopg://user@host:port/name",
        pattern=r"^(sqlite:///[^?#:\s][^?#\s]*|postgresql\+psycopg://[^\s/]+/[^\s/?#@]+(\?\S*)?)$",
        is_secret=True,
    )
    redis_url: str = key(
        "REDIS_URL",
        "",
        "a Redis that keeps the lookups of lifecycle ids for other processes; empty: this process alone keeps them",
        allowed="empty, or redis://host:port/number",
        pattern=r"^(|rediss?://[^\s/]+(/\d{1,3})?)$",
        is_secret=True,
    )
    durability: DurabilityWord = key(
        "durability",
        Durability.AUTO,
        "power: a write counts when it is on the disk; process: when the system has it; auto: process in a replay only",
    )
    order_tracker_mode: TrackerWord = key(
        "ORDER_TRACKER_MODE",
        TrackerMode.DB,
        "dual: pending orders stand in state/pending_orders.json as well, for programs that read it",
    )
    opening_cash: Number = key(
        "opening_cash",
        Decimal(1_000_000),
        "what the account has when the embedded exchange begins its books; later the books say",
        unit=RUPEES,
        low=Decimal(100_000),
        high=Decimal(100_000_000),
    )

    @property
    def durability_in_force(self) -> Literal["power", "process"]:
        if self.durability is Durability.AUTO:
            return "process" if self.mode is Mode.REPLAY else "power"
        return "power" if self.durability is Durability.POWER else "process"

    def database_url_in(self, home: Path) -> str:
        """The URL with its password; a relative SQLite path begins at `home`."""
        scheme, path = self.database_url[: len(_SQLITE)], self.database_url[len(_SQLITE) :]
        return f"{scheme}{home.absolute() / path}" if scheme == _SQLITE else self.database_url


class Replay(Section):
    """The market that mode "replay" plays. Paper takes its seed too; live reads the bars before today from `data`."""

    data: str = key(
        "data",
        "",
        "a file or folder of bars or ticks, from tradebot's folder; empty: the seeded market",
        allowed="a path that is there, or empty",
        pattern=r"^[^\x00-\x1f\x7f]{0,1000}$",
    )
    first_day: Day = key("from", date(2026, 9, 16), "the first trading day")
    last_day: Day = key("to", date(2026, 9, 16), "the last trading day")
    speed: int = key(
        "speed",
        1000,
        "how much faster than real time inside sessions (1000: a day in 25 s); 0: as fast as it can",
        unit="times real time",
        low=0,
        high=5000,
    )
    seed: int = key(
        "seed",
        1,
        "the number that all chance of market and exchange is made from; the same seed gives the same day",
        low=0,
        high=2**63 - 1,
    )

    def data_in(self, home: Path) -> Path | None:
        """The file or folder of market data; None for the seeded market."""
        return home / self.data if self.data else None


class StrategyList(Section):
    """Where signals come from: one [[strategies.use]] for each, with its parameters beside its name.

    docs/strategies.md says what there is: dip, csv, generator, or a class of your own.
    """

    use: Strategies = key(
        "use",
        (
            StrategyUse(name="dip"),
            StrategyUse(name="generator", parameters=(("signals_per_day", 12),)),
            StrategyUse(name="csv", parameters=(("path", "config/signals.csv"),)),
        ),
        "the strategies that are asked for signals, in this order",
        allowed=(
            'at most 20 different tables, each with a name (a word, or "package.module:Class") and parameters that '
            "are texts, numbers, true, false or lists of them"
        ),
        known_as="strategies",
    )


class Times(Section):
    """When the jobs of a trading day are due, in IST; on days with other sessions they move behind these."""

    amo_placement_at: ClockTime = key(
        "AMO_PLACEMENT_AT",
        time(16, 5),
        "when the orders for the next trading day are placed; every broker takes after-market orders from 16:05 on",
        unit=IST_CLOCK,
        low=time(16, 5),
        high=time(22, 0),
    )
    end_of_day_at: ClockTime = key(
        "END_OF_DAY_AT",
        time(18, 0),
        "when the day is closed and reported",
        unit=IST_CLOCK,
        low=time(16, 30),
        high=time(23, 0),
    )
    end_of_day_after_close_min: int = key(
        "END_OF_DAY_AFTER_CLOSE_MIN",
        30,
        "but never sooner than so long after the last session",
        unit=MINUTES,
        low=5,
        high=180,
    )
    cycle_min: int = key(
        "CYCLE_MIN", 1, "how often orders and positions are looked after in market hours", unit=MINUTES, low=1, high=5
    )
    acknowledged_within_s: int = key(
        "ACKNOWLEDGED_WITHIN_S",
        2,
        "an order whose placement the broker has not answered by then is told as silent",
        unit=SECONDS,
        low=1,
        high=15,
        live=True,
    )
    released_within_min: int = key(
        "RELEASED_WITHIN_MIN",
        1,
        "so long after the open an after-market order that was not released is told as silent",
        unit=MINUTES,
        low=1,
        high=5,
        live=True,
    )
    final_within_min: int = key(
        "FINAL_WITHIN_MIN",
        2,
        "so long after the session's end an order that has not ended is told as silent",
        unit=MINUTES,
        low=1,
        high=15,
        live=True,
    )
    retry_at: ClockTime = key(
        "RETRY_AT",
        time(8, 0),
        "when failed orders are tried again, as after-market orders for the day",
        unit=IST_CLOCK,
        low=time(7, 0),
        high=time(8, 50),
    )
    retry_until: ClockTime = key(
        "RETRY_UNTIL",
        time(8, 50),
        "later than that the run waits for the open, and its orders go as regular ones",
        unit=IST_CLOCK,
        low=time(8, 0),
        high=time(8, 57),
        live=True,
    )
    retry_expires_at: ClockTime = key(
        "RETRY_EXPIRES_AT",
        time(15, 30),
        "when, on the next full trading day, a failed order can no longer be retried",
        unit=IST_CLOCK,
        low=time(15, 15),
        high=time(16, 0),
        live=True,
    )


class Logs(Section):
    """Bounds of the log files in logs/ and logs/archive/."""

    log_file_mb_max: int = key(
        "LOG_FILE_MB_MAX", 50, "a log file of this size is moved to the archive", unit="MB", low=8, high=400
    )
    log_archive_files_max: int = key(
        "LOG_ARCHIVE_FILES_MAX", 50, "the oldest files beyond this number are removed", unit="files", low=6, high=250
    )
    log_archive_mb_max: int = key(
        "LOG_ARCHIVE_MB_MAX", 1024, "and those beyond this size of all together", unit="MB", low=128, high=8192
    )
