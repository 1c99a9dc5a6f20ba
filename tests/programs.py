"""`python -m tests.programs`: the programs beside Python that tests want, installed where it may, else named."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

WANTED = {
    "chromium": "the orders page in a browser",
    "jq": "the operator's commands on logs",
    "redis-server": "lookups in Redis",
    "strace": "kills at system calls",
    "tmux": "the dashboard in a real terminal",
}
"""By the name of program and Debian package alike: what its absence leaves out."""

REQUIRED = "TRADEBOT_TEST_PROGRAMS"
INSTALLS_WITHIN_S = 900.0


def main() -> int:
    """1 where they must be there and one is not."""
    missing = [name for name in WANTED if shutil.which(name) is None]
    is_required = os.environ.get(REQUIRED) == "required"
    if missing and is_required and os.geteuid() == 0 and shutil.which("apt-get") is not None:
        print(f"Installing for the tests: {', '.join(missing)} ...", flush=True)
        _install(missing)
        missing = [name for name in WANTED if shutil.which(name) is None]
    for name in missing:
        print(f"{name} is not here: {WANTED[name]} is not tested (on Debian: apt-get install {name})")
    return 1 if missing and is_required else 0


def _install(names: list[str]) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "--no-install-recommends", "--yes", *names]):
        done = subprocess.run(
            ["apt-get", "-qq", *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=INSTALLS_WITHIN_S,
            check=False,
        )
        if done.returncode != 0:
            print(done.stderr[-500:])


if __name__ == "__main__":
    sys.exit(main())
