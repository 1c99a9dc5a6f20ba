"""Symbols that take no entry since somebody was active in them by hand: kept over restarts, released by a command."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta

from tradebot.domain.events import EventName, Level
from tradebot.domain.orders import JobRun
from tradebot.engine import ledger
from tradebot.engine.messages import Job
from tradebot.engine.unit import Unit

_INSTANT = timedelta(microseconds=1)


def halts_of(unit: Unit) -> Mapping[str, str]:
    """The cause by symbol, as this unit and its batch leave it."""
    found = unit.fact("manual_halts")
    assert isinstance(found, Mapping)
    return found


def halt(unit: Unit, symbol: str, cause: str) -> None:
    """No entry in the symbol from now on; exits go on."""
    if symbol in halts_of(unit):
        return
    _keep(unit, {**halts_of(unit), symbol: cause})
    text = f"{symbol}: {cause}; no entries until `main.py orders release {symbol}`"
    ledger.tell(unit, EventName.SYMBOL_HALTED, text, fields={"symbol": symbol}, level=Level.ERROR)


def release(unit: Unit, symbol: str, correlation_id: str) -> bool:
    """Entries are wanted again; False when the symbol was not halted."""
    if symbol not in halts_of(unit):
        return False
    _keep(unit, {name: cause for name, cause in halts_of(unit).items() if name != symbol})
    text = f"{symbol} takes entries again"
    fields = {"symbol": symbol}
    ledger.tell(
        unit, EventName.SYMBOL_RELEASED, text, fields=fields, level=Level.WARNING, correlation_id=correlation_id
    )
    return True


def read_halts(run: JobRun | None) -> dict[str, str]:
    """What the last run of its name says."""
    return dict(json.loads(run.outcome)) if run is not None else {}


def _keep(unit: Unit, halts: Mapping[str, str]) -> None:
    unit.facts["manual_halts"] = halts
    last = unit.job_runs.get(Job.HALTS)
    at = max(unit.now, last.planned_for + _INSTANT) if last is not None else unit.now
    run = JobRun(name=Job.HALTS, planned_for=at, finished_at=unit.now, outcome=json.dumps(dict(halts)))
    unit.new_job_runs.append(run)
    unit.job_runs[Job.HALTS] = run
