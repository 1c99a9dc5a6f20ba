"""The switches of the order flow, with the master above them."""

from __future__ import annotations

from config.declaring import Section, key

MASTER = "ENABLE_ORDER_FLOW_HARDENING"
"""False: every key that is declared `under_master` is off, whatever it says itself."""


class Flags(Section):
    """Switches of the order flow. All but the first, OBSERVE_ONLY and FORCE_UNSAFE_LIVE count only while the master
    is on; the guards' own switches stand in [guards].
    """

    enable_order_flow_hardening: bool = key(MASTER, True, "the master: false switches off every flag under it")
    enable_coid_manager: bool = key(
        "ENABLE_COID_MANAGER",
        True,
        "client order ids that are derived from the intent, reserved before sending and looked up after a doubt; off: a"
        " random tag for each send, no reservation, no look-up, so that an order can be placed twice",
        under_master=True,
    )
    enable_startup_reconcile: bool = key(
        "ENABLE_STARTUP_RECONCILE",
        True,
        "no job before open orders were compared with the broker's book; off: jobs start at once, the poll catches up",
        under_master=True,
    )
    use_first_fill_ts_for_ttl: bool = key(
        "USE_FIRST_FILL_TS_FOR_TTL",
        True,
        "a position's age counts from its first fill; off: from the submission of the order that opened it",
        live=True,
        under_master=True,
    )
    enable_symbol_locks: bool = key(
        "ENABLE_SYMBOL_LOCKS",
        True,
        "one mutating broker call at a time for each symbol; off: one for each order",
        under_master=True,
    )
    enable_consolidated_entry_guards: bool = key(
        "ENABLE_CONSOLIDATED_ENTRY_GUARDS",
        True,
        "one picture of the market, every guard judged, every reason named; off: one after the other, each on a"
        " quote of its own, and the first block ends it",
        live=True,
        under_master=True,
    )
    enable_consolidated_exits: bool = key(
        "ENABLE_CONSOLIDATED_EXITS",
        True,
        "one evaluation of a position, the first rule that hits wins; off: every rule by itself, each hit told",
        live=True,
        under_master=True,
    )
    observe_only: bool = key(
        "OBSERVE_ONLY",
        False,
        "everything except sending: no placement, no change and no cancellation leaves, exits neither",
        live=True,
    )
    force_unsafe_live: bool = key(
        "FORCE_UNSAFE_LIVE",
        False,
        "lets live mode start without client order ids or without the comparison at the start",
    )
