"""Who counts requests when nobody wants figures."""

from __future__ import annotations


class NoMeter:
    """Counts nothing."""

    def request(self, endpoint: str, method: str, status: int, took_s: float) -> None:
        """For `tracing.RequestMeter`."""
