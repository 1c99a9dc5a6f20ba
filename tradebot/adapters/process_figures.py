"""What the operating system says about this process: memory, and how busy it and one of its threads are."""

from __future__ import annotations

import threading
from decimal import Decimal

import psutil

from tradebot.ports import Clock

_MEGABYTE = 1024 * 1024


class ProcessFigures:
    """`cpu_pct` and `thread_pct` are shares of one processor since the last time they were asked for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._process = psutil.Process()
        self._cpu = _Share(clock)
        self._threads: dict[str, _Share] = {}

    def memory_mb(self) -> Decimal:
        return _rounded(self._process.memory_info().rss / _MEGABYTE)

    def cpu_pct(self) -> Decimal:
        times = self._process.cpu_times()
        return self._cpu.since_last(times.user + times.system)

    def thread_pct(self, name: str) -> Decimal | None:
        """None where no thread of this name runs."""
        ids = {thread.native_id for thread in threading.enumerate() if thread.name == name}
        used = [one.user_time + one.system_time for one in self._process.threads() if one.id in ids]
        if not used:
            return None
        return self._threads.setdefault(name, _Share(self._clock)).since_last(sum(used))


class _Share:
    """Processor time over real time, between two askings."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked: tuple[float, float] | None = None

    def since_last(self, used_s: float) -> Decimal:
        now, before = self._clock.monotonic(), self._asked
        self._asked = (now, used_s)
        if before is None or now <= before[0]:
            return Decimal(0)
        return _rounded((used_s - before[1]) / (now - before[0]) * 100)


def _rounded(value: float) -> Decimal:
    return Decimal(str(round(value, 1)))
