"""`main.py kill|release`: the latch alone, so that it works while the daemon is stuck, or is not there."""

from __future__ import annotations

import argparse
import sys

from tradebot.adapters.kill_latch import FileLatch
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.cli.exit_codes import ExitCode
from tradebot.domain.kill import KillMode, Latch


def kill(options: argparse.Namespace) -> int:
    """No entry goes out once this has printed its line."""
    mode = KillMode(options.mode)
    try:
        _latch(options).latch(Latch(mode=mode, reason=options.reason, at=RealClock().now()))
    except OSError as cause:
        if _latch(options).read() is not None:
            print("tradebot: entries are stopped, and nothing more than that", file=sys.stderr)
        return _failed(cause)
    print(f"killed: {mode}; no entry goes out until `main.py release`")
    return ExitCode.OK


def release(options: argparse.Namespace) -> int:
    """Entries go on."""
    latch = _latch(options)
    if latch.read() is None:
        print("the kill switch was not latched")
        return ExitCode.OK
    try:
        latch.release()
    except OSError as cause:
        return _failed(cause)
    print("released: entries go on")
    return ExitCode.OK


def _latch(options: argparse.Namespace) -> FileLatch:
    return FileLatch(options.home.absolute() / "state")


def _failed(cause: OSError) -> int:
    print(f"tradebot: the latch could not be changed: {cause}", file=sys.stderr)
    return ExitCode.FOLDER
