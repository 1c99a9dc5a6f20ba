"""Makes what people read about the keys: config/tradebot.toml, .env.example and docs/configuration.md.

`python3 -m config.reference` prints the first as it is delivered; with `variables` or `page` the others.
"""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from config.checks import CHECKS, Check, is_broken
from config.keys import Key
from config.kinds import StrategyUse, grouped, in_file
from config.layers import Given
from config.settings import DEFAULT, KEYS, Settings

_WIDTH = 110
_POSTGRESQL = "postgresql+psycopg://tradebot:PASSWORD@localhost:5432/tradebot"

_INTRODUCTION = """\
# Configuration

The operator edits `config/tradebot.toml`. This page is made from the code (`python3 -m config.reference page`), and so
is the file as it is delivered (`python3 -m config.reference`).

- **Who wins**: the command line, then environment variables, then `.env`, then the file, then the default.
- **Variables**: `TRADEBOT_` and the key in upper case, without its section: `TRADEBOT_MAX_POSITIONS=4`,
  `TRADEBOT_SPEED=0`. A value is written as in the file, and quotes may be left out:
  `TRADEBOT_ENABLE_DEPTH_GUARD_ENTRY=shadow`. The only nested key is the list of strategies, as one line of TOML:
  `TRADEBOT_STRATEGIES='[{ name = "dip" }, { name = "generator", signals_per_day = 12 }]'`. Variables that begin with
  `TRADEBOT_TEST_` are for the tests.
- **`.env`** in tradebot's folder holds lines `TRADEBOT_...=value` and comments; `.env.example` has them all. Others
  must not be able to read it: `chmod 600 .env`. A password stands there or in the environment, and nowhere else; it is
  never shown.
- **Exact types**: `true` is not `1`, `"5"` is not `5`. Money, percentages and the like are numbers with at most two
  decimals, bare or as a text; they are never binary floats.
- **Nothing is guessed.** All problems of all places are named at once, each with its line or variable, what is allowed,
  and the nearest right name for a mistyped one; a wrong value counts even where a higher place covers it. A key that
  the file does not have takes its default; a file that is not there, or is empty, is an error.
- **live**: a change counts at once; all others need a restart.

## While it runs

The file is looked at every second of real time and read when it has stayed the same for one look: an edit counts after
about two seconds, with the next thing that happens. `.env` is read again with it; the environment and the command line
are those of the start.

- A valid edit of live keys is logged as `CONFIG_CHANGED`, one line for each key with its old and its new value.
- A key that needs a restart, or that the command line, the environment or `.env` pins, is logged as
  `CONFIG_NOT_APPLIED`, once for each edit; the value in force stays.
- An edit with anything wrong in it is logged as `CONFIG_REFUSED` with all problems, and all old values stay. So is one
  that makes no sense beside a value that stays until a restart.
- In the log, flags stand without `ENABLE_` and in lower case: `spread_guard_entry`.
- `settings.json` in the session's folder has every key with the value in force, where it comes from, the hash of all
  values, and the edits that were accepted.

## Checking

- `main.py config check` names everything that is wrong with the settings, the market data files in `config/market/`
  and the strategies, and ends with 78; or it says `Configuration is valid`. A start makes the same check. A new
  strategy is not tried while tradebot runs: check it before the restart.
- `main.py config show` shows every key with its value, where it comes from, and whether it is live.

`python3 -c "import config; config.validate_config_schema(); print('Config validation: PASSED')"` checks the
settings and the market data files, and starts nothing.
"""


def default_file() -> str:
    """config/tradebot.toml with every key at its default."""
    lines = _comment(
        "What the operator of tradebot may set, each key with its default; docs/configuration.md has them in tables. "
        "`python3 -m config.reference` prints this file as it is delivered.",
        "The command line wins over environment variables, these over .env, that over this file. A key's variable is "
        "TRADEBOT_ and the key in upper case: TRADEBOT_MAX_POSITIONS=4, TRADEBOT_SPEED=0. Passwords belong into .env.",
        "A change of a key that is live counts at once; the others need a restart.",
    )
    for section, keys in KEYS.sections().items():
        lines += [*([""] if lines[-1] else []), *_comment(*_paragraphs(section))]
        lines += _strategies(keys["use"]) if "use" in keys else [f"[{section}]", *_entries(keys)]
    return "\n".join(lines).rstrip() + "\n"


