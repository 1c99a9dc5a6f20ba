"""The end of memory: each of its faces is known, and nothing else is taken for it."""

from __future__ import annotations

import errno

import pytest

from tradebot.cli.exit_codes import ExitCode, exit_code
from tradebot.cli.out_of_memory import is_out_of_memory


def beneath(cause: Exception) -> Exception:
    error = RuntimeError("something above it")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("can't start new thread"),
        ImportError("x.so: failed to map segment from shared object"),
        ImportError("x.so: cannot allocate memory in static TLS block"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        beneath(MemoryError()),
    ],
)
def test_its_faces_have_one_exit_code(error: Exception) -> None:
    assert exit_code(error) is ExitCode.MEMORY


@pytest.mark.parametrize(
    "error", [RuntimeError("can't start"), ImportError("no module x"), OSError(errno.ENOSPC, "full"), ValueError()]
)
def test_nothing_else_is_taken_for_it(error: Exception) -> None:
    assert not is_out_of_memory(error)
