"""What is told when everything is built, and when the loop has ended."""

from __future__ import annotations

from datetime import datetime

from config.settings import Settings
from tradebot.app.flags import flags_told
from tradebot.domain.events import Event, EventName, FieldValue
from tradebot.domain.orders import OrderStatus
from tradebot.engine.memory import Memory


def started(settings: Settings, memory: Memory, at: datetime) -> list[Event]:
    """The switches as they count, and that the loop begins."""
    mode = str(settings.run.mode)
    fields = {"mode": mode, **_held(memory)}
    text = f"{mode}: {fields['pending']} orders pending, {fields['positions']} positions"
    begun = Event(name=EventName.SYSTEMS_INITIALIZED, at=at, message=text, correlation_id="start", fields=fields)
    return [flags_told(settings, at), begun]


def stopped(memory: Memory, at: datetime) -> Event:
    fields = _held(memory)
    text = f"stopped: {fields['pending']} orders pending, {fields['positions']} positions"
    return Event(name=EventName.SYSTEMS_STOPPED, at=at, message=text, correlation_id="stop", fields=fields)


def _held(memory: Memory) -> dict[str, FieldValue]:
    return {
        "pending": sum(order.status is OrderStatus.PENDING for order in memory.orders.values()),
        "positions": sum(position.is_open for position in memory.positions.values()),
    }
