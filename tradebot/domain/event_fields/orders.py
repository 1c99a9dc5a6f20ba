"""What the lines of orders say: intent to end, the retry queue, client order ids, batches, lifecycle ids."""

from __future__ import annotations

from collections.abc import Mapping

from tradebot.domain.event_fields.documented import CRITICAL_ONLY, OF_ORDER, WARNING_ONLY, EventFields
from tradebot.domain.events import EventName, Level

ORDER_EVENTS: Mapping[EventName, EventFields] = {
    EventName.ORDER_INTENT: EventFields(
        meaning="An order was decided and written down with its client order id; it was not sent yet.", always=OF_ORDER
    ),
    EventName.ORDER_SENT: EventFields(
        meaning="An order is handed over for sending, the first time or again.", always=(*OF_ORDER, "attempt")
    ),
    EventName.ORDER_OBSERVED: EventFields(
        meaning="A call (kind: place, modify or cancel) that was not made, since nothing may be sent.",
        always=("symbol", "side", "quantity", "price", "decision_id", "kind"),
    ),
    EventName.ORDER_DEFERRED: EventFields(
        meaning="An entry is held until the market opens; it goes as a regular order once the guards pass.",
        always=OF_ORDER,
    ),
    EventName.ORDER_ACCEPTED: EventFields(meaning="The broker has the order.", always=OF_ORDER),
    EventName.ORDER_REJECTED: EventFields(
        meaning="The order has failed: a guard, the broker or the exchange refused it, or it could not be sent.",
        levels=WARNING_ONLY,
        always=OF_ORDER,
    ),
    EventName.ORDER_UNCERTAIN: EventFields(
        meaning="It is not known whether the order stands at the broker; its symbol takes no entry until that is known."
        " CRITICAL: the broker does not show it.",
        levels=(Level.WARNING, Level.CRITICAL),
        always=OF_ORDER,
    ),
    EventName.ORDER_RETRY: EventFields(
        meaning="The order certainly did not reach the broker and is sent again under the same client order id.",
        always=OF_ORDER,
    ),
    EventName.QUEUE_CHANGED: EventFields(
        meaning="The retry queue changed: an order was added, updated, removed, retried or linked; skipped: it was not"
        " tried this time, and stays.",
        always=(*OF_ORDER, "change"),
        sometimes=("cause",),
    ),
    EventName.RUN_OF_FAILED: EventFields(
        meaning="The failed orders were tried again, and each has its answer.",
        always=("retried", "placed", "failed", "skipped", "expired"),
    ),
    EventName.ORDER_PARTIAL: EventFields(meaning="A part of the order was filled.", always=OF_ORDER),
    EventName.ORDER_FILLED: EventFields(meaning="The whole order was filled.", always=OF_ORDER),
    EventName.ORDER_LATE_FILL: EventFields(
        meaning="An order was filled after it had been cancelled or had failed. The fill is booked; look at it.",
        levels=CRITICAL_ONLY,
        always=OF_ORDER,
    ),
    EventName.ORDER_CANCELLED: EventFields(
        meaning="The broker or the exchange cancelled the order, or what was left of it.", always=OF_ORDER
    ),
    EventName.ORDER_MODIFIED: EventFields(
        meaning="A change of price or quantity that we asked for stands at the broker.", always=OF_ORDER
    ),
    EventName.CHANGE_REFUSED: EventFields(
        meaning="The broker did not make a change that somebody wants; the order stands as it did.",
        levels=WARNING_ONLY,
        always=(*OF_ORDER, "cause"),
    ),
    EventName.ORDER_EXPIRED: EventFields(meaning="A failed order is too old to be tried again.", always=OF_ORDER),
    EventName.ORDER_REOPENED: EventFields(
        meaning="An order that had ended is open at the broker after all. It is followed again; look at it.",
        levels=CRITICAL_ONLY,
        always=OF_ORDER,
    ),
    EventName.ORDER_SILENT: EventFields(
        meaning="What must be heard of an order (acknowledged, released, final) has not come by its time. Look at it at"
        " the broker's.",
        levels=CRITICAL_ONLY,
        always=(*OF_ORDER, "expected", "late_s"),
    ),
    EventName.COID_REUSED: EventFields(
        meaning="A client order id that was reserved before is used. WARNING: the order stands at the broker and only"
        " the registry knew it; it gets its row back.",
        levels=(Level.INFO, Level.WARNING),
        always=OF_ORDER,
    ),
    EventName.COID_DUPLICATE: EventFields(
        meaning="An intent that was placed before, or may have been, was stopped; or the broker says that it has an"
        " order with this id. CRITICAL: more than three within an hour, or a second order with an id of ours (twin).",
        levels=(Level.WARNING, Level.CRITICAL),
        always=("coid", "symbol", "side", "decision_id", "order_id", "attempt"),
        sometimes=(
            "quantity",
            "price",
            "status",
            "filled_qty",
            "avg_price",
            "reason",
            "broker_order_id",
            "twin",
        ),
    ),
    EventName.BATCH_COMPLETED: EventFields(
        meaning="Every leg of a batch is settled.",
        levels=(Level.INFO, Level.WARNING),
        always=("batch_id", "batch_status"),
    ),
    EventName.BATCH_CHANGED: EventFields(
        meaning="Something that came late has changed what is true of a complete batch.",
        levels=WARNING_ONLY,
        always=("batch_id", "batch_status"),
    ),
    EventName.DEAD_LETTER: EventFields(
        meaning="A word of the broker that has no route: kept, and shown by `main.py ids dead`.",
        levels=WARNING_ONLY,
        always=("lifecycle_id", "cause"),
    ),
    EventName.LIFECYCLE_RACE: EventFields(
        meaning="An id was cancelled and executed: the broker's confirmations crossed.",
        levels=WARNING_ONLY,
        always=("lifecycle_id", "order_id", "note"),
    ),
}
