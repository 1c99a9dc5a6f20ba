"""All that the engine needs from outside. Paper, replay, live and test are different adapters behind these."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Protocol, runtime_checkable

from tradebot.domain.broker_views import BrokerOrder, BrokerTrade, Funds, Holding, Ticket
from tradebot.domain.coids import IntentKey
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.kill import Latch
from tradebot.domain.lifecycle_ids import Resolved
from tradebot.domain.orders import Attempt, BrokerOrderId, Coid, OrderId, Variety
from tradebot.domain.outbox import OutboxEntry, OutboxKind
from tradebot.domain.positions import Position
from tradebot.domain.quotes import Bar, Quote
from tradebot.domain.registry_entries import RegistryEntry
from tradebot.domain.signals import Signal
from tradebot.domain.stored import Changes, Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a broker's answers prove.

    `absence_is_proof`: an order that is not in the book was never accepted.
    `visibility_delay`: how long an accepted order may stay out of the book.
    `refuses_duplicate_tag`: a second order with the same tag is refused.
    """

    name: str
    absence_is_proof: bool
    visibility_delay: timedelta
    tag_length_max: int
    refuses_duplicate_tag: bool


class Broker(Protocol):
    """One account at one broker. Every method may raise the errors of `domain.errors.BrokerError`."""

    @property
    def capabilities(self) -> Capabilities: ...

    def place(self, ticket: Ticket) -> BrokerOrderId:
        """Send one order. Never retried by an adapter."""
        ...

    def modify(
        self,
        broker_order_id: BrokerOrderId,
        variety: Variety,
        *,
        quantity: int,
        price: Decimal,
        adds: Decimal | None = None,
    ) -> None:
        """Ask for another quantity or limit price; the answer says only that the request was taken. `adds` is how many
        rupees an entry takes on more by it, and None where nothing is taken on: then the kill switch lets it pass."""
        ...

    def cancel(self, broker_order_id: BrokerOrderId, variety: Variety) -> None:
        """Ask for a cancellation; the answer says only that the request was taken."""
        ...

    def order_book(self) -> Sequence[BrokerOrder]:
        """Every order of the day, parked after-market orders included."""
        ...

    def order(self, broker_order_id: BrokerOrderId) -> BrokerOrder | None:
        """The last state of one order, also of an earlier day where the broker keeps it."""
        ...

    def trades(self) -> Sequence[BrokerTrade]:
        """Every execution of the day."""
        ...

    def order_trades(self, broker_order_id: BrokerOrderId) -> Sequence[BrokerTrade]:
        """The executions of one order, also of an earlier day where the broker keeps them."""
        ...

    def holdings(self) -> Sequence[Holding]: ...

    def funds(self) -> Funds: ...

    def terms(self, symbols: Sequence[str]) -> Mapping[str, InstrumentTerms]:
        """Today's (after the evening's update: the next day's) tick sizes, bands and freeze quantities of these
        symbols; one that the broker does not know is left out."""
        ...


class MarketData(Protocol):
    """Prices. `quotes` leaves out a symbol it has nothing for."""

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]: ...


class History(Protocol):
    """Daily bars, adjusted to the prices of `as_of` for splits and bonus issues that take effect up to then."""

    def symbols(self) -> Sequence[str]: ...

    def bars(self, symbol: str, as_of: date, count: int) -> Sequence[Bar]:
        """The last `count` bars before the day `as_of`, oldest first; fewer where there are no more."""
        ...

    def halted(self, as_of: date) -> Mapping[str, str]:
        """Symbols with an undeclared price jump known before `as_of`, with the figures in words."""
        ...


class Strategy(Protocol):
    """Makes signals after the close, and says at which price a position is to be sold."""

    @property
    def name(self) -> str: ...

    def signals(self, trading_day: date, history: History, held: Sequence[Position]) -> Sequence[Signal]:
        """The signals for `trading_day`, from bars before it. The same input gives the same signals and ids."""
        ...

    def target(self, position: Position, as_of: date, history: History) -> Decimal | None:
        """The sell target of a position for the trading day `as_of`, in rupees, before rounding to the tick."""
        ...


@runtime_checkable
class KnowsIndicators(Protocol):
    """A strategy that can say whether what it judges a symbol by is there; asked before a failed buy is tried again."""

    def has_indicators(self, symbol: str, as_of: date, history: History) -> bool: ...


class OrderStore(Protocol):
    """The database. Only the engine thread saves; anybody may read."""

    def load(self, since: date) -> Stored:
        """What the engine starts from; of what is finished, the trading days from `since` on."""
        ...

    def save(self, changes: Changes) -> None:
        """One transaction; durable on return. Raises SaveFailed, and then nothing was saved."""
        ...

    def attempts(self, coids: Sequence[Coid]) -> Sequence[Attempt]:
        """The attempts with these client order ids, finished ones too; ids that are not there are left out."""
        ...

    def batch_fingerprint(self, batch_id: str) -> str | None:
        """The fingerprint of a batch of any day; None when there is none."""
        ...

    def order_of(self, coid: Coid) -> OrderId | None:
        """The order that has, or once had, this client order id."""
        ...

    def close(self) -> None: ...


