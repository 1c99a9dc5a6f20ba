"""What the lines of entries say: signals and guards, and all that stops entries."""

from __future__ import annotations

from collections.abc import Mapping

from tradebot.domain.event_fields.documented import CRITICAL_ONLY, ERROR_ONLY, WARNING_ONLY, EventFields
from tradebot.domain.events import EventName, Level

ENTRY_EVENTS: Mapping[EventName, EventFields] = {
    EventName.SIGNALS_RECEIVED: EventFields(
        meaning="The strategies were asked, and every signal has its outcome.",
        always=("trading_day", "signals"),
        sometimes=("sent", "observed", "deferred", "blocked", "failed", "duplicate", "uncertain", "exhausted"),
    ),
    EventName.SIGNALS_UNUSABLE: EventFields(
        meaning="A strategy failed or cannot trust what it reads; it gives no signal, or no target, this time.",
        levels=ERROR_ONLY,
        always=("strategy",),
    ),
    EventName.GUARD_PASS: EventFields(
        meaning="Every guard lets an entry pass; the figures that they found.",
        always=("symbol", "spread_bps", "depth_notional", "slippage_bps"),
    ),
    EventName.GUARD_BLOCK: EventFields(
        meaning="A guard blocked an entry, with what was found and what is allowed; with shadow true it would have.",
        always=("symbol", "guard", "block_reason", "shadow"),
        sometimes=(
            "found",
            "allowed",
            "price",
            "lower_limit",
            "upper_limit",
            "quantity",
            "freeze_quantity",
            "spread_bps",
            "spread_bps_max",
            "depth_notional",
            "depth_notional_min",
            "slippage_bps",
            "slippage_bps_max",
            "minutes_since_exit",
            "cooldown_min",
            "order_id",
            "status",
            "cause",
            "jump",
            "missing",
            "error",
        ),
    ),
    EventName.GUARD_NOT_EVALUATED: EventFields(
        meaning="Spread, depth and slippage were not judged, since there is no book when the market is closed.",
        always=("symbol",),
    ),
    EventName.ENTRY_SLIPPAGE: EventFields(
        meaning="An entry's fills beside the best opposite price at its decision (of an after-market order: its limit);"
        " positive is worse. WARNING: a breach; its decision takes no further entry.",
        levels=(Level.INFO, Level.WARNING),
        always=(
            "order_id",
            "symbol",
            "side",
            "decision_id",
            "reference_price",
            "avg_price",
            "filled_qty",
            "slippage_bps",
            "threshold_bps",
            "breach",
        ),
    ),
    EventName.SYMBOL_HALTED: EventFields(
        meaning="A price jumped and no corporate action explains it, or somebody was active by hand in a symbol whose"
        " policy is halt; it takes no entry.",
        levels=ERROR_ONLY,
        always=("symbol",),
    ),
    EventName.SYMBOL_RELEASED: EventFields(
        meaning="A symbol that was halted for manual activity takes entries again.",
        levels=WARNING_ONLY,
        always=("symbol",),
    ),
    EventName.ENTRIES_STOPPED: EventFields(
        meaning="A change could not be saved. Nothing of it was sent; entries stop until a save works again. Told once"
        " for each cause until then.",
        levels=CRITICAL_ONLY,
    ),
    EventName.SPACE_SHORT: EventFields(
        meaning="The disk is full, or too full to keep room for cancellations and exits: no entries until there is"
        " some.",
        levels=CRITICAL_ONLY,
    ),
    EventName.SPACE_BACK: EventFields(
        meaning="There is room on the disk again: entries are open.", levels=WARNING_ONLY
    ),
    EventName.START_WAITS: EventFields(
        meaning="The last starts have ended in deaths (`deaths` of them in a row): people are told first, and the"
        " broker is asked after `wait_s` seconds. Entries are paused.",
        levels=WARNING_ONLY,
        always=("deaths", "wait_s"),
    ),
    EventName.BOUND_REACHED: EventFields(
        meaning="Entries are paused: more would have left than was asked for (entered_against_sent), or the broker"
        " refused too many in a row (rejects_in_a_row). Exits go on.",
        levels=CRITICAL_ONLY,
        always=("bound", "cause"),
    ),
    EventName.ENTRIES_PAUSED: EventFields(
        meaning="No new entries: somebody wants none, or a critical alert or a bound has paused them (it stands before"
        " this line). Exits go on; a restart keeps it.",
        levels=WARNING_ONLY,
    ),
    EventName.ENTRIES_RESUMED: EventFields(
        meaning="Entries are wanted again.",
        levels=WARNING_ONLY,
    ),
    EventName.KILL_LATCHED: EventFields(
        meaning="The kill switch is latched: no entries until it is released, restarts included.",
        levels=CRITICAL_ONLY,
        always=("mode", "cause"),
    ),
    EventName.KILL_RELEASED: EventFields(meaning="The kill switch is released.", levels=WARNING_ONLY),
}
