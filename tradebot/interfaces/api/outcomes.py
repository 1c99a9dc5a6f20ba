"""From a command's answer to HTTP: what was not done becomes an error with the status that fits."""

from __future__ import annotations

from collections.abc import Mapping

from tradebot.engine.answers import Answer, Outcome
from tradebot.interfaces.api.refusal import ApiError

_STATUS: Mapping[Outcome, int] = {
    Outcome.UNKNOWN_ID: 404,
    Outcome.CONFLICT: 400,
    Outcome.BLOCKED: 422,
    Outcome.INVALID: 422,
    Outcome.FAULT: 500,
    Outcome.UNSAVED: 503,
}


def raise_unless_taken(answer: Answer, statuses: Mapping[Outcome, int] = _STATUS) -> Answer:
    """The answer of a command that was carried out, or asked for. Raises ApiError for any other."""
    status = {**_STATUS, **statuses}.get(answer.outcome)
    if status is None:
        return answer
    raise ApiError(status, str(answer.outcome), answer.text or str(answer.outcome), dict(answer.figures))
