"""Which time it is at an exchange process that stands in for a broker (docs/exchange-process.md)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tradebot.adapters.brokers.http import Http, Request
from tradebot.domain.errors import BrokerUnavailable
from tradebot.ports import Clock

_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeTime:
    """`offset` is how far its clock is ahead of the machine's, `rate` how much faster it runs; `kind` is its own word:
    real, scaled or driven."""

    kind: str
    offset: timedelta
    rate: float


def ask_time(url: str, http: Http, clock: Clock) -> ExchangeTime:
    """Raises BrokerUnavailable when no exchange answers there."""
    began = clock.monotonic()
    answer = http.call(Request(method="GET", url=f"{url}/admin"))
    took = timedelta(seconds=clock.monotonic() - began)
    if answer.status != _OK:
        raise BrokerUnavailable(f"{url} is no exchange process: HTTP {answer.status}")
    state = answer.json()
    at = datetime.fromisoformat(state["now"]) + took / 2 * float(state["rate"])
    return ExchangeTime(kind=str(state["clock"]), offset=at - clock.now(), rate=float(state["rate"]))
