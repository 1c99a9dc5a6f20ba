"""The places that a value can come from, each read into one layer: command line, environment, .env, the file."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from config.keys import PREFIX, Catalogue, Key
from config.kinds import StrategyUse, from_text, shown
from config.problems import Problem, nearest
from config.toml_places import BYTES_MAX, TomlText, TomlUnreadable, read_toml

FILE = Path("config") / "tradebot.toml"
DOTENV = Path(".env")
# What tests are told by the environment; nothing that trades reads it.
_TESTS_PREFIX = PREFIX + "TEST_"
_DOTENV_BYTES_MAX = 64 * 1024
_DOTENV_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)")
_PREFIX_LIKENESS = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A value that one place gives for a key, in the key's own type."""

    value: object
    origin: str
    place: str


Layer = Mapping[str, Given]


def read_layers(
    folder: Path, environ: Mapping[str, str], overrides: Mapping[str, object], keys: Catalogue
) -> tuple[list[Layer], list[Problem]]:
    """Highest first, each with its sound values by the keys' names; and everything that is wrong in any of them."""
    problems: list[Problem] = []
    layers: list[Layer] = [
        _overrides(overrides, keys, problems),
        _environment(environ, keys, problems),
        _dotenv(folder, keys, problems),
        _file(folder, keys, problems),
    ]
    return layers, problems


def _overrides(overrides: Mapping[str, object], keys: Catalogue, problems: list[Problem]) -> Layer:
    place = "command line"
    found = {}
    for name, value in overrides.items():
        key = keys.by_name.get(name)
        if key is None:
            near = nearest(name, keys.by_name)
            problems.append(Problem(place=place, key=name, text="is no key", nearest=near))
        elif given := _given(key, _typed(key, value), place, place, problems):
            found[name] = given
    return found


def _environment(environ: Mapping[str, str], keys: Catalogue, problems: list[Problem]) -> Layer:
    known = keys.variables()
    found = {}
    for variable, text in environ.items():
        if variable.startswith(_TESTS_PREFIX):
            continue
        if variable in known:
            key = known[variable]
            if given := _given(key, _typed(key, text), "environment", variable, problems):
                found[key.name] = given
        elif variable.upper().startswith(PREFIX) or _is_misspelt_prefix(variable, known):
            near = nearest(variable, known)
            problems.append(Problem(place="environment", key=variable, text="is no variable of tradebot", nearest=near))
    return found


def _is_misspelt_prefix(variable: str, known: Mapping[str, Key]) -> bool:
    """TRADBOT_MAX_POSITIONS: a known key behind what is nearly the prefix."""
    prefix, _, name = variable.partition("_")
    return PREFIX + name.upper() in known and nearest(prefix, [PREFIX.rstrip("_")], likeness=_PREFIX_LIKENESS) != ""


def _dotenv(folder: Path, keys: Catalogue, problems: list[Problem]) -> Layer:
    path = folder / DOTENV
    if not path.exists() and not path.is_symlink():
        return {}
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        with path.open("rb") as file:
            text = file.read(_DOTENV_BYTES_MAX + 1).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problems.append(Problem(place=str(DOTENV), text=f"cannot be read: {error}"))
        return {}
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        said = f"others may read or write it (mode {mode:04o}): `chmod 600 {DOTENV}`"
        problems.append(Problem(place=str(DOTENV), text=said))
    if len(text.encode()) > _DOTENV_BYTES_MAX:
        said = f"is larger than {_DOTENV_BYTES_MAX // 1024} KB"
        problems.append(Problem(place=str(DOTENV), text=said))
    return _dotenv_values(text, keys, problems)


def _dotenv_values(text: str, keys: Catalogue, problems: list[Problem]) -> Layer:
    known = keys.variables()
    found: dict[str, Given] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        place = f"{DOTENV}:{number}"
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = _DOTENV_LINE.fullmatch(line)
        value = _unquoted(match[2]) if match else None
        if match is None or value is None:
            # The line itself is not shown: what it was meant to be may be a secret.
            problems.append(Problem(place=place, text='must be NAME=value, NAME="value" or a comment'))
        elif match[1] not in known:
            near = nearest(match[1], known) or nearest(PREFIX + match[1], known)
            problems.append(Problem(place=place, key=match[1], text="is no variable of tradebot", nearest=near))
        elif known[match[1]].name in found:
            problems.append(Problem(place=place, key=match[1], text="is there twice"))
        elif given := _given(key := known[match[1]], _typed(key, value), str(DOTENV), place, problems):
            found[key.name] = given
    return found


