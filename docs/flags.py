"""The table of flags and settings: from the keys' declarations, and from the tests that are marked with a flag."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from config.flags import MASTER
from config.keys import Key
from config.kinds import grouped
from config.settings import KEYS
from tradebot.domain.policy import GuardMode

TESTS = Path(__file__).parents[1] / "tests"

_INTRODUCTION = f"""\
# Flags and settings

Made from the code by `python -m docs.generate`; not to be edited by hand. The operator edits `config/tradebot.toml`
([configuration.md](configuration.md) says who wins and how an edit is taken up); `main.py config show` tells what is in
force and where it comes from.

A flag under the master counts only while `{MASTER}` is on: the value in force is the flag AND the master. It is shown
at the start (`FLAGS_IN_FORCE`), in the terminal, in `settings.json` of each session's folder and by
`main.py config show`. Risk limits, saving before sending, `OBSERVE_ONLY`, HTTP, notifications and metrics do not depend
on it. A guard's flag is `true`, `false` or `"shadow"`: it judges and logs, and does not block.

*live*: an edit counts within about two seconds, with the next thing that happens. *restart*: it is told as
`CONFIG_NOT_APPLIED`, and counts from the next start on.

## Flags

Each flag changes what tradebot does in a way that a test sees, on and off: the tests named here carry the marker
`@pytest.mark.flag("NAME")`, and a test fails when a flag has none.
"""


def flags_page() -> str:
    """docs/FEATURE_FLAGS.md."""
    marked = marked_tests(TESTS)
    lines = [
        _INTRODUCTION,
        "| flag | default | under the master | change | effect | tests |",
        "|---|---|---|---|---|---|",
        *(_flag_row(key, marked.get(key.name, ())) for key in switches()),
        "",
        "## Settings",
        "",
        "| setting | section | default | allowed | change | effect |",
        "|---|---|---|---|---|---|",
        *(_setting_row(key) for key in KEYS if not is_switch(key)),
        "",
    ]
    return "\n".join(lines)


def is_switch(key: Key) -> bool:
    return isinstance(key.default, bool | GuardMode)


def switches() -> Iterator[Key]:
    return (key for key in KEYS if is_switch(key))


def marked_tests(folder: Path) -> Mapping[str, tuple[str, ...]]:
    """By flag, the files below the folder with tests that carry its marker."""
    found: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "mark.flag(" not in text:
            continue
        for name in _marked_flags(ast.parse(text)):
            found.setdefault(name, set()).add(path.relative_to(folder.parent).as_posix())
    return {name: tuple(sorted(paths)) for name, paths in found.items()}


def _marked_flags(tree: ast.Module) -> Iterator[str]:
    """Of decorators and of a module's `pytestmark`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.flag":
            yield from (argument.value for argument in node.args if isinstance(argument, ast.Constant))  # type: ignore[misc]


def _flag_row(key: Key, tests: tuple[str, ...]) -> str:
    links = ", ".join(f"[{Path(path).name}](../{path})" for path in tests)
    master = "yes" if key.under_master else ""
    return (
        f"| `{key.name}` | `{grouped(key.default)}` | {master} | {_change(key)} | {key.meaning} | {links or 'none'} |"
    )


def _setting_row(key: Key) -> str:
    cells = (f"`{key.name}`", f"[{key.section}]", f"`{grouped(key.default)}`", key.allowed, _change(key), key.meaning)
    return f"| {' | '.join(cells)} |"


def _change(key: Key) -> str:
    return "live" if key.live else "restart"
