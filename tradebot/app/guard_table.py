"""What the guards of the order book cost and save: the same days with each of them on and off."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tradebot.app.configuration import ConfigSource
from tradebot.app.replay import open_replay

GUARDS: Mapping[str, str] = {
    "spread": "ENABLE_SPREAD_GUARD_ENTRY",
    "depth": "ENABLE_DEPTH_GUARD_ENTRY",
    "slippage": "ENABLE_ENTRY_SLIPPAGE_GUARD",
}

CASES: Mapping[str, tuple[str, ...]] = {
    "all on": tuple(GUARDS),
    "all off": (),
    **{f"{name} alone": (name,) for name in GUARDS},
}
"""By name, the guards that are on."""

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRow:
    """One case. Slippage is the mean over entries that were filled, beside the best ask at their decision; P&L is of
    positions that were closed, in rupees, without charges. `blocked` counts entries by the guard's reason."""

    case: str
    placed: int
    filled: int
    slippage_bps: Decimal | None
    realised_pnl: Decimal
    closed: int
    blocked: Mapping[str, int] = field(default_factory=dict)


def guard_rows(source: ConfigSource, cases: Mapping[str, tuple[str, ...]] = CASES) -> Iterator[GuardRow]:
    """Each case in a home of its own that is removed afterwards. Entries are deferred to the open, since at night there
    is no book that a guard could judge. Raises what `open_replay` raises."""
    for case, switched_on in cases.items():
        flags = {flag: str(name in switched_on).lower() for name, flag in GUARDS.items()}
        overrides = {
            **source.overrides,
            **flags,
            "mode": "replay",
            "speed": "0",
            "OFF_HOURS_POLICY": "defer",
            "database_url": "sqlite:///state/tradebot.db",
        }
        with TemporaryDirectory(prefix="tradebot-guards-") as home:
            session = _play(replace(source, overrides=overrides), Path(home))
            yield row_of(case, session)


def row_of(case: str, session: Path) -> GuardRow:
    """From the events of one session."""
    counts: Counter[str] = Counter()
    blocked: Counter[str] = Counter()
    slippage: dict[str, Decimal] = {}
    pnl = Decimal(0)
    for name, fields in _events(session):
        is_buy = fields.get("side") == "buy"
        match name:
            case "ORDER_INTENT" | "ORDER_FILLED" if is_buy:
                counts[name] += 1
            case "ENTRY_SLIPPAGE":
                slippage[fields["order_id"]] = Decimal(str(fields["slippage_bps"]))
            case "GUARD_BLOCK" if fields["guard"] in (*GUARDS, "quote"):
                blocked[fields["block_reason"]] += 1
            case "POSITION_CLOSED":
                counts[name] += 1
                pnl += Decimal(str(fields["realised_pnl"]))
            case _:
                pass
    mean = sum(slippage.values(), Decimal(0)) / len(slippage) if slippage else None
    return GuardRow(
        case=case,
        placed=counts["ORDER_INTENT"],
        filled=counts["ORDER_FILLED"],
        slippage_bps=None if mean is None else mean.quantize(_CENT),
        realised_pnl=pnl.quantize(_CENT),
        closed=counts["POSITION_CLOSED"],
        blocked=dict(sorted(blocked.items())),
    )


def _play(source: ConfigSource, home: Path) -> Path:
    with open_replay(source.settings(), home=home, folder=source.folder) as replay:
        replay.engine.start()
        replay.loop.run(replay.end)
        return replay.session


def _events(session: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    with (session / "events.jsonl").open(encoding="ascii") as lines:
        for line in lines:
            row = json.loads(line)
            yield row["event"], row["fields"]
