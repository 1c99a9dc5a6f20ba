"""The staged rollout at work: figures from the sessions, and edits of the configuration that are kept with a backup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from config.editing import edited
from config.layers import FILE
from config.problems import ConfigError
from config.settings import KEYS, Settings
from tradebot.adapters.disk import write_file
from tradebot.adapters.rollout_file import RolloutFile, Standing, Step
from tradebot.app.configuration import ConfigSource
from tradebot.app.rollout_figures import SessionLines, Tally
from tradebot.domain.errors import TradebotError
from tradebot.domain.rollout import (
    GROUPS,
    OBSERVE_ONLY,
    PHASES,
    Check,
    Figures,
    flags_in,
    gate,
    phase_after,
    phase_of,
)
from tradebot.ports import Clock, Disk

BACKUPS = Path("state") / "config_backups"
_STAMP = "%Y%m%d_%H%M%S_%f"


class NotGo(TradebotError):
    """The gate is not passed, or there is nowhere to go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Where the rollout stands, and every line of its gate. `is_observing`: nothing is sent yet."""

    standing: Standing
    figures: Figures
    checks: Sequence[Check]
    is_observing: bool

    @property
    def is_go(self) -> bool:
        return all(check.is_go for check in self.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a step changed in the file: (key, old, new), those that wait for a restart, and the copy of before."""

    changes: Sequence[tuple[str, str, str]]
    restart: Sequence[str]
    backup: Path
    standing: Standing


class Rollout:
    """One home's rollout, with the configuration of `source`."""

    def __init__(self, source: ConfigSource, home: Path, disk: Disk, clock: Clock) -> None:
        """`clock` is the machine's; a replay's rollout goes by the instants of its events instead."""
        self._source = source
        self._home = home
        self._disk = disk
        self._clock = clock
        self._file = RolloutFile(disk, home / "state")
        self._settings = source.settings()

    def outlook(self) -> Outlook | None:
        """None where no rollout was begun."""
        standing = self._file.read()
        if standing is None:
            return None
        figures = self._figures(standing.since)
        is_observing = standing.phase == 1 and bool(self._settings.value(OBSERVE_ONLY))
        checks = gate(phase_of(standing.phase), figures, standing.figures_before(), is_observing=is_observing)
        return Outlook(standing=standing, figures=figures, checks=checks, is_observing=is_observing)

    def start(self) -> Edit:
        """Phase 1, which only observes at first: every flag of a later phase is switched off."""
        now = self._now()
        before = self._file.read()
        figures = self._figures(before.since if before is not None else now)
        step = Step(at=now, before=before.phase if before is not None else 0, after=1, figures=figures, words="start")
        standing = (before or Standing(phase=1, since=now)).moved(step)
        return self._edit({**flags_in(1), OBSERVE_ONLY: True}, standing)

    def next(self, forced: str = "") -> Edit:
        """The next phase, or in the first one from observing to sending. Raises NotGo."""
        outlook = self._begun()
        if not outlook.is_go and not forced:
            lacking = ", ".join(check.name for check in outlook.checks if not check.is_go)
            raise NotGo(f"no-go: {lacking}; `rollout next --force REASON` goes on all the same, and keeps the reason")
        phase = outlook.standing.phase
        if outlook.is_observing:
            return self._step(outlook, phase, {OBSERVE_ONLY: False}, "observed", forced)
        if phase == len(PHASES):
            raise NotGo("the rollout is at its last phase")
        return self._step(outlook, phase + 1, flags_in(phase + 1), "next", forced)

    def back(self, group: str | None = None) -> Edit:
        """One group of flags off, or without a word everything that the phase at hand had switched on."""
        outlook = self._begun()
        phase = outlook.standing.phase
        if group is not None:
            flags = dict.fromkeys(GROUPS[group], False)
            return self._step(outlook, phase_after(group, phase), flags, f"back {group}")
        if phase == 1:
            raise NotGo("the rollout is at its first phase; OBSERVE_ONLY = true stops all sending")
        return self._step(outlook, phase - 1, flags_in(phase - 1), "back")

    def _begun(self) -> Outlook:
        outlook = self.outlook()
        if outlook is None:
            now = self._now()
            standing = Standing(phase=len(PHASES), since=now)
            outlook = Outlook(standing=standing, figures=self._figures(now), checks=(), is_observing=False)
        return outlook

    def _step(self, outlook: Outlook, after: int, values: Mapping[str, bool], words: str, forced: str = "") -> Edit:
        step = Step(
            at=self._now(),
            before=outlook.standing.phase,
            after=after,
            figures=outlook.figures,
            words=words,
            forced=forced,
        )
        return self._edit(values, outlook.standing.moved(step))

    def _edit(self, values: Mapping[str, bool], standing: Standing) -> Edit:
        """The file with its backup first, then where the rollout stands: a crash in between is mended by repeating."""
        path = self._source.folder / FILE
        before = path.read_bytes()
        wanted = {name: value for name, value in values.items() if name in KEYS.by_name}
        backup = self._home / BACKUPS / f"tradebot.toml.{self._clock.now():{_STAMP}}"
        write_file(self._disk, backup, before)
        write_file(self._disk, path, edited(before.decode(), wanted).encode())
        try:
            after = self._source.settings()
        except ConfigError:
            write_file(self._disk, path, before)
            raise
        self._file.write(standing)
        changes = _changes(self._settings, after)
        restart = [name for name, _, _ in changes if not KEYS.by_name[name].live]
        return Edit(changes=changes, restart=restart, backup=backup, standing=standing)

    def _now(self) -> datetime:
        if self._settings.run.mode != "replay":
            return self._clock.now()
        instants = [line.at for line in SessionLines(self._home).new()]
        return max(instants, default=self._clock.now())

    def _figures(self, since: datetime) -> Figures:
        tally = Tally(since)
        for line in SessionLines(self._home).new():
            tally.add(line)
        return tally.figures(self._now())


def _changes(before: Settings, after: Settings) -> list[tuple[str, str, str]]:
    words = (before.in_words(), after.in_words())
    return [(name, words[0][name], words[1][name]) for name in words[0] if words[0][name] != words[1][name]]
