"""Where chance comes from: a function of what it is about in a replay, the machine elsewhere."""

from __future__ import annotations

import hashlib
import os

_BYTES = 16


class SeededChance:
    """The same answer to the same question, for ever: nothing of it is a stream that a restart could lose."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def number(self, *about: str) -> int:
        text = "\x1f".join((str(self._seed), *about))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=_BYTES).digest(), "big")


class MachineChance:
    """The operating system's randomness; another answer each time."""

    def number(self, *about: str) -> int:  # noqa: ARG002 (the port's)
        return int.from_bytes(os.urandom(_BYTES), "big")
