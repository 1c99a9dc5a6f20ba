"""How Python itself is set while the daemon runs: its garbage collector, and how its threads take turns."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

TURN_S = 0.0005
"""How long a thread goes on while another one waits for its turn. With Python's own 5 ms, an update in the hands of the
HTTP thread waits so long for an engine that is at work, at each send: half a millisecond halved its median and its
tail."""


COLLECT_AFTER = 20_000
"""How many objects must be new before the collector looks at them. At Python's own 700 it looked 263 times while the
modules were loaded, a tenth of the time, and 6 % of a replayed day's."""


def collect_seldom() -> None:
    """For every command, from its first line on."""
    _, *older = gc.get_threshold()
    gc.set_threshold(COLLECT_AFTER, *older)


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
def set_for_a_run() -> Iterator[None]:
    """Short turns; and what is there now stays, so that the collector leaves it alone. With 100,000 registry entries a
    full collection held every thread for 0.17 s, whatever an order was waiting for. It stays with what is rubbish by
    then, 2,000 objects of 125,000: to look for that first took 0.04 s of the start, and 0.1 s with 10,000 orders."""
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(TURN_S)
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        sys.setswitchinterval(before_s)
