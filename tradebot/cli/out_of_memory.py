"""How the end of memory shows itself, and what is said of it: with nothing to import, since that takes memory too."""

from __future__ import annotations

import errno

OUT_OF_MEMORY = 71
"""The exit code; sysexits.h has it for what the system does not give."""

OUT_OF_MEMORY_WORDS = (
    "the system gives no more memory. Nothing that was told is lost, and the next start looks up what was open. Give"
    " the process more (`ulimit -v`, `ulimit -d`, the limit of its service or container), then start it again"
)


def is_out_of_memory(error: BaseException | None) -> bool:
    """Also where a thread, a library or a file cannot be had for want of it; and where that is what lies beneath."""
    match error:
        case None:
            return False
        case MemoryError():
            return True
        case RuntimeError() if "can't start new thread" in str(error):
            return True
        case ImportError() if "failed to map segment" in str(error) or "cannot allocate memory" in str(error).lower():
            return True
        case OSError() if error.errno == errno.ENOMEM:
            return True
        case _:
            return is_out_of_memory(error.__cause__)
