"""How the daemon is, for people and for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from tradebot.interfaces.api.access import Reader, Use
from tradebot.interfaces.api.answers import HealthShape, PartShape, ServiceShape
from tradebot.interfaces.api.bodies import StrictRoute

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

router = APIRouter(tags=["health"], route_class=StrictRoute)


@router.get(
    "/health",
    response_model=HealthShape,
    responses={503: {"model": HealthShape, "description": "It cannot trade safely"}},
    summary="Each part's state",
)
async def health(services: Use) -> Response:
    parts = await run_in_threadpool(services.health)
    is_healthy = all(part.is_well for part in parts.values() if part.is_vital)
    shape = HealthShape(
        status="healthy" if is_healthy else "unhealthy",
        version=services.version,
        time=services.clock.now(),
        parts={
            name: PartShape(status="up" if part.is_well else "down", detail=part.text) for name, part in parts.items()
        },
    )
    return shape.response(200 if is_healthy else 503)


@router.get("/accounts/health/status", response_model=ServiceShape, summary="Whether the accounts are served")
async def accounts_status() -> Response:
    return ServiceShape(status="ok", service="accounts").response()


@router.get(
    "/metrics",
    response_model=None,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    summary="Figures for Prometheus",
)
async def metrics(services: Use, _caller: Reader) -> Response:
    return Response(await run_in_threadpool(services.metrics), media_type=METRICS_TYPE)
