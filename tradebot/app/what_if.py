"""What a recorded session's guards would have done with other thresholds, and what that would have cost or saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from tradebot.app.session_replay import Playback
from tradebot.domain.events import Event, EventName
from tradebot.domain.guards import slippage_bps
from tradebot.domain.orders import Side
from tradebot.domain.quotes import Level, Quote

_BPS = Decimal(10_000)


@dataclass(slots=True, kw_only=True)
class Entry:
    """What became of one wish to buy or sell in one run of the session. Money in rupees."""

    correlation_id: str
    symbol: str
    is_placed: bool = False
    reasons: list[str] = field(default_factory=list)
    quantity: int = 0
    filled: int = 0
    average: Decimal | None = None
    slippage_bps: Decimal | None = None
    side: Side = Side.BUY
    quote: Quote | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """An entry that the other thresholds would have decided differently. `slippage_bps` and `rupees` are of its real
    fills, or with `is_estimate` what walking the book of then would have cost; None where nothing is known."""

    symbol: str
    correlation_id: str
    reasons: tuple[str, ...]
    slippage_bps: Decimal | None
    rupees: Decimal | None
    is_estimate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """`blocked` were placed and would not have been, `let_through` the other way round."""

    entries: int
    placed: int
    not_evaluated: int
    blocked: tuple[Changed, ...]
    let_through: tuple[Changed, ...]

    @property
    def rupees_saved(self) -> Decimal:
        """The slippage of the fills that would not have been; a negative sum is a gain given up."""
        return sum((one.rupees for one in self.blocked if one.rupees is not None), Decimal(0))

    @property
    def rupees_spent(self) -> Decimal:
        return sum((one.rupees for one in self.let_through if one.rupees is not None), Decimal(0))


def what_if(session: Path, folder: Path, wanted: Mapping[str, str]) -> WhatIf:
    """Both runs are through today's code: what differs comes from the thresholds alone. Raises what `Playback` does."""
    then, not_evaluated = _entries(Playback(session, folder, {}))
    now, _ = _entries(Playback(session, folder, wanted))
    pairs = [(then[name], now[name]) for name in then if name in now]
    return WhatIf(
        entries=len(then),
        placed=sum(entry.is_placed for entry in then.values()),
        not_evaluated=not_evaluated,
        blocked=tuple(_real(was, is_) for was, is_ in pairs if was.is_placed and not is_.is_placed),
        let_through=tuple(_estimate(was, is_) for was, is_ in pairs if is_.is_placed and not was.is_placed),
    )


def _entries(playback: Playback) -> tuple[dict[str, Entry], int]:
    """By correlation id: every wish that a guard judged, in the order of the day; and how many had no book."""
    found: dict[str, Entry] = {}
    nights = 0

    def hear(event: Event) -> None:
        nonlocal nights
        nights += event.name is EventName.GUARD_NOT_EVALUATED
        if event.name is EventName.GUARD_BLOCK and not event.fields["shadow"]:
            entry = found.setdefault(event.correlation_id, _entry(event, playback))
            entry.reasons.append(str(event.fields["block_reason"]))
        elif event.name is EventName.ORDER_INTENT and event.fields["side"] == Side.BUY:
            entry = found.setdefault(event.correlation_id, _entry(event, playback))
            entry.is_placed, entry.quantity = True, int(str(event.fields["quantity"]))
        elif event.correlation_id in found:
            _follow(found[event.correlation_id], event)

    playback.run(hear)
    return found, nights


def _entry(event: Event, playback: Playback) -> Entry:
    symbol = str(event.fields["symbol"])
    return Entry(correlation_id=event.correlation_id, symbol=symbol, quote=playback.quotes.get(symbol))


def _follow(entry: Entry, event: Event) -> None:
    if event.name == "ENTRY_SLIPPAGE":
        entry.slippage_bps = Decimal(str(event.fields["slippage_bps"]))
    if event.fields.get("side") == Side.BUY and event.fields.get("filled_qty"):
        entry.filled = int(str(event.fields["filled_qty"]))
        average = event.fields["avg_price"]
        entry.average = Decimal(str(average)) if average is not None else entry.average


def _real(was: Entry, is_: Entry) -> Changed:
    """Placed then, blocked now: what its fills really cost is known."""
    reference = was.quote.best_ask if was.quote is not None else None
    found = was.slippage_bps
    if found is None and was.average is not None and reference is not None:
        found = slippage_bps(was.side, was.average, reference)
    value = (was.average or Decimal(0)) * was.filled
    return Changed(
        symbol=was.symbol,
        correlation_id=was.correlation_id,
        reasons=tuple(is_.reasons),
        slippage_bps=found if was.filled else None,
        rupees=found * value / _BPS if found is not None and was.filled else None,
        is_estimate=False,
    )


def _estimate(was: Entry, is_: Entry) -> Changed:
    """Blocked then, placed now: its fills never were; the book of then says what it would have cost at least."""
    quote = was.quote
    walked = _walk(quote.asks, is_.quantity) if quote is not None and quote.asks else None
    found = slippage_bps(is_.side, walked, quote.asks[0].price) if walked is not None and quote is not None else None
    return Changed(
        symbol=is_.symbol,
        correlation_id=is_.correlation_id,
        reasons=tuple(was.reasons),
        slippage_bps=found,
        rupees=found * walked * is_.quantity / _BPS if found is not None and walked is not None else None,
        is_estimate=True,
    )


def _walk(levels: Sequence[Level], quantity: int) -> Decimal:
    left, value = quantity, Decimal(0)
    for level in levels:
        taken = min(left, level.quantity)
        value, left = value + taken * level.price, left - taken
    return (value + left * levels[-1].price) / quantity
