"""A small shell that outlives us: when we are killed, it gives the terminal back in our place."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from dataclasses import dataclass

_WAIT_S = 2.0
# Its input is a pipe from us: a line is our farewell, an end without one means that we are gone. The screen comes
# first, so that what the shell says of our death is written to the right one.
_SCRIPT = """
trap '' HUP INT QUIT TERM TSTP TTIN TTOU
read -r farewell && exit 0
printf '%b' "$2"
stty "$1" <&1
"""


@dataclass(frozen=True, slots=True)
class Guardian:
    """Lives from `of` until `dismiss`, or until it has restored the terminal after our death."""

    process: subprocess.Popen[bytes]

    @classmethod
    def of(cls, path: str, leave: bytes) -> Guardian | None:
        """A guardian of the terminal as it is now; `leave` is written when we die. None on a system without a shell."""
        try:
            with open(path, "rb+", buffering=0, opener=_without_control) as terminal:
                saved = subprocess.run(
                    ["stty", "-g"], stdin=terminal, capture_output=True, check=True, timeout=_WAIT_S
                ).stdout.strip()
                process = subprocess.Popen(
                    ["sh", "-c", _SCRIPT, "tradebot-terminal", saved, leave.replace(b"\x1b", b"\\033")],
                    stdin=subprocess.PIPE,
                    stdout=terminal,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
        except (OSError, subprocess.SubprocessError):
            return None
        return cls(process)

    def dismiss(self) -> None:
        """The terminal is restored already: nothing is left to be done."""
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.write(b"bye\n")
            self.process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_WAIT_S)


def _without_control(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOCTTY)