def _unquoted(text: str) -> str | None:
    """The value without its quotes or the comment behind it; None where the quotes do not fit."""
    text = text.strip()
    if quoted := re.fullmatch(r"""(["'])(.*?)\1(?:\s+#.*)?""", text):
        return quoted[2]
    bare = re.sub(r"(^|\s+)#.*$", "", text)
    return None if bare[:1] in ('"', "'") else bare


def _file(folder: Path, keys: Catalogue, problems: list[Problem]) -> Layer:
    path = folder / FILE
    mend = f"`git checkout -- {FILE}` or `python3 -m config.reference > {FILE}` brings the default back"
    try:
        with path.open("rb") as file:
            toml = read_toml(file.read(BYTES_MAX + 1))
    except OSError as error:
        problems.append(Problem(place=str(path), text=f"cannot be read: {error.strerror}; {mend}"))
        return {}
    except TomlUnreadable as error:
        problems.append(Problem(place=f"{FILE}:{error.line}:{error.column}", text=f"{error}; {mend}"))
        return {}
    sections = keys.sections()
    found: dict[str, Given] = {}
    for name, table in toml.values.items():
        if name not in sections:
            near = _nearest_section(name, table, keys)
            said = "is no section" if isinstance(table, dict) else "is no key outside of a section"
            problems.append(Problem(place=f"{FILE}:{toml.line(name)}", key=name, text=said, nearest=near))
        elif not isinstance(table, dict):
            said = f"must be a section: [{name}]"
            problems.append(Problem(place=f"{FILE}:{toml.line(name)}", key=name, value=shown(table), text=said))
        else:
            found |= _section(name, table, toml, keys, problems)
    return found


def _nearest_section(name: str, value: object, keys: Catalogue) -> str:
    near = nearest(name, keys.sections()) if isinstance(value, dict) else ""
    return f"[{near}]" if near else _elsewhere(name, keys)


def _section(
    name: str, table: Mapping[str, object], toml: TomlText, keys: Catalogue, problems: list[Problem]
) -> dict[str, Given]:
    known = keys.sections()[name]
    found: dict[str, Given] = {}
    for in_file, value in table.items():
        place = f"{FILE}:{toml.line(name, in_file)}"
        if in_file not in known:
            near = _nearest_key(in_file, name, keys)
            problems.append(Problem(place=place, key=in_file, text=f"is no key of [{name}]", nearest=near))
            continue
        key = known[in_file]
        if given := _given(key, value, place, place, problems):
            found[key.name] = _with_places(given, name, in_file, toml)
    return found


def _nearest_key(name: str, section: str, keys: Catalogue) -> str:
    """A key of another section where it is spelt right, else the nearest of this section, else of any."""
    if name in keys.by_name:
        return _elsewhere(name, keys)
    return nearest(name, keys.sections()[section]) or _elsewhere(name, keys)


def _elsewhere(name: str, keys: Catalogue) -> str:
    key = keys.by_name.get(nearest(name, keys.by_name))
    return f"{key.in_file} in [{key.section}]" if key else ""


def _with_places(given: Given, section: str, in_file: str, toml: TomlText) -> Given:
    """Strategies each know their own line: what is wrong with one is found only when it is made."""
    if not isinstance(given.value, tuple):
        return given
    uses = tuple(
        replace(use, place=f"{FILE}:{toml.line(section, in_file, number)}")
        for number, use in enumerate(given.value)
        if isinstance(use, StrategyUse)
    )
    return replace(given, value=uses)


def _typed(key: Key, value: object) -> object:
    return from_text(value) if isinstance(value, str) and not key.is_text else value


def _given(key: Key, value: object, origin: str, place: str, problems: list[Problem]) -> Given | None:
    try:
        return Given(value=key.read(value), origin=origin, place=place)
    except ValueError:
        said = f"is not allowed; it must be {key.allowed}"
        problems.append(
            Problem(place=place, key=key.name, value=key.shown(value), text=said, nearest=_nearest_word(key, value))
        )
        return None


def _nearest_word(key: Key, value: object) -> str:
    words = re.findall(r'"(\w+)"', key.allowed) if isinstance(value, str) else []
    return nearest(str(value), words)
