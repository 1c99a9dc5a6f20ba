"""`/api/v1/overview` and `/api/v1/chart`: what the page shows beside the orders."""

from __future__ import annotations

from datetime import time
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from tradebot.domain.calendar import ist, ist_date
from tradebot.interfaces.api.access import Reader, Use
from tradebot.interfaces.api.answers import FillShape
from tradebot.interfaces.api.bodies import StrictRoute
from tradebot.interfaces.api.overview_shapes import ChartShape, OverviewShape, PointShape

router = APIRouter(prefix="/api/v1", tags=["overview"], route_class=StrictRoute)


@router.get("/overview", response_model=OverviewShape, summary="Positions, money, schedule, blocks, alerts")
async def overview(services: Use, _caller: Reader) -> Response:
    view = await services.overview.look()
    made = services.overview
    return OverviewShape.of(view, is_paused=made.is_paused, is_killed=made.is_killed).response()


@router.get("/chart", response_model=ChartShape, summary="The day's fills of a symbol against its price")
async def chart(
    services: Use,
    caller: Reader,
    symbol: Annotated[str, Query(max_length=64, description="Without it, the one that was filled last")] = "",
) -> Response:
    midnight = ist(ist_date(services.clock.now()), time(0, 0))
    fills = await run_in_threadpool(services.orders.fills, caller.account_ids, midnight)
    symbols = list(dict.fromkeys(fill.symbol for fill in reversed(fills)))
    shown = symbol or next(iter(symbols), "")
    points = [point for point in services.overview.trail.points(shown) if point[0] >= midnight]
    return ChartShape.model_construct(
        symbol=shown,
        symbols=symbols,
        prices=[PointShape.model_construct(at=at, price=price) for at, price in points],
        fills=[FillShape.of(fill) for fill in fills if fill.symbol == shown],
    ).response()
