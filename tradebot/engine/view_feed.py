"""From the engine to whoever shows it: what the bus tells is collected, and the newest view waits in one slot."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from tradebot.domain.calendar import ist_date
from tradebot.domain.events import Event, EventName, Level
from tradebot.engine.figures_view import Vitals, watched_symbols
from tradebot.engine.memory import Memory
from tradebot.engine.setting import Setting
from tradebot.engine.views import BlockCount, DaemonView, Marks, RunFacts, Tail, make_view
from tradebot.ports import Clock

EVENTS_MAX = 500
ERRORS_MAX = 100
REASONS_MAX = 50
SLIPPAGES_MAX = 1_000
OTHER_REASONS = "other reasons"
EVERY_S = 0.5

_ERRORS = frozenset({Level.ERROR, Level.CRITICAL})


class ViewFeed:
    """A listener of the bus. It keeps the last EVENTS_MAX events, the last ERRORS_MAX errors and the blocks of the
    IST date at hand by reason; a reason beyond REASONS_MAX is counted as OTHER_REASONS.

    A block in shadow mode blocks nothing and is not counted. Events of level DEBUG come by the thousand: they are
    counted, and not kept.
    """

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=EVENTS_MAX)
        self._errors: deque[Event] = deque(maxlen=ERRORS_MAX)
        self._blocks: dict[str, BlockCount] = {}
        self._blocks_of: date | None = None
        self._told: dict[EventName, int] = {}
        self._slippages: deque[Decimal] = deque(maxlen=SLIPPAGES_MAX)
        self._cycled: Event | None = None

    def __call__(self, event: Event) -> None:
        if event.level is not Level.DEBUG:
            self._events.append(event)
        self._told[event.name] = self._told.get(event.name, 0) + 1
        if event.level in _ERRORS:
            self._errors.append(event)
        if event.name is EventName.CYCLE:
            self._cycled = event
        if event.name is EventName.ENTRY_SLIPPAGE:
            self._slippages.append(Decimal(str(event.fields["slippage_bps"])))
        if event.name is EventName.GUARD_BLOCK and not event.fields.get("shadow"):
            self._count_block(event)

    def tail(self) -> Tail:
        """What has been collected, as values of its own; blocks with the most frequent reason first."""
        blocks = sorted(self._blocks.values(), key=lambda block: (-block.count, block.reason))
        return Tail(
            events=tuple(self._events),
            blocks=tuple(blocks),
            errors=tuple(self._errors),
            told=dict(self._told),
            slippages=tuple(self._slippages),
            cycled=self._cycled,
        )

    def _count_block(self, event: Event) -> None:
        today = ist_date(event.at)
        if today != self._blocks_of:
            self._blocks, self._blocks_of = {}, today
        reason = str(event.fields.get("block_reason") or event.message)
        if reason not in self._blocks and len(self._blocks) >= REASONS_MAX:
            reason = OTHER_REASONS
        symbol = str(event.fields.get("symbol") or "")
        known = self._blocks.get(reason)
        if known is None:
            self._blocks[reason] = BlockCount(reason=reason, count=1, symbol=symbol, at=event.at)
        else:
            self._blocks[reason] = replace(known, count=known.count + 1, symbol=symbol, at=event.at)


class ViewSlot:
    """Room for one view: the newest wins. Put by one thread, read by any, without a lock (one reference is swapped).

    `every_s` is how often its reader wants a new one: what nobody would look at is not made.
    """

    def __init__(self) -> None:
        self.latest: DaemonView | None = None
        self.every_s = EVERY_S

    def put(self, view: DaemonView) -> None:
        self.latest = view


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a view is made from beside the engine's memory, each answered at once and without a call outside: `marks`
    of the symbols held and watched, `vitals` of the machine."""

    marks: Callable[[Sequence[str]], Marks]
    vitals: Callable[[], Vitals] = Vitals


class ViewMaker:
    """Makes views on the engine thread, at most one in EVERY_S real seconds, so that a fast replay stays fast, and none
    more often than the slot's reader wants them."""

    def __init__(
        self,
        *,
        memory: Memory,
        setting: Setting,
        facts: RunFacts,
        feed: ViewFeed,
        slot: ViewSlot,
        sources: Sources,
        clock: Clock,
        real: Clock,
    ) -> None:
        """`clock` is the engine's, `real` the machine's."""
        self._memory = memory
        self._setting = setting
        self._facts = facts
        self._feed = feed
        self._slot = slot
        self._sources = sources
        self._clock = clock
        self._real = real
        self._made_s: float | None = None

    def refresh(self) -> None:
        """After each batch: a new view, unless the last one is younger than its reader wants it."""
        made_s = self._real.monotonic()
        if self._made_s is None or made_s - self._made_s >= max(EVERY_S, self._slot.every_s):
            self.refresh_now()

    def refresh_now(self) -> None:
        """A new view whatever the age of the last one: at the start, and for the last picture of a run."""
        self._made_s, now = self._real.monotonic(), self._clock.now()
        held = [position.symbol for position in self._memory.positions.values() if position.is_open]
        watched = watched_symbols(self._memory, self._facts.watchlist, ist_date(now))
        self._slot.put(
            make_view(
                self._memory,
                self._setting,
                now=now,
                made_s=self._made_s,
                facts=self._facts,
                tail=self._feed.tail(),
                marks=self._sources.marks(list(dict.fromkeys([*held, *watched]))),
                vitals=self._sources.vitals(),
            )
        )
