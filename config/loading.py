"""Reads the operator's settings from all their places and checks them as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from config.checks import CHECKS, Check, is_broken
from config.kinds import in_file
from config.layers import DOTENV, Given, Layer, read_layers
from config.problems import ConfigError, Problem
from config.settings import DEFAULT, KEYS, Settings

_MAY_HOLD_SECRETS = (str(DOTENV), "environment")


def load_settings(
    folder: Path, environ: Mapping[str, str], overrides: Mapping[str, object] = MappingProxyType({})
) -> Settings:
    """The settings of the tradebot in `folder`: command line over environment over .env over file over default.

    `overrides` are the command line's, by the keys' names; a text is read like a variable's. Reads
    config/tradebot.toml and .env below `folder`, and nothing of the process. Raises ConfigError with everything that
    is wrong in all places, those included that a higher one covers.
    """
    layers, problems = read_layers(folder, environ, overrides, KEYS)
    wrong = {problem.key for problem in problems if problem.key}
    settings = Settings.of(layers)
    givens = {name: given for layer in reversed(layers) for name, given in layer.items()}
    # Nothing is said about a key that is wrong by itself: its default only stands in for it.
    checks = [check for check in CHECKS if wrong.isdisjoint(check.keys) and check.only_with not in wrong]
    problems += [_broken(check, settings, givens) for check in checks if is_broken(check, settings)]
    problems += _open_passwords(layers)
    if settings.replay.data and not (folder / settings.replay.data).exists():
        problems.append(_problem("data", settings, givens, f"is not there; it must be {KEYS.by_name['data'].allowed}"))
    if problems:
        raise ConfigError(problems)
    return settings


def _broken(check: Check, settings: Settings, givens: Mapping[str, Given]) -> Problem:
    name, *others = check.keys
    facts = ", ".join(f"{other} is {_seen(other, settings)} ({settings.origins[other]})" for other in others)
    given = next((givens[key] for key in check.keys if key in givens), None)
    problem = _problem(name, settings, givens, f"must be {check.rule}; {facts}")
    return problem if name in givens or given is None else replace(problem, place=given.place)


def _seen(name: str, settings: Settings) -> str:
    return KEYS.by_name[name].masked(in_file(settings.value(name)))


def _problem(name: str, settings: Settings, givens: Mapping[str, Given], text: str) -> Problem:
    place = givens[name].place if name in givens else DEFAULT
    return Problem(place=place, key=name, value=KEYS.by_name[name].shown(settings.value(name)), text=text)


def _open_passwords(layers: list[Layer]) -> list[Problem]:
    """A password in a file that is committed, or in a command line that every user of the machine can see."""
    return [
        Problem(place=given.place, key=name, value="***", text=f"a password belongs into {DOTENV}")
        for layer in layers
        for name, given in layer.items()
        if given.origin not in _MAY_HOLD_SECRETS and KEYS.by_name[name].secrets_in(str(given.value))
    ]
