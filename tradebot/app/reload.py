"""The configuration file while the daemon runs: an edit is checked as a whole and becomes the policy in force."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from config.checks import CHECKS, is_broken
from config.kinds import in_file
from config.layers import FILE, Given, Layer
from config.problems import ConfigError, Problem
from config.settings import DEFAULT, KEYS, Settings
from tradebot.app.configuration import ConfigSource, SettingsFile, Signature
from tradebot.domain.errors import SaveFailed
from tradebot.domain.events import Event, EventName, Level, in_log_words
from tradebot.engine.bus import Bus
from tradebot.engine.commands import PolicyChanged
from tradebot.engine.inbox import Inbox, InboxFull
from tradebot.ports import Clock

EVERY_S = 1.0
TOLD_MAX = 50
"""So many problems of one edit are named; of the others only their number."""

_RESTART = "restart"
_NEVER: Signature = (-1, -1, -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotApplied:
    """A key whose new value does not count; `cause` is "restart", or the place that pins the key."""

    name: str
    in_force: str
    wanted: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What an edit comes to: `settings` are in force afterwards, `changes` are (key, old, new) of the live keys."""

    settings: Settings
    changes: tuple[tuple[str, str, str], ...]
    not_applied: tuple[NotApplied, ...]


def judge(in_force: Settings, wanted: Settings, before: Layer, after: Layer) -> Edit:
    """What becomes of the settings `in_force` when all places together now say `wanted`; `before` and `after` are the
    file alone. Raises ConfigError where live keys make no sense beside the values that stay until a restart."""
    settings = _applied(in_force, wanted)
    problems = [_broken(check.keys, check.rule, settings) for check in CHECKS if is_broken(check, settings)]
    if problems:
        raise ConfigError(problems)
    changed = [key.name for key in KEYS if settings.value(key.name) != in_force.value(key.name)]
    return Edit(
        settings=settings,
        changes=tuple((name, _said(name, in_force), _said(name, settings)) for name in changed),
        not_applied=(*_pinned(settings, wanted, before, after), *_for_restart(settings, wanted)),
    )


class Reload:
    """Looks at `config/tradebot.toml` and puts a PolicyChanged into the inbox; for the engine's thread.

    A file counts once it has looked the same twice in a row: one that is being written is not read in vain. Each edit
    is told once, whatever comes of it; nothing here raises into the loop that trades.
    """

    def __init__(
        self, source: ConfigSource, settings: Settings, *, inbox: Inbox, bus: Bus, clock: Clock, record: SettingsFile
    ) -> None:
        """`settings` are those in force. The first look compares them with the file, in case it was edited since."""
        self._source = source
        self._in_force = settings
        self._inbox = inbox
        self._bus = bus
        self._clock = clock
        self._record = record
        self._layer = source.file_layer()
        self._looked: Signature | None = _NEVER
        self._read: Signature | None = _NEVER
        self._told: dict[str, str] = {}

    @property
    def in_force(self) -> Settings:
        """With the live keys of the last edit that was accepted."""
        return self._in_force

    def poll(self) -> None:
        """Look at the file; to be called about every second."""
        signature = self._source.signature()
        if signature == self._looked and signature != self._read:
            try:
                self._take(signature)
            except Exception as fault:  # a defect here must not end the thread that trades
                self._read = signature
                text = f"reading {FILE}: {type(fault).__name__}: {fault}"
                self._tell(EventName.INTERNAL_FAULT, Level.CRITICAL, text)
        self._looked = signature

    def _take(self, signature: Signature | None) -> None:
        try:
            wanted, layer = self._source.settings(), self._source.file_layer()
            if self._source.signature() != signature:
                return
            edit = judge(self._in_force, wanted, self._layer, layer)
        except ConfigError as error:
            if self._source.signature() == signature:
                self._read = signature
                self._refuse(error.problems)
            return
        if edit.changes and not self._is_sent(edit):
            return
        self._read, self._layer = signature, layer
        self._tell_not_applied(edit.not_applied)

    def _is_sent(self, edit: Edit) -> bool:
        try:
            self._inbox.put(PolicyChanged(policy=edit.settings.policy(), changes=edit.changes))
        except InboxFull:
            return False
        self._in_force = edit.settings
        try:
            self._record.change(edit.settings, edit.changes, self._clock.now())
        except (SaveFailed, OSError) as cause:
            self._tell(EventName.INTERNAL_FAULT, Level.ERROR, f"settings.json of the session lags behind: {cause}")
        return True

    def _refuse(self, problems: Sequence[Problem]) -> None:
        named = [str(problem) for problem in problems[:TOLD_MAX]]
        if len(problems) > TOLD_MAX:
            named.append(f"and {len(problems) - TOLD_MAX} more")
        text = in_log_words(f"the edit is refused, all old values stay: {'; '.join(named)}")
        self._tell(EventName.CONFIG_REFUSED, Level.ERROR, text, {"problems": len(problems)})

    def _tell_not_applied(self, found: Sequence[NotApplied]) -> None:
        """A key that waits for a restart is told once for each value, not again with every other edit."""
        waiting = {one.name: one.wanted for one in found if one.cause == _RESTART}
        for one in found:
            if one.cause != _RESTART or self._told.get(one.name) != one.wanted:
                self._tell_one(one)
        self._told = waiting

    def _tell_one(self, one: NotApplied) -> None:
        key = in_log_words(one.name)
        why = "restart to apply it" if one.cause == _RESTART else f"pinned by {one.cause}"
        self._tell(
            EventName.CONFIG_NOT_APPLIED,
            Level.WARNING,
            f"{key}: {one.in_force} stays, not {one.wanted}: {why}",
            {"key": key, "in_force": one.in_force, "wanted": one.wanted, "cause": one.cause},
        )

    def _tell(self, name: EventName, level: Level, message: str, fields: Mapping[str, str | int] | None = None) -> None:
        event = Event(name=name, at=self._clock.now(), level=level, message=message, fields=fields or {})
        self._bus.publish([event])


