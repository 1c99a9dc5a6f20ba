"""Each command of docs/runbook.md works as it stands there and prints what stands below it, in a copy of tradebot."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = {
    "tests/validate_terminal_ui.py": "✓ All validations PASSED",
    "tests/test_integration_order_flow.py": "✓ All integration tests passed!",
    "tests/test_performance_features.py": "✓ All performance tests passed!",
}
PATIENCE_S = 120.0
FAST, PACED = {"TRADEBOT_SPEED": "0"}, {"TRADEBOT_SPEED": "300"}
NO_MATCH = 1
"""Of grep, where nothing is found: the good case."""

_BLOCK = re.compile(
    r"^```sh\n(?P<command>.+?)\n```$(?:\n\n^```text\n(?P<printed>.+?)\n```$)?", re.MULTILINE | re.DOTALL
)
_PARTS = ("main.py", "alembic.ini", "pyproject.toml", "README.md")
_FOLDERS = ("benchmarks", "config", "docs", "migrations", "tests", "tradebot")

# The runbook's pkill reaches every process of the machine: here it may reach the one that the test has started.
_PKILL = """#!/bin/sh
[ "$1" = -SIGTERM ] && [ "$2" = -f ] || exit 2
tr '\\0' ' ' < "/proc/$ONLY_PID/cmdline" | grep -q -e "$3" && kill -TERM "$ONLY_PID"
"""


@dataclass(frozen=True, slots=True)
class Step:
    """A command, and the lines that it is said to print."""

    command: str
    printed: Sequence[str]

    def missing_in(self, output: str) -> list[str]:
        """The said lines that are not printed, in their order."""
        told = iter(output.splitlines())
        return [line for line in self.printed if not any(_pattern(line).fullmatch(found) for found in told)]


@dataclass(frozen=True, slots=True)
class Copy:
    """A folder as a clone has it, and how commands are run there."""

    folder: Path

    def run(self, command: str, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment(variables),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    @contextmanager
    def started(self, command: Sequence[str], variables: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
        """The command in the background, in a process group of its own that does not outlive this."""
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment(variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Ours without settings of whoever runs the tests; `python3` and `alembic` are those of this environment."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("TRADEBOT_", "PYTEST_"))}
        path = f"{self.folder / 'bin'}:{Path(sys.executable).parent}:{ours['PATH']}"
        return {**ours, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8", **variables}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    for tool in ("bash", "grep", "tail", "wc"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not there")
    folder = tmp_path_factory.mktemp("runbook") / "tradebot"
    folder.mkdir()
    for name in _PARTS:
        shutil.copy(ROOT / name, folder)
    for name in _FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "local.toml"))
    (folder / "bin").mkdir()
    pkill = folder / "bin" / "pkill"
    pkill.write_text(_PKILL)
    pkill.chmod(0o755)
    return Copy(folder)


def test_each_command_works_and_prints_what_is_said(copy: Copy) -> None:
    steps = _steps()

    assert len(steps) >= 12
    for step in steps:
        match step.command.split(" ")[0]:
            case "tail":
                _follow(copy, step)
            case "pkill":
                _restart(copy, step)
            case "grep":
                ended = copy.run(step.command, FAST)
                assert ended.returncode in (0, NO_MATCH), ended.stderr
                assert step.missing_in(ended.stdout) == [], ended.stdout
            case _:
                ended = copy.run(step.command, FAST)
                assert ended.returncode == 0, f"{step.command}\n{ended.stdout}\n{ended.stderr}"
                assert step.missing_in(ended.stdout) == [], ended.stdout
                if step.command.split(" ")[-1] in SCRIPTS:
                    assert ended.stdout.splitlines()[-1] == SCRIPTS[step.command.split(" ")[-1]]
    assert _revision(copy) == "c38b470b20d1", "the last command of the page"


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_failure_ends_with_1_and_without_the_good_word(script: str, copy: Copy) -> None:
    source = (copy.folder / script).read_text(encoding="utf-8")
    definition, run_itself = source.split('if __name__ == "__main__":')
    broken = copy.folder / "tests" / f"test_broken_{Path(script).name}"
    failing = "def test_broken() -> None:\n    raise AssertionError\n\n\n"
    only_it = run_itself.replace('"-q"', '"-q", "-k", "test_broken"')
    broken.write_text(f'{definition}{failing}if __name__ == "__main__":{only_it}', encoding="utf-8")

    ended = copy.run(f"python3 tests/{broken.name}", {})

    assert ended.returncode == 1
    assert "1 failed" in ended.stdout
    assert SCRIPTS[script] not in ended.stdout


def _steps() -> list[Step]:
    text = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    return [Step(found["command"], (found["printed"] or "").splitlines()) for found in _BLOCK.finditer(text)]


def _follow(copy: Copy, step: Step) -> None:
    """It never ends: its first line is compared."""
    with copy.started(["bash", "-c", step.command], {}) as process:
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], PATIENCE_S)[0]
        line = process.stdout.readline().rstrip("\n")
    assert step.missing_in(line) == []


def _restart(copy: Copy, step: Step) -> None:
    """Beside a tradebot that is in the middle of its day."""
    earlier = _logs(copy)
    with copy.started(["python3", "main.py"], PACED) as process:
        deadline = time.monotonic() + PATIENCE_S
        while not any("POSITION_OPENED" in log.read_text() for log in _logs(copy) - earlier):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert process.poll() is None
        ended = copy.run(step.command, {**FAST, "ONLY_PID": str(process.pid)})
        assert process.poll() == 0, "stopped in an orderly way, within the five seconds"
    assert ended.returncode == 0, ended.stderr
    assert step.missing_in(ended.stdout) == [], ended.stdout


def _logs(copy: Copy) -> set[Path]:
    return set((copy.folder / "logs").glob("*.jsonl"))


def _revision(copy: Copy) -> str:
    with closing(sqlite3.connect(copy.folder / "state" / "tradebot.db")) as connection:
        return str(connection.execute("select version_num from alembic_version").fetchone()[0])


def _pattern(line: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in line.split("…")))
