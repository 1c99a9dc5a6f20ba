"""What every room of the engine is given: the policy in force, the calendar, the rules, and the doors to outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tradebot.domain.calendar import AmoWindow, Calendar
from tradebot.domain.corporate_actions import CorporateAction
from tradebot.domain.market_rules import MarketRules
from tradebot.domain.policy import Policy
from tradebot.engine.ids import OrderIds
from tradebot.ports import Capabilities, Chance, IdRegistry, KillLatch


@dataclass(slots=True, kw_only=True)
class Setting:
    """One per engine. `policy` is swapped whole when the configuration is read again; the rest stays."""

    policy: Policy
    calendar: Calendar
    amo: AmoWindow
    actions: Sequence[CorporateAction]
    rules: MarketRules
    capabilities: Capabilities
    registry: IdRegistry
    latch: KillLatch
    ids: OrderIds
    chance: Chance
