"""`/control`: pause entries and resume them; the kill switch."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from tradebot.engine.commands import KillSwitch, PauseEntries
from tradebot.interfaces.api.access import Admin, CorrelationId, Trader, Use
from tradebot.interfaces.api.answers import DoneShape
from tradebot.interfaces.api.bodies import StrictRoute
from tradebot.interfaces.api.outcomes import raise_unless_taken
from tradebot.interfaces.api.requests import KillBody

router = APIRouter(prefix="/control", tags=["control"], route_class=StrictRoute)


@router.post("/pause", response_model=DoneShape, summary="Take no new entries; exits go on")
async def pause(services: Use, _caller: Trader, correlation_id: CorrelationId) -> Response:
    raise_unless_taken(await services.desk.ask(PauseEntries(is_paused=True, correlation_id=correlation_id)))
    return DoneShape(status="paused", message="entries are paused", correlation_id=correlation_id).response()


@router.post("/resume", response_model=DoneShape, summary="Take entries again")
async def resume(services: Use, _caller: Admin, correlation_id: CorrelationId) -> Response:
    raise_unless_taken(await services.desk.ask(PauseEntries(is_paused=False, correlation_id=correlation_id)))
    return DoneShape(status="running", message="entries are wanted again", correlation_id=correlation_id).response()


@router.post("/kill", response_model=DoneShape, summary="The kill switch: latched, also over restarts")
async def kill(services: Use, caller: Admin, correlation_id: CorrelationId, body: KillBody | None = None) -> Response:
    wanted = body or KillBody()
    command = KillSwitch(mode=wanted.mode, reason=f"{caller.name}: {wanted.reason}", correlation_id=correlation_id)
    raise_unless_taken(await services.desk.ask(command))
    message = f"entries are killed ({wanted.mode}) until somebody releases them"
    return DoneShape(status="killed", message=message, correlation_id=correlation_id).response()


@router.post("/release", response_model=DoneShape, summary="Release the kill switch")
async def release(services: Use, caller: Admin, correlation_id: CorrelationId) -> Response:
    command = KillSwitch(mode=None, reason=caller.name, correlation_id=correlation_id)
    raise_unless_taken(await services.desk.ask(command))
    return DoneShape(status="released", message="entries are wanted again", correlation_id=correlation_id).response()
