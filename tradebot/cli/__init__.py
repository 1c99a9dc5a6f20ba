"""The command line: reads what is asked for, runs it, and turns each way it can end into an exit code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

from tradebot.cli.out_of_memory import OUT_OF_MEMORY, OUT_OF_MEMORY_WORDS, is_out_of_memory
from tradebot.cli.parser import parse
from tradebot.runtime.interpreter import collect_seldom

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns one of `exit_codes.ExitCode`."""
    collect_seldom()
    options = parse(arguments)
    try:
        code: int = options.command(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has gone (`| head`): that is no failure, and nobody is there to be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        # Ctrl-C before the run has its own handler: the shell is told by the signal itself, and nobody needs a trace.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
        return 0
    except Exception as error:
        if is_out_of_memory(error):
            print(f"tradebot: {OUT_OF_MEMORY_WORDS}", file=sys.stderr)
            return OUT_OF_MEMORY
        from tradebot.cli.exit_codes import ExitCode, exit_code

        code = exit_code(error)
        if code == ExitCode.CRASH:
            raise
        print(f"tradebot: {_in_words(error)}", file=sys.stderr)
    return code


def _in_words(error: Exception) -> str:
    """What the system refused, without its number."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)
