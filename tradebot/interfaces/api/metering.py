"""What is counted about requests and the stream, and who counts when nobody wants figures."""

from __future__ import annotations

from typing import Protocol


class Meter(Protocol):
    """Endpoints are patterns, never paths with ids in them."""

    def request(self, endpoint: str, method: str, status: int, took_s: float) -> None: ...

    def clients(self, count: int) -> None: ...

    def connection(self, took_s: float) -> None: ...

    def update(self, latency_s: float) -> None: ...


class NoMeter:
    """Counts nothing."""

    def request(self, endpoint: str, method: str, status: int, took_s: float) -> None:
        """A request was answered."""

    def clients(self, count: int) -> None:
        """So many listen to the stream now."""

    def connection(self, took_s: float) -> None:
        """A connection of the stream is over."""

    def update(self, latency_s: float) -> None:
        """From the commit to the queues of all subscribers."""