class Outbox(Protocol):
    """What waits in the database to be sent outside; for reading only. What became of an entry is told to the engine
    (`OutboxMarked`), which alone writes the database."""

    def waiting(self, kind: OutboxKind, limit: int) -> Sequence[OutboxEntry]:
        """The entries that are not settled, the most urgent first: critical ones, then the oldest."""
        ...

    def known(self, ids: Sequence[str]) -> frozenset[str]:
        """Which of these are in the database, settled or not."""
        ...


class IdRegistry(Protocol):
    """The client order ids in `state/coid_registry.json` and its journal."""

    def get(self, coid: Coid) -> RegistryEntry | None: ...

    def attempts_of(self, key: IntentKey) -> Sequence[RegistryEntry]:
        """Every entry of one intent, oldest first."""
        ...

    def open_entries(self) -> Sequence[RegistryEntry]: ...

    def entries(self) -> Sequence[RegistryEntry]:
        """All of them, finished ones too."""
        ...

    def reserve(self, entries: Sequence[RegistryEntry]) -> None:
        """Add entries; durable on return (one sync for all, and for the notes before them)."""
        ...

    def note(self, entries: Sequence[RegistryEntry]) -> None:
        """Replace entries; written at once, durable with the next `reserve` or `sync`."""
        ...

    def sync(self) -> None: ...

    def fold(self, prune_finished_before: datetime) -> None:
        """Write the snapshot anew and empty the journal; finished entries last updated before the instant go."""
        ...

    def close(self) -> None: ...


class KillLatch(Protocol):
    """The kill switch's state outside of this process; any thread may look and change it."""

    def read(self) -> Latch | None:
        """None: not latched. Never raises: what cannot be read is a latch."""
        ...

    def latch(self, latch: Latch) -> None:
        """Durable on return. Raises OSError."""
        ...

    def release(self) -> None:
        """Durable on return. Raises OSError."""
        ...


class SpaceReserve(Protocol):
    """Room on the disk that is kept for what must still be saved when the disk is full."""

    def give_back(self) -> bool:
        """True when there was some to give."""
        ...

    def take(self) -> bool:
        """Keep it, or see that it is kept; False while there is no room for it."""
        ...


class IdLookup(Protocol):
    """A cache from ids to orders that any thread may ask; losing all of it changes no answer."""

    def get(self, name: str) -> Resolved | None: ...

    def put(self, entries: Iterable[tuple[str, Resolved]]) -> None:
        """What was saved. Never raises: what could not be kept is not answered from here."""
        ...


class Clock(Protocol):
    def now(self) -> datetime:
        """The wall clock, aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...


class SendMeter(Protocol):
    """Compares what was asked for with what leaves, at the last point before the broker."""

    def enter(self, tag: Coid, quantity: int) -> None:
        """An order was asked for and is saved: from now on it may leave."""
        ...

    def begin(self, gross: Mapping[Variety, Decimal]) -> None:
        """What the entries are worth that have left today, in rupees: a restart does not begin at nothing."""
        ...


class Chance(Protocol):
    def number(self, *about: str) -> int:
        """A number from 0 to 2^128 - 1 for what it is about; a replay gets the same one each time."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedJob:
    """A job of one trading day. With `until`, it is due every minute from `at` up to and including `until`
    (every `every_minutes` of the hour); without, once."""

    name: str
    at: datetime
    until: datetime | None = None
    every_minutes: int = 1


class Scheduler(Protocol):
    """Tells when a job is due, by putting `(name, planned instant)` where it was told to; does nothing else."""

    def plan(self, jobs: Sequence[PlannedJob]) -> None:
        """Replace everything planned so far, one-shot jobs of `once` excepted. Past instants are left out."""
        ...

    def once(self, name: str, at: datetime) -> None: ...


class Lanes(Protocol):
    """Where slow calls run. Work of one lane runs one after the other, in the order it was handed over."""

    def hand_over(self, lane: str, work: Callable[[], None]) -> None: ...

    def close(self, timeout_s: float) -> bool:
        """Take no more work and wait for what is in flight; True when all of it ended in time."""
        ...


class Disk(Protocol):
    """File operations, each of which is one effect that a crash can fall before or after."""

    def append(self, path: Path, data: bytes) -> None:
        """Write all of `data` at the end of the file (made when it is not there). Not durable yet."""
        ...

    def sync(self, path: Path) -> None: ...

    def replace(self, source: Path, target: Path) -> None: ...

    def sync_dir(self, folder: Path) -> None: ...

    def truncate(self, path: Path, size: int) -> None: ...

    def remove(self, path: Path) -> None: ...

    def read(self, path: Path) -> bytes | None:
        """The whole file, or None when there is none."""
        ...

    def names(self, folder: Path) -> Sequence[str]:
        """The names of the files in a folder, in order; none when there is no such folder."""
        ...

    def lock(self, path: Path) -> AbstractContextManager[None]:
        """Own the path until the context ends or the process dies. Raises AlreadyRunning, which names the holder."""
        ...
