"""What the line of each event says, a table a subject; `docs/events.md` is made from it."""

from __future__ import annotations

from collections.abc import Mapping

from tradebot.domain.event_fields.documented import EventFields
from tradebot.domain.event_fields.entries import ENTRY_EVENTS
from tradebot.domain.event_fields.orders import ORDER_EVENTS
from tradebot.domain.event_fields.positions import POSITION_EVENTS
from tradebot.domain.event_fields.process import PROCESS_EVENTS
from tradebot.domain.event_fields.trading_day import DAY_EVENTS
from tradebot.domain.events import EventName

SUBJECTS = (ORDER_EVENTS, ENTRY_EVENTS, POSITION_EVENTS, DAY_EVENTS, PROCESS_EVENTS)

EVENT_FIELDS: Mapping[EventName, EventFields] = {name: told for subject in SUBJECTS for name, told in subject.items()}
"""Every event that is told. The other names are reserved: nothing tells them."""
