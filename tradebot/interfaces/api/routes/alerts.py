"""`/api/v1/alerts`: what stands until it is mended, and that somebody has seen it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import Response

from tradebot.domain.alerts import AlertName
from tradebot.engine.answers import Outcome
from tradebot.engine.commands import AcknowledgeAlert
from tradebot.interfaces.api.access import CorrelationId, Reader, Trader, Use
from tradebot.interfaces.api.answers import DoneShape
from tradebot.interfaces.api.bodies import StrictRoute
from tradebot.interfaces.api.errors import ErrorBody
from tradebot.interfaces.api.outcomes import raise_unless_taken
from tradebot.interfaces.api.overview_shapes import AlertShape, AlertsShape
from tradebot.interfaces.api.refusal import ApiError

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"], route_class=StrictRoute)

_REFUSALS: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorBody, "description": "No alert has this name"},
    409: {"model": ErrorBody, "description": "The alert does not stand"},
}


@router.get("", response_model=AlertsShape, summary="What stands until it is mended, the alerts that fire among it")
async def alerts(services: Use, _caller: Reader) -> Response:
    view = await services.overview.look()
    return AlertsShape.model_construct(alerts=[AlertShape.of(alert) for alert in view.alerts]).response()


@router.post("/{name}/acknowledge", response_model=DoneShape, responses=_REFUSALS, summary="Say that it was seen")
async def acknowledge(
    services: Use,
    caller: Trader,
    name: Annotated[str, Path(min_length=1, max_length=64)],
    correlation_id: CorrelationId,
) -> Response:
    """It stands until its cause is gone; one that gets worse wants to be seen again."""
    if name not in list(AlertName):
        raise ApiError(
            404, "unknown_alert", f"there is no alert {name!r}", {"allowed": [str(each) for each in AlertName]}
        )
    command = AcknowledgeAlert(name=AlertName(name), by=caller.name, correlation_id=correlation_id)
    raise_unless_taken(await services.desk.ask(command), {Outcome.CONFLICT: 409})
    return DoneShape(status="seen", message=f"{name}: seen by {caller.name}", correlation_id=correlation_id).response()
