"""What stands between us and the broker in a campaign: dials of the exchange's edge, and what answers then prove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from tradebot.exchange import words
from tradebot.exchange.commands import ErrorType, Refused
from tradebot.exchange.dials import (
    AbsentThenPresent,
    AcceptedThenRejected,
    AnswerLostAfter,
    AnswerLostBefore,
    DuplicateTagRefused,
    EmptyBookIsError,
    ErrorInstead,
    FillsAfterCancel,
    StaleBook,
)
from tradebot.exchange.edge import Dial
from tradebot.exchange.gateway_dials import RefusedWithoutOrder, Unavailable
from tradebot.exchange.order_dials import AmoCancelOtherVariety, ModifyNotTaken, StopsCancelled, StuckInterim
from tradebot.ports import Capabilities

_MANY = 250
"""Of a thousand calls."""

_TIMED_OUT = Refused(http_status=400, error_type=ErrorType.ORDER, text=words.OUTCOME_OPEN)
_TOO_MANY = Refused(http_status=429, error_type=ErrorType.NETWORK, text="Too many requests")
_HTML = Refused(http_status=502, error_type=ErrorType.DATA, text="<html><body>Bad Gateway</body></html>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """`hides_for`: how long an accepted order may be missing from the book; None where absence is proof. `days` are
    those on which it can strike at all, by name; empty for every day."""

    name: str
    dials: Sequence[Dial] = ()
    hides_for: timedelta | None = None
    days: Sequence[str] = ()

    def capabilities(self, without: Capabilities) -> Capabilities:
        """What is known of a broker with these faults."""
        if self.hides_for is None:
            return without
        return replace(without, absence_is_proof=False, visibility_delay=self.hides_for)


NO_FAULTS = Faults(name="none")

FAULTS = {
    faults.name: faults
    for faults in (
        NO_FAULTS,
        Faults(name="answer_lost_before", dials=[AnswerLostBefore(per_mille=_MANY)]),
        Faults(name="answer_lost_after", dials=[AnswerLostAfter(per_mille=_MANY)]),
        Faults(name="connection_refused", dials=[AnswerLostBefore(per_mille=_MANY, is_known=True)]),
        Faults(
            name="timeout_as_400_carried_out",
            dials=[ErrorInstead(per_mille=_MANY, refused=_TIMED_OUT, is_carried_out=True, name="timeout_as_400")],
        ),
        Faults(
            name="timeout_as_400_lost",
            dials=[ErrorInstead(per_mille=_MANY, refused=_TIMED_OUT, name="timeout_as_400")],
        ),
        Faults(name="too_many_requests", dials=[ErrorInstead(per_mille=_MANY, refused=_TOO_MANY, name="429")]),
        Faults(
            name="html_instead_of_an_answer",
            dials=[ErrorInstead(per_mille=_MANY, refused=_HTML, is_carried_out=True, name="html")],
        ),
        Faults(
            name="stale_book",
            dials=[StaleBook(per_mille=500, age=timedelta(seconds=40)), AnswerLostAfter(per_mille=_MANY)],
            hides_for=timedelta(seconds=60),
        ),
        Faults(
            name="absent_then_present",
            dials=[
                AbsentThenPresent(per_mille=500, hidden_for=timedelta(seconds=40)),
                AnswerLostAfter(per_mille=_MANY),
            ],
            hides_for=timedelta(seconds=60),
        ),
        Faults(name="empty_book_is_error", dials=[EmptyBookIsError()]),
        Faults(name="accepted_then_rejected", dials=[AcceptedThenRejected(per_mille=_MANY)]),
        Faults(name="fills_after_cancel", dials=[FillsAfterCancel(per_mille=_MANY, delay=timedelta(seconds=30))]),
        Faults(name="refused_without_order", dials=[RefusedWithoutOrder(per_mille=_MANY)]),
        Faults(name="unavailable_503", dials=[Unavailable(per_mille=100)]),
        Faults(name="stuck_interim", dials=[StuckInterim(per_mille=_MANY)]),
        Faults(
            name="stops_cancelled",
            dials=[StopsCancelled(per_mille=500, delay=timedelta(minutes=20))],
            days=["protected", "closed"],
        ),
        Faults(name="modify_not_taken", dials=[ModifyNotTaken(per_mille=_MANY)]),
        Faults(name="amo_cancel_other_variety", dials=[AmoCancelOtherVariety()], days=["meddled"]),
        Faults(name="duplicate_tag_refused", dials=[DuplicateTagRefused(), AnswerLostAfter(per_mille=_MANY)]),
    )
}
"""By name. The dials' names are part of what chance depends on."""
