"""Chance as a pure function of (seed, day, symbol, purpose, index): a hash, without any state of a stream."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from datetime import date
from statistics import NormalDist

STANDARD_NORMAL = NormalDist()


def uniforms(count: int, seed: int, day: date, symbol: str, purpose: str) -> Sequence[float]:
    """`count` numbers strictly between 0 and 1; the number at an index does not depend on `count`."""
    key = f"{seed}|{day.isoformat()}|{symbol}|{purpose}".encode()
    words = struct.unpack(f">{count}I", hashlib.shake_256(key).digest(4 * count))
    return [(word + 0.5) / 2**32 for word in words]


def normals(count: int, seed: int, day: date, symbol: str, purpose: str) -> Sequence[float]:
    """`count` draws of the standard normal distribution, at most about 6.3 away from 0."""
    inverse = STANDARD_NORMAL.inv_cdf
    return [inverse(uniform) for uniform in uniforms(count, seed, day, symbol, purpose)]
