"""Chance as a pure function of what it is asked about: no stream, no state, the same answer in any order."""

from __future__ import annotations

import hashlib


def draw(*about: object) -> bytes:
    """32 bytes of chance for these words and numbers."""
    return hashlib.blake2b("\x1f".join(map(str, about)).encode(), digest_size=32).digest()


def draw_below(bound: int, *about: object) -> int:
    """A whole number from 0 to `bound` - 1."""
    return int.from_bytes(draw(*about)[:8], "big") % bound
