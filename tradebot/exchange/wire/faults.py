"""What a fault of the edge looks like on the wire."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tradebot.exchange.commands import Refused
from tradebot.exchange.edge import AnswerLost, Edge, ErrorAnswer, Garbled, NotReached
from tradebot.exchange.wire.messages import Answer, NoAnswer, Response


def answered(edge: Edge, call: Callable[[], Response], refusal: Callable[[Refused], Response]) -> Answer:
    """The answer of `call`, as late as a dial wants it; `refusal` puts an error into the broker's own form."""
    edge.take_delay_s()
    answer = _answered(call, refusal)
    delay_s = edge.take_delay_s()
    if not delay_s:
        return answer
    if isinstance(answer, NoAnswer):
        return NoAnswer(hold_s=answer.hold_s + delay_s)
    return replace(answer, delay_s=delay_s)


def _answered(call: Callable[[], Response], refusal: Callable[[Refused], Response]) -> Answer:
    try:
        return call()
    except ErrorAnswer as fault:
        return refusal(fault.refused)
    except Garbled as fault:
        return Response(status=fault.http_status, body=fault.page.encode(), content_type="text/html")
    except AnswerLost as fault:
        return NoAnswer(hold_s=fault.hold_s)
    except NotReached:
        return NoAnswer()
