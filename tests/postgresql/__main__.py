"""`python -m tests.postgresql`: sees that there is a server to test against, installs one where it may, says which."""

from __future__ import annotations

import os
import sys

from tests.postgresql import programs, server


def main() -> int:
    """1 where the tests must have one and there is none; without that, their tests are skipped and say so."""
    if os.environ.get(server.URL_VARIABLE) or programs.find() is not None:
        return 0
    sys.stdout.write("PostgreSQL is not here: installing one for the tests ...\n")
    try:
        sys.stdout.write(f"PostgreSQL for the tests: {programs.install()}\n")
    except programs.NoServer as problem:
        sys.stdout.write(f"the tests on PostgreSQL are skipped, there is none: {problem}\n")
        return 1 if programs.is_required() else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
