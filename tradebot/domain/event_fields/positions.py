"""What the lines of positions say: what is held, why it is sold, and what somebody did by hand."""

from __future__ import annotations

from collections.abc import Mapping

from tradebot.domain.event_fields.documented import CRITICAL_ONLY, OF_ORDER, WARNING_ONLY, EventFields
from tradebot.domain.events import EventName, Level

_OF_POSITION = ("position_id", "symbol", "quantity", "avg_price", "realised_pnl", "exit_rule")
_OF_HAND_SALE = ("position_id", "symbol", "quantity", "left", "exit_price", "realised_pnl")
_OF_EXIT = ("position_id", "symbol", "found", "threshold", "quantity")

POSITION_EVENTS: Mapping[EventName, EventFields] = {
    EventName.POSITION_OPENED: EventFields(meaning="The first fill of a position is booked.", always=_OF_POSITION),
    EventName.POSITION_UPDATED: EventFields(
        meaning="A further fill of a position is booked; it is still open.", always=_OF_POSITION
    ),
    EventName.POSITION_ADJUSTED: EventFields(
        meaning="A split or bonus issue changed the number of shares of a position.", always=("symbol", "quantity")
    ),
    EventName.POSITION_CLOSED: EventFields(
        meaning="The last share of a position is sold; realised_pnl is that of the whole position.", always=_OF_POSITION
    ),
    EventName.EXIT_ATR_STOP_HIT: EventFields(meaning="The price is at or below the stop.", always=_OF_EXIT),
    EventName.EXIT_TRAILING_HIT: EventFields(meaning="The price is below the trailing stop.", always=_OF_EXIT),
    EventName.EXIT_PROFIT_TARGET: EventFields(
        meaning="The price has reached the profit target: the sell that rested there is filled (found is its average"
        " price), or none rested and the position is sold at what the market pays, not below the target.",
        always=_OF_EXIT,
    ),
    EventName.EXIT_TIME_STOP: EventFields(
        meaning="The position is too old; found and threshold are minutes.", always=_OF_EXIT
    ),
    EventName.EXIT_PANIC: EventFields(
        meaning="The kill switch is latched in mode flatten: the position is sold at what the market pays.",
        levels=CRITICAL_ONLY,
        always=("position_id", "symbol", "quantity"),
        sometimes=("found", "threshold"),
    ),
    EventName.EXIT_MANUAL: EventFields(
        meaning="Somebody wants the position sold; found and threshold are the last price.", always=_OF_EXIT
    ),
    EventName.EXIT_STOP_LOSS_HIT: EventFields(
        meaning="The price is at or below the stop-loss that somebody gave, or its order at the broker was filled.",
        always=_OF_EXIT,
    ),
    EventName.PROTECTION_LOST: EventFields(
        meaning="A protective order was cancelled at the broker before its time, and nobody asked; it is armed again.",
        levels=CRITICAL_ONLY,
        always=OF_ORDER,
    ),
    EventName.MANUAL_ORDER_SEEN: EventFields(
        meaning="The account has an order that is not ours. It is told once and never touched.",
        always=("symbol", "side", "quantity", "price", "broker_order_id"),
    ),
    EventName.MANUAL_CANCEL: EventFields(
        meaning="Somebody else cancelled one of our orders.", levels=WARNING_ONLY, always=OF_ORDER
    ),
    EventName.MANUAL_MODIFICATION: EventFields(
        meaning="Somebody else changed price or quantity of one of our orders; we go on with theirs.",
        levels=WARNING_ONLY,
        always=OF_ORDER,
    ),
    EventName.MANUAL_EXIT: EventFields(
        meaning="Somebody else has sold a whole position of ours; it is closed at the price of that sale.",
        levels=WARNING_ONLY,
        always=_OF_HAND_SALE,
    ),
    EventName.MANUAL_PARTIAL_EXIT: EventFields(
        meaning="Somebody else has sold a part of a position of ours; we go on with the rest.",
        levels=WARNING_ONLY,
        always=_OF_HAND_SALE,
    ),
    EventName.HOLDINGS_DIFFER: EventFields(
        meaning="Our books and the broker's holdings differ. CRITICAL: a sell was filled, and we hold nothing.",
        levels=(Level.WARNING, Level.CRITICAL),
        always=("symbol",),
        sometimes=("ours", "broker", *(name for name in OF_ORDER if name != "symbol")),
    ),
}
