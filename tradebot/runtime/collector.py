"""Python's garbage collector and what stays for a whole run: it would walk all of that again and again, for nothing."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """While much is loaded that stays: collecting was a third of the time of a full registry."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def long_lived() -> Iterator[None]:
    """What is there now stays until the end. With 100,000 registry entries a full collection held every thread for
    0.17 s, whatever an order was waiting for."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
