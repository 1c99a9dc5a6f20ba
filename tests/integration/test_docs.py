"""The commands of README.md and docs/operating.md do what they are said to do: each is run in a copy of tradebot."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "docs/operating.md"]
COMMANDS = "sh"
OTHER_BLOCKS = {"text"}
RUNS_US = {"make test"}
"""What runs these tests is not run by them."""

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EVENT_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d IST  ")
_TOOLS = ("jq", "sqlite3")
_PARTS = ("main.py", "alembic.ini", "Makefile", "requirements.txt", "requirements.lock", "pyproject.toml")
_FOLDERS = ("config", "migrations", "setup", "tradebot")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of commands of a page."""

    place: str
    script: str

    @property
    def tools(self) -> Sequence[str]:
        """What it needs beside tradebot."""
        return [tool for tool in _TOOLS if re.search(rf"^{tool} ", self.script, re.MULTILINE)]


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_work_one_after_the_other(page: str, tmp_path: Path) -> None:
    home, told, left_out = _a_copy(tmp_path / "tradebot"), [], []
    for block in _blocks(page):
        missing = [tool for tool in block.tools if shutil.which(tool) is None]
        if missing:
            left_out.append(f"{block.place} needs {', '.join(missing)}")
            continue
        done = _run(block.script, home)
        assert done.returncode == 0, f"{block.place}:\n{block.script}\n{done.stdout}\n{done.stderr}"
        assert done.stdout, f"{block.place} says nothing:\n{block.script}"
        told += done.stdout.splitlines()
    assert [line for line in _shown_events(page) if line not in told] == []
    _assert_documented_files(home)
    if left_out:
        pytest.skip("; ".join(left_out))


@pytest.mark.parametrize("page", PAGES)
def test_every_block_says_what_it_is(page: str) -> None:
    kinds = {kind for kind, _ in _BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))}

    assert COMMANDS in kinds
    assert kinds <= {COMMANDS, *OTHER_BLOCKS}


def _shown_events(page: str) -> Sequence[str]:
    """The lines of a run that a page shows."""
    text = (ROOT / page).read_text(encoding="utf-8")
    shown = [line for kind, block in _BLOCK.findall(text) if kind == "text" for line in block.splitlines()]
    return [line for line in shown if _EVENT_LINE.match(line)]


def _blocks(page: str) -> Sequence[Block]:
    """The commands of a page in their order; a replay that would take real time goes as fast as it can."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = []
    for found in _BLOCK.finditer(text):
        if found[1] != COMMANDS:
            continue
        lines = [line for line in found[2].splitlines() if line not in RUNS_US]
        script = re.sub(r"--speed [1-9]\d*", "--speed 0", "\n".join(lines))
        blocks.append(Block(f"{page}:{text[: found.start()].count(chr(10)) + 1}", script))
    return blocks


def _a_copy(folder: Path) -> Path:
    """A folder as a clone has it after the first `make`; its environment is the one that runs the tests."""
    folder.mkdir()
    for name in _PARTS:
        shutil.copy(ROOT / name, folder)
    for name in _FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__", "local.toml")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    venv = folder / ".venv"
    venv.mkdir()
    for path in Path(sys.prefix).iterdir():
        if path.name != "installed.lock":
            (venv / path.name).symlink_to(path)
    # `make` builds the environment anew when this differs from the lock.
    shutil.copy(ROOT / "requirements.lock", venv / "installed.lock")
    return folder


def _run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-eu", "-c", script],
        cwd=folder,
        env={**_environment(), "TRADEBOT_SPEED": "0", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def _environment() -> Mapping[str, str]:
    left_out = ("TRADEBOT_", "MAKE", "MFLAGS", "PYTHON")
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)}


def _assert_documented_files(home: Path) -> None:
    """The files of a home that docs/operating.md lists are there, and no others."""
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    named = {path.rstrip("/") for path in re.findall(r"`(state/[\w./-]+)`", page)}
    passing = {"state/lock.holder", "state/tradebot.db-wal", "state/tradebot.db-shm"}
    found = {f"state/{path.name}" for path in (home / "state").iterdir()}

    assert found <= named | passing
    assert {"state/tradebot.db", "state/coid_registry.json", "state/coid_registry.journal", "state/exchange"} <= found
    assert len(list((home / "logs").glob("*.jsonl"))) == 1
    of_session = re.search(r"^\| `sessions/` \|(.*)$", page, re.MULTILINE)
    assert of_session is not None
    for session in (home / "sessions").iterdir():
        assert {path.name for path in session.iterdir()} <= set(re.findall(r"`([\w.]+)`", of_session[1]))
