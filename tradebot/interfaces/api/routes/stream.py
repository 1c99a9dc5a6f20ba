"""`/ws/...`: the order stream, and how it is."""

from __future__ import annotations

from fastapi import APIRouter, WebSocket
from starlette.responses import Response

from tradebot.interfaces.api.access import Use
from tradebot.interfaces.api.answers import StreamShape
from tradebot.interfaces.api.bodies import StrictRoute
from tradebot.interfaces.api.routes.stream_session import Session

SEQUENCE_DIGITS_MAX = 18

router = APIRouter(prefix="/ws", tags=["stream"], route_class=StrictRoute)


@router.get("/status", response_model=StreamShape, summary="How the order stream is")
async def status(services: Use) -> Response:
    return StreamShape.model_validate(services.hub.status()).response()


@router.websocket("/orders/{account_id}")
async def account_orders(socket: WebSocket, account_id: str) -> None:
    await Session(socket, socket.app.state.services, account_id, _since(socket)).run()


@router.websocket("/orders")
async def all_orders(socket: WebSocket) -> None:
    """Every account of the caller; `since` only counts where that is one."""
    await Session(socket, socket.app.state.services, None, _since(socket)).run()


def _since(socket: WebSocket) -> int | None:
    """None, and so a snapshot, for one that makes no sense."""
    text = socket.query_params.get("since", "")
    is_number = text.isascii() and text.isdigit() and len(text) <= SEQUENCE_DIGITS_MAX
    return int(text) if is_number else None
