"""Where the rollout stands: `state/rollout.json`, with the figures of every phase that is over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from tradebot.adapters.disk import write_file
from tradebot.adapters.flight_decoding import decode
from tradebot.adapters.flight_encoding import encoder
from tradebot.domain.errors import StateCorrupt
from tradebot.domain.rollout import Figures
from tradebot.ports import Disk

HISTORY_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step that was made: from which phase to which, with the figures of the one that ended, and why it was forced
    (empty: its gate was a go)."""

    at: datetime
    before: int
    after: int
    figures: Figures
    words: str = ""
    forced: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The phase at hand since when, and the steps that led to it, the newest last."""

    phase: int
    since: datetime
    steps: tuple[Step, ...] = ()

    def moved(self, step: Step) -> Standing:
        steps = (*self.steps, step)[-HISTORY_MAX:]
        return replace(self, phase=step.after, since=step.at, steps=steps)

    def figures_before(self) -> Figures | None:
        """Of the last phase below this one."""
        found = [step.figures for step in self.steps if step.before < self.phase <= step.after]
        return found[-1] if found else None


class RolloutFile:
    def __init__(self, disk: Disk, folder: Path) -> None:
        """`folder` is the home's `state/`."""
        self._disk = disk
        self._path = folder / "rollout.json"

    def read(self) -> Standing | None:
        """None where no rollout was begun. Raises StateCorrupt."""
        data = self._disk.read(self._path)
        if data is None:
            return None
        try:
            raw: Mapping[str, Any] = json.loads(data)
            return decode(Standing, raw)
        except (ValueError, KeyError, TypeError, AttributeError) as cause:
            mend = "put back a copy, or remove it and begin anew with `main.py rollout start`"
            raise StateCorrupt(str(self._path), f"{type(cause).__name__}: {cause}", mend=mend) from cause

    def write(self, standing: Standing) -> None:
        """Raises SaveFailed."""
        text = json.dumps(json.loads(encoder(Standing)(standing)), indent=1)
        write_file(self._disk, self._path, text.encode() + b"\n")
