"""The configuration as a run reads it: everything that is wrong with it at once, and what of it was in force."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from config.kinds import StrategyUse
from config.layers import FILE, Layer, read_layers
from config.loading import load_settings
from config.market_rules import Market, MarketDataFileError, load_market
from config.problems import ConfigError, Problem
from config.settings import DEFAULT, KEYS, Settings
from tradebot.adapters.disk import write_file
from tradebot.adapters.notify.channel import AppriseChannel
from tradebot.ports import Disk, Strategy
from tradebot.strategies.loading import StrategyNotLoaded, load_strategy

CHANGES_MAX = 200
"""How many accepted edits settings.json holds; beyond that the oldest are only counted."""

Signature = tuple[int, int, int]
"""Of a file: when it was written, its size, and which file it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigSource:
    """Where the settings of one run come from: the folder with `config/` and `.env`, the environment as it was at the
    start, and the command line's values by the keys' names."""

    folder: Path
    environ: Mapping[str, str] = field(repr=False)
    overrides: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def settings(self) -> Settings:
        """Raises ConfigError with everything that is wrong in the settings."""
        return load_settings(self.folder, self.environ, self.overrides)

    def settings_at_start(self) -> Settings:
        """The same; a ConfigError also names what is wrong with market files and strategies."""
        try:
            return self.settings()
        except ConfigError as error:
            raise ConfigError(self.problems()) from error

    def problems(self) -> tuple[Problem, ...]:
        """Everything that is wrong with settings, market files and strategies, in this order."""
        layers, _ = read_layers(self.folder, self.environ, self.overrides, KEYS)
        problems: list[Problem] = []
        try:
            self.settings()
        except ConfigError as error:
            problems += error.problems
        _, of_market = read_market(self.folder)
        # Where the settings are wrong, the strategies of the sound ones can be judged all the same.
        _, of_strategies = make_strategies(Settings.of(layers), self.folder)
        return (*problems, *of_market, *of_strategies, *driver_problems(Settings.of(layers)))

    def file_layer(self) -> Layer:
        """The sound values of the file alone."""
        layers, _ = read_layers(self.folder, self.environ, self.overrides, KEYS)
        return layers[-1]

    def signature(self) -> Signature | None:
        """Changes with every edit of the file, also one that puts another file in its place; None without a file."""
        try:
            status = (self.folder / FILE).stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


def read_market(folder: Path) -> tuple[Market | None, Sequence[Problem]]:
    """The market data files of `folder`, or what is wrong with them."""
    place = Path("config") / "market"
    try:
        return load_market(folder / place), ()
    except MarketDataFileError as error:
        return None, [
            Problem(place=f"{place / found.file}:{found.line or 1}", key=found.key, text=found.text)
            for found in error.problems
        ]


def make_strategies(settings: Settings, folder: Path) -> tuple[Sequence[Strategy], Sequence[Problem]]:
    """The strategies that can be made; and for each of the others its line and what is wrong. A relative path among
    the parameters begins at tradebot's folder."""
    made: list[Strategy] = []
    problems: list[Problem] = []
    for use in settings.strategies.use:
        try:
            made.append(load_strategy(use.name, _parameters(use, folder)))
        except StrategyNotLoaded as error:
            place = use.place if use.place != DEFAULT else settings.origins["strategies"]
            problems.append(Problem(place=place, text=str(error)))
    return made, problems


def notification_channels(settings: Settings) -> list[AppriseChannel]:
    """Raises ConfigError for addresses that are none; they are not named, since they hold secrets."""
    problems, channels = [], []
    for number, url in enumerate(settings.notifications.addresses, 1):
        try:
            channels.append(AppriseChannel(url))
        except ValueError as error:
            text = f"address {number}: {error}"
            problems.append(Problem(place=settings.origins["NOTIFY_URLS"], key="NOTIFY_URLS", text=text))
    if problems:
        raise ConfigError(problems)
    return channels


def channel_problems(settings: Settings) -> Sequence[Problem]:
    """Of the channels of a run that has any."""
    if not settings.notifications.enable_notifications or settings.run.mode == "replay":
        return ()
    try:
        notification_channels(settings)
    except ConfigError as error:
        return error.problems
    return ()


def driver_problems(settings: Settings) -> Sequence[Problem]:
    """The database's driver is not there."""
    if not settings.run.database_url.startswith("postgresql") or find_spec("psycopg") is not None:
        return ()
    said = "PostgreSQL needs the package psycopg, which is not installed: pip install 'psycopg[binary]'"
    return (Problem(place=settings.origins["database_url"], key="database_url", value="***", text=said),)


class SettingsFile:
    """`settings.json` of a session: every key with the value that counts, where it comes from and whether it is live,
    the hash of all values, and the edits that were accepted since the start. Secrets are masked.

    It is replaced whole at each edit, so that a reader finds the old or the new one. At most `CHANGES_MAX` edits are
    kept; `earlier_changes` says how many there were before these.
    """

    def __init__(self, disk: Disk, path: Path) -> None:
        self._disk = disk
        self._path = path
        self._changes: list[Mapping[str, object]] = []
        self._earlier = 0

    def begin(self, settings: Settings, at: datetime) -> None:
        """Raises SaveFailed, as `change` does."""
        self._write(settings, at)

    def change(self, settings: Settings, changes: Sequence[tuple[str, str, str]], at: datetime) -> None:
        """`changes` are (key, old, new) in the words of the file."""
        keys = {name: {"old": old, "new": new} for name, old, new in changes}
        self._changes.append({"at": at.isoformat(), "hash": settings.hash(), "keys": keys})
        if len(self._changes) > CHANGES_MAX:
            self._changes.pop(0)
            self._earlier += 1
        self._write(settings, at)

    def _write(self, settings: Settings, at: datetime) -> None:
        in_force = {
            name: {"value": value, "origin": origin, "live": KEYS.by_name[name].live}
            for name, (value, origin) in settings.effective().items()
        }
        content = {
            "at": at.isoformat(),
            "hash": settings.hash(),
            "settings": in_force,
            "earlier_changes": self._earlier,
            "changes": self._changes,
        }
        write_file(self._disk, self._path, json.dumps(content, indent=1).encode() + b"\n")


def _parameters(use: StrategyUse, folder: Path) -> dict[str, object]:
    parameters = dict(use.parameters)
    path = parameters.get("path")
    if isinstance(path, str):
        parameters["path"] = str(folder / path)
    return parameters
