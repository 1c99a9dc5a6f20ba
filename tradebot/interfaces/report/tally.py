"""What the events of a run add up to, counted line by line: a run of weeks takes no more memory than one of a day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from tradebot.domain.events import EventName, Level
from tradebot.domain.orders import Coid

EXITS_MAX = 100_000
NAMES_MAX = 1_000

_TROUBLE = (Level.WARNING, Level.ERROR, Level.CRITICAL)
_AT_A_PRICE = (EventName.EXIT_ATR_STOP_HIT, EventName.EXIT_TRAILING_HIT)
"""The others tell of minutes, or rest at the broker."""


@dataclass(slots=True)
class Tally:
    """`troubles` counts (level, event), `last_words` has the last message of each. `blocks` counts (reason, shadow).
    `exit_prices` is the last price seen when a rule decided to sell a position. `intents` are the ids of orders that
    were begun, at most `EXITS_MAX`."""

    lines: int = 0
    unreadable: int = 0
    first: datetime | None = None
    last: datetime | None = None
    troubles: Counter[tuple[str, str]] = field(default_factory=Counter)
    last_words: dict[tuple[str, str], str] = field(default_factory=dict)
    blocks: Counter[tuple[str, bool]] = field(default_factory=Counter)
    exit_prices: dict[str, Decimal] = field(default_factory=dict)
    intents: set[Coid] = field(default_factory=set)

    def add(self, line: Mapping[str, object]) -> None:
        """One event as its file has it. Raises KeyError, TypeError or ValueError for what is none, counting nothing."""
        at, name, level, fields = datetime.fromisoformat(str(line["at"])), line["event"], line["level"], line["fields"]
        if not isinstance(fields, dict) or at.tzinfo is None:
            raise ValueError("no event")
        self.lines += 1
        self.first = self.first or at
        self.last = at
        if level in _TROUBLE:
            self._trouble((str(level), str(name)), str(line["message"]))
        match name:
            case EventName.GUARD_BLOCK:
                self._block(str(fields["block_reason"]), bool(fields["shadow"]))
            case EventName.ORDER_INTENT if len(self.intents) < EXITS_MAX:
                self.intents.add(Coid(str(fields["coid"])))
            case _ if name in _AT_A_PRICE and len(self.exit_prices) < EXITS_MAX:
                self.exit_prices[str(fields["position_id"])] = Decimal(str(fields["found"]))

    def _trouble(self, key: tuple[str, str], message: str) -> None:
        if key in self.troubles or len(self.troubles) < NAMES_MAX:
            self.troubles[key] += 1
            self.last_words[key] = message

    def _block(self, reason: str, is_shadow: bool) -> None:
        key = (reason, is_shadow)
        if key in self.blocks or len(self.blocks) < NAMES_MAX:
            self.blocks[key] += 1