def watch(
    source: ConfigSource | None, settings: Settings, *, inbox: Inbox, bus: Bus, clock: Clock, record: SettingsFile
) -> Callable[[], None]:
    """What is to be called about every second; without a source there is nothing to look at."""
    if source is None:
        return lambda: None
    return Reload(source, settings, inbox=inbox, bus=bus, clock=clock, record=record).poll


class EverySecond:
    """Calls `act` when `EVERY_S` of real time have passed since the last call; for a loop that comes round faster."""

    def __init__(self, act: Callable[[], object], clock: Clock, *, is_due: bool = False) -> None:
        """`clock` is the real one; with `is_due` the first call acts."""
        self._act = act
        self._clock = clock
        self._acted = clock.monotonic() - (EVERY_S if is_due else 0.0)

    def __call__(self) -> None:
        now = self._clock.monotonic()
        if now - self._acted >= EVERY_S:
            self._acted = now
            self._act()


def _applied(in_force: Settings, wanted: Settings) -> Settings:
    """The live keys of `wanted` beside all others of `in_force`."""
    layer: dict[str, Given] = {}
    for key in KEYS:
        given = wanted if key.live else in_force
        origin = given.origins[key.name]
        layer[key.name] = Given(value=given.value(key.name), origin=origin, place=origin)
    return Settings.of([layer])


def _broken(names: Sequence[str], rule: str, settings: Settings) -> Problem:
    """Both sides are sound by themselves: what does not fit is a key that waits for a restart."""
    live = next((name for name in names if KEYS.by_name[name].live), names[0])
    facts = ", ".join(
        f"{name} is {_said(name, settings)}{'' if KEYS.by_name[name].live else ' until a restart'}"
        for name in names
        if name != live
    )
    text = f"{names[0]} must be {rule}; {facts}"
    return Problem(place=settings.origins[live], key=live, value=_said(live, settings), text=text)


def _pinned(settings: Settings, wanted: Settings, before: Layer, after: Layer) -> list[NotApplied]:
    """Keys that were edited in the file, while a higher place says that something else counts."""
    return [
        NotApplied(name=key.name, in_force=_said(key.name, settings), wanted=new, cause=wanted.origins[key.name])
        for key in KEYS
        if wanted.origins[key.name] != DEFAULT and not wanted.origins[key.name].startswith(str(FILE))
        if (new := _in(after, key.name)) not in (_in(before, key.name), _said(key.name, settings))
    ]


def _for_restart(settings: Settings, wanted: Settings) -> list[NotApplied]:
    return [
        NotApplied(name=key.name, in_force=_said(key.name, settings), wanted=_said(key.name, wanted), cause=_RESTART)
        for key in KEYS
        if not key.live and settings.value(key.name) != wanted.value(key.name)
    ]


def _in(layer: Layer, name: str) -> str:
    key = KEYS.by_name[name]
    return _masked(name, layer[name].value if name in layer else key.default)


def _said(name: str, settings: Settings) -> str:
    return _masked(name, settings.value(name))


def _masked(name: str, value: object) -> str:
    return KEYS.by_name[name].masked(in_file(value))
