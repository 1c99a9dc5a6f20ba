"""Folders with a configuration in them, made from the delivered file and what a test changes in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from config import ConfigError, Problem
from config.keys import Key
from config.loading import load_settings

ROOT = Path(__file__).parents[3]
DELIVERED = (ROOT / "config" / "tradebot.toml").read_text(encoding="utf-8")


def a_home(folder: Path, text: str = DELIVERED, *, dotenv: str | None = None, mode: int = 0o600) -> Path:
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config" / "tradebot.toml").write_text(text, encoding="utf-8")
    if dotenv is not None:
        (folder / ".env").write_text(dotenv, encoding="utf-8")
        (folder / ".env").chmod(mode)
    return folder


def with_line(key: Key, line: str, text: str = DELIVERED) -> str:
    """The file with the line of one key replaced."""
    changed, count = _line_of(key).subn(lambda _: line, text)
    assert count == 1, key.name
    return changed


def with_value(key: Key, value: str, text: str = DELIVERED) -> str:
    return with_line(key, f"{key.in_file} = {value}", text)


def place_of(key: Key, text: str = DELIVERED) -> str:
    found = _line_of(key).search(text)
    assert found is not None
    return f"config/tradebot.toml:{text[: found.start()].count(chr(10)) + 1}"


def problems_of(
    home: Path, environ: Mapping[str, str] | None = None, overrides: Mapping[str, object] | None = None
) -> tuple[Problem, ...]:
    """What `load_settings` finds wrong; nothing where it finds the folder sound."""
    try:
        load_settings(home, environ or {}, overrides or {})
    except ConfigError as error:
        return error.problems
    return ()


def _line_of(key: Key) -> re.Pattern[str]:
    return re.compile(rf"^{re.escape(key.in_file)} = .*$", re.MULTILINE)