def example_variables() -> str:
    """.env.example: every variable at its default, switched off; first the one that may hold a password."""
    lines = _comment(
        "Copy this file to .env and `chmod 600 .env`: passwords belong here, and what differs from machine to machine. "
        "Every line is NAME=value; docs/configuration.md says what each one means.",
    )
    lines += ["", f'# TRADEBOT_DATABASE_URL="{_POSTGRESQL}"', ""]
    return "\n".join([*lines, *(f"# {key.variable}={in_variable(key.default)}" for key in KEYS)]) + "\n"


def page() -> str:
    """docs/configuration.md."""
    parts = [_INTRODUCTION]
    for section, keys in KEYS.sections().items():
        parts.append("\n".join([f"## [{section}]", "", *_paragraphs(section), "", *_table(keys)]) + "\n")
    rules = [f"- {_rule_sentence(check)}." for check in CHECKS]
    parts.append("\n".join(["## Rules between keys", "", *rules]) + "\n")
    scaled = [f"- {_scaled_sentence(key)}." for key in KEYS if in_range_when_scaled(key)]
    words = "A value with a digit too many or too few is refused, except for these, where it can be meant:"
    parts.append("\n".join(["## Ten times more, ten times less", "", words, "", *scaled]) + "\n")
    return "\n".join(parts)


def in_variable(value: object) -> str:
    """The value as a variable's text."""
    text = in_file(value)
    return text[1:-1] if text.startswith('"') else text


def in_range_when_scaled(key: Key) -> tuple[Decimal, ...]:
    """Which of the tenth and the tenfold of its default a number may take, every other key being at its default."""
    if isinstance(key.default, bool) or not isinstance(key.default, int | Decimal) or not key.default:
        return ()
    return tuple(value for factor in ("0.1", "10") if _is_allowed(key, value := key.default * Decimal(factor)))


def _is_allowed(key: Key, value: Decimal) -> bool:
    try:
        read = key.read(value if isinstance(key.default, Decimal) or value % 1 else int(value))
    except ValueError:
        return False
    settings = Settings.of([{key.name: Given(value=read, origin=DEFAULT, place=DEFAULT)}])
    return not any(is_broken(check, settings) for check in CHECKS)


def _rule_sentence(check: Check) -> str:
    when = f"while {check.only_with} is on, " if check.only_with else ""
    return f"{when}`{check.keys[0]}` must be {check.rule}"


def _scaled_sentence(key: Key) -> str:
    values = " and ".join(in_file(value) for value in in_range_when_scaled(key))
    return f"`{key.name}`: {values} beside the default {in_file(key.default)}"


def _paragraphs(section: str) -> list[str]:
    model = Settings.model_fields[section].annotation
    return (inspect.getdoc(model) or "").split("\n\n")


def _entries(keys: Mapping[str, Key]) -> Iterator[str]:
    for name, key in keys.items():
        yield from _comment(key.meaning, f"allowed: {key.allowed}{'; live' if key.live else ''}")
        yield f"{name} = {grouped(key.default)}"
        yield ""


def _strategies(key: Key) -> Iterator[str]:
    yield from _comment(f"allowed: {key.allowed}")
    assert isinstance(key.default, tuple)
    for use in key.default:
        assert isinstance(use, StrategyUse)
        yield "[[strategies.use]]"
        yield f"name = {in_file(use.name)}"
        yield from (f"{name} = {in_file(value)}" for name, value in use.parameters)
        yield ""


def _comment(*paragraphs: str) -> list[str]:
    return [f"# {line}" for text in paragraphs for line in textwrap.wrap(text, _WIDTH - 2)]


def _table(keys: Mapping[str, Key]) -> Iterator[str]:
    yield "| key | default | allowed | live | meaning |"
    yield "|---|---|---|---|---|"
    for name, key in keys.items():
        cells = (f"`{name}`", f"`{grouped(key.default)}`", key.allowed, "live" if key.live else "", key.meaning)
        yield f"| {' | '.join(cells)} |"


_DOCUMENTS: Mapping[str, Callable[[], str]] = {"file": default_file, "variables": example_variables, "page": page}

if __name__ == "__main__":
    if len(sys.argv) > 2 or (sys.argv[1:] and sys.argv[1] not in _DOCUMENTS):
        sys.exit(f"usage: python3 -m config.reference [{'|'.join(_DOCUMENTS)}]")
    sys.stdout.write(_DOCUMENTS[sys.argv[1] if sys.argv[1:] else "file"]())
