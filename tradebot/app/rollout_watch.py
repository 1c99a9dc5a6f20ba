"""The gates of the rollout for the screens: counted beside the engine, from what the sessions have written."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path

from tradebot.adapters.rollout_file import RolloutFile, Standing
from tradebot.adapters.threads import Errand
from tradebot.app.rollout_figures import SessionLines, Tally
from tradebot.domain.errors import StateCorrupt
from tradebot.engine.figures_view import RolloutStanding
from tradebot.ports import Clock, Disk

EVERY_S = 30.0


class RolloutWatch:
    """`look` answers at once with what was last counted; where that is EVERY_S old, a thread counts on.

    Only what was written since is read, so that a month of sessions is read once. Where no rollout was begun nothing
    is read at all; a file that makes no sense counts as none: `main.py rollout` says what is wrong with it.
    """

    def __init__(self, home: Path, disk: Disk, real: Clock, now: Callable[[], datetime]) -> None:
        """`now` is the daemon's clock, `real` the machine's."""
        self._file = RolloutFile(disk, home / "state")
        self._home = home
        self._real = real
        self._now = now
        self._lines = SessionLines(home)
        self._tally: Tally | None = None
        self._errand: Errand | None = None
        self._counted_s: float | None = None
        self._found: RolloutStanding | None = None

    def look(self) -> RolloutStanding | None:
        at_s = self._real.monotonic()
        is_due = self._counted_s is None or at_s - self._counted_s >= EVERY_S
        if is_due and (self._errand is None or self._errand.has_ended):
            self._counted_s = at_s
            standing = self._read()
            if standing is None:
                self._found = None
            else:
                self._found = self._found or RolloutStanding(phase=standing.phase, since=standing.since)
                with suppress(RuntimeError):  # no thread to be had: it is counted the next time
                    self._errand = Errand(partial(self.count, standing))
        return self._found

    def count(self, standing: Standing) -> None:
        """What was written since the last time. A file that cannot be read leaves the figures as they were."""
        if self._tally is None or self._tally.since != standing.since:
            self._tally, self._lines = Tally(standing.since), SessionLines(self._home)
        try:
            for line in self._lines.new():
                self._tally.add(line)
        except OSError:
            return
        self._found = RolloutStanding(
            phase=standing.phase,
            since=standing.since,
            figures=self._tally.figures(self._now()),
            before=standing.figures_before(),
        )

    def _read(self) -> Standing | None:
        try:
            return self._file.read()
        except (StateCorrupt, OSError):
            return None
