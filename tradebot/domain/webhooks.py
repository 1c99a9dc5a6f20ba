"""Webhooks out: who is told of which order events, and what is sent."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tradebot.domain.events import Event, EventName
from tradebot.domain.outbox import OutboxEntry, OutboxKind, outbox_entry

WEBHOOKS_MAX = 10
"""Of one account."""

GIVEN_UP_AFTER = timedelta(days=1)


class WebhookEvent(StrEnum):
    """`order_rejected`: the broker or the exchange said no; `order_failed`: it was not sent, by a guard or a fault."""

    ORDER_PLACED = "order_placed"
    ORDER_COMPLETED = "order_completed"
    ORDER_FAILED = "order_failed"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_REJECTED = "order_rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One receiver. Its secret signs what is sent to it."""

    id: str
    account_id: str
    url: str
    events: tuple[WebhookEvent, ...]
    secret: str
    created_at: datetime


_EVENTS: Mapping[EventName, WebhookEvent] = {
    EventName.ORDER_ACCEPTED: WebhookEvent.ORDER_PLACED,
    EventName.ORDER_FILLED: WebhookEvent.ORDER_COMPLETED,
    EventName.ORDER_CANCELLED: WebhookEvent.ORDER_CANCELLED,
}
_OF_THE_BROKER = ("Broker rejected", "Rejected by broker")


def webhook_event(event: Event) -> WebhookEvent | None:
    """What receivers call it; None for what they are not told."""
    if event.name is EventName.ORDER_REJECTED:
        is_brokers = str(event.fields.get("reason", "")).startswith(_OF_THE_BROKER)
        return WebhookEvent.ORDER_REJECTED if is_brokers else WebhookEvent.ORDER_FAILED
    return _EVENTS.get(event.name)


def announced(event: Event, webhooks: Sequence[Webhook]) -> list[OutboxEntry]:
    """An entry of the outbox for each receiver that wants it. One event has one id, however often it is sent."""
    word = webhook_event(event)
    if word is None:
        return []
    facts = (event.fields.get("order_id"), event.name, event.at.isoformat(), event.fields.get("filled_qty"))
    key = _digest(facts)
    return [
        outbox_entry(
            OutboxKind.WEBHOOK,
            target=webhook.id,
            topic=word,
            key=key,
            payload=_payload(key, word, webhook.account_id, event),
            at=event.at,
        )
        for webhook in webhooks
        if word in webhook.events
    ]


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """`sha256=` and the HMAC over `<timestamp>.<body>`: a receiver refuses old timestamps, and so replays."""
    text = str(timestamp).encode() + b"." + body
    return f"sha256={hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()}"


def _digest(facts: Sequence[object]) -> str:
    return hashlib.sha256("\x1f".join(map(str, facts)).encode()).hexdigest()[:32]


def _payload(event_id: str, word: WebhookEvent, account_id: str, event: Event) -> str:
    order = {
        name: value if value is None or isinstance(value, int) else str(value) for name, value in event.fields.items()
    }
    told = {
        "event_id": event_id,
        "event": word,
        "account_id": account_id,
        "occurred_at": event.at.isoformat(),
        "correlation_id": event.correlation_id,
        "order": order,
    }
    return json.dumps(told, ensure_ascii=False)
