"""What both brokers' adapters do alike around a call: turns for order calls, one new login, and errors by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from tradebot.adapters.brokers.order_rate import OrderRate
from tradebot.domain.errors import BrokerUnavailable, KillSwitchLatched, OutcomeUnknown, SessionExpired
from tradebot.ports import KillLatch

Result = TypeVar("Result")


class Login(Protocol):
    """A session that can be made anew."""

    def renew(self, dead: str) -> bool:
        """Try once to get another session than the one with this token; False when there is none to be had."""
        ...

    @property
    def token(self) -> str: ...


class Caller:
    """Sends order calls in their turn and never twice, and questions again after one new login."""

    def __init__(self, login: Login, rate: OrderRate, latch: KillLatch) -> None:
        self._login = login
        self._rate = rate
        self._latch = latch

    def order(self, call: Callable[[], Result], *, is_urgent: bool = False, is_entry: bool = False) -> Result:
        """An order call. A dead session is renewed for the next one; whether this one is sent again is decided by
        whoever knows the order. An entry may have waited for its turn while the kill switch fell."""
        self._rate.take_turn(is_urgent=is_urgent)
        if is_entry and (latch := self._latch.read()) is not None:
            raise KillSwitchLatched(f"kill switch ({latch.mode})")
        token = self._login.token
        try:
            return call()
        except SessionExpired:
            self._login.renew(token)
            raise

    def ask(self, call: Callable[[], Result]) -> Result:
        """A question: whatever went wrong, nothing was changed by it, and an answer that is lost is none."""
        token = self._login.token
        try:
            try:
                return call()
            except SessionExpired:
                if not self._login.renew(token):
                    raise
                return call()
        except OutcomeUnknown as cause:
            raise BrokerUnavailable(str(cause)) from cause
        except (KeyError, ValueError, TypeError, ArithmeticError, AttributeError) as cause:
            raise BrokerUnavailable(f"an answer that cannot be read: {type(cause).__name__}: {cause}") from cause
