"""Fill telemetry as the flag wants it, and its export into the session's folder."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, astuple, fields
from datetime import date, datetime, timedelta
from pathlib import Path

from config.settings import Settings
from tradebot.adapters.disk import write_file
from tradebot.domain.calendar import Calendar
from tradebot.domain.fill_telemetry import FillRecord, FillStatistics, grouped, statistics
from tradebot.engine.fill_telemetry import FillTelemetry
from tradebot.ports import Clock, Disk

WINDOWS: Mapping[str, timedelta | None] = {
    "last_hour": timedelta(hours=1),
    "last_day": timedelta(days=1),
    "last_week": timedelta(days=7),
    "all": None,
}


def telemetry_of(settings: Settings, calendar: Calendar, clock: Clock) -> FillTelemetry | None:
    """None where it is switched off."""
    if not settings.in_force("ENABLE_FILL_TELEMETRY"):
        return None

    def released_at(day: date) -> datetime | None:
        session = calendar.trading_day(day)
        return session.release_at if session is not None else None

    return FillTelemetry(clock, settings.telemetry.fill_telemetry_max_history, released_at)


def export(telemetry: FillTelemetry | None, disk: Disk, session: Path) -> None:
    """`telemetry.json` with the statistics and `fills.csv` with a line for each order, replaced whole. Raises
    SaveFailed."""
    if telemetry is None:
        return
    write_file(disk, session / "telemetry.json", json.dumps(_summed(telemetry), indent=1).encode() + b"\n")
    write_file(disk, session / "fills.csv", _listed(telemetry).encode())


def _summed(telemetry: FillTelemetry) -> dict[str, object]:
    records = telemetry.records()
    return {
        "windows": {name: _plain(telemetry.statistics(window=window)) for name, window in WINDOWS.items()},
        "sides": {name: _plain(found) for name, found in grouped(records, lambda record: record.side).items()},
        "symbols": {name: _plain(found) for name, found in grouped(records, lambda record: record.symbol).items()},
        "all": _plain(statistics(records)),
    }


def _plain(found: FillStatistics) -> dict[str, object]:
    """Counts as numbers; whatever has decimals as text, with its digits."""
    return {name: _value(value) for name, value in asdict(found).items()}


def _value(value: object) -> object:
    if isinstance(value, dict):
        return {name: _value(each) for name, each in value.items()}
    return value if value is None or isinstance(value, int) else str(value)


def _listed(telemetry: FillTelemetry) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([field.name for field in fields(FillRecord)])
    for record in telemetry.records():
        writer.writerow(["" if value is None else _cell(value) for value in astuple(record)])
    return text.getvalue()


def _cell(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
