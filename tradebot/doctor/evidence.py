"""What the checks judge: everything read once, without a trace; what cannot be read says why, and stops nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from config.loading import load_settings
from config.market_rules import Market, MarketDataFileError, load_market
from config.problems import ConfigError
from config.settings import Settings
from tradebot.adapters.brokers.paper import translate
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.overlay_disk import OverlayDisk
from tradebot.adapters.registry import JOURNAL, SNAPSHOT, CoidRegistry
from tradebot.adapters.registry_format import decode_snapshot
from tradebot.adapters.replay_home import MARKER
from tradebot.adapters.storage.book_reader import NoDatabase, StoredBooks, open_books_to_read
from tradebot.doctor.place import Place
from tradebot.domain.broker_views import BrokerOrder
from tradebot.domain.errors import StateCorrupt
from tradebot.domain.orders import Coid
from tradebot.domain.registry_entries import RegistryEntry
from tradebot.exchange.books import SNAPSHOT as EXCHANGE_SNAPSHOT
from tradebot.exchange.books import read_all
from tradebot.exchange.codec import archived_in
from tradebot.exchange.rows import TradeRow

Value = TypeVar("Value")

_NEVER = datetime.min.replace(tzinfo=UTC)
_READINGS_MAX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """What could not be read: why, what the operator can do, and the particulars."""

    problem: str
    mend: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeOrder:
    """An order of the exchange's books in our words, with its executions."""

    row: BrokerOrder
    account_id: str
    trades: Sequence[TradeRow]


Registry = Mapping[Coid, RegistryEntry]
Exchange = Sequence[ExchangeOrder]


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The three that must agree, and what SQLite says about the file; None where there is none yet."""

    registry: Registry | Unreadable | None
    database: StoredBooks | Unreadable | None
    exchange: Exchange | Unreadable | None
    damage: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """`now` is the machine's clock. `at` is the instant at which the books stand: in a home of replays the last one
    they tell of, else `now`. `in_force` are the settings, or the defaults where they cannot be read. `since` is from
    when on the registry keeps finished ids."""

    place: Place
    now: datetime
    at: datetime
    since: datetime
    in_force: Settings
    settings: Settings | Unreadable
    market: Market | Unreadable
    books: Books

    def read_again(self) -> Books:
        """The books as they are now: what differs only for a moment, beside a running daemon, is no difference."""
        return _books(self.place, self.in_force, self.since)


def gather(place: Place) -> Evidence:
    settings = _settings(place)
    in_force = Settings.of([]) if isinstance(settings, Unreadable) else settings
    now = place.clock.now()
    at = _books_stand_at(place, in_force) or now
    since = at - timedelta(days=in_force.orders.registry_keep_days)
    return Evidence(
        place=place,
        now=now,
        at=at,
        since=since,
        in_force=in_force,
        settings=settings,
        market=_market(place),
        books=_books(place, in_force, since),
    )


def _settings(place: Place) -> Settings | Unreadable:
    try:
        return load_settings(place.folder, place.environ)
    except ConfigError as error:
        lines = tuple(str(problem) for problem in error.problems)
        return Unreadable(problem=f"{len(lines)} problems", mend="mend each place that is named", lines=lines)


def _market(place: Place) -> Market | Unreadable:
    try:
        return load_market(place.folder / "config" / "market")
    except MarketDataFileError as error:
        lines = tuple(f"config/market/{problem}" for problem in error.problems)
        return Unreadable(problem=f"{len(lines)} problems", mend="mend each line that is named", lines=lines)


def _books_stand_at(place: Place, settings: Settings) -> datetime | None:
    if not (place.state / MARKER).exists():
        return None
    try:
        with open_books_to_read(settings.run.database_url_in(place.home)) as reader:
            return reader.latest()
    except (StateCorrupt, OSError, ImportError):
        return None


def _books(place: Place, settings: Settings, since: datetime) -> Books:
    """The database last: it is asked for every id that the others know, also the finished ones of long ago."""
    registry = _unless_corrupt(lambda: _registry(place))
    exchange = _unless_corrupt(lambda: _exchange(place))
    coids = set(registry) if isinstance(registry, Mapping) else set()
    if not isinstance(exchange, Unreadable) and exchange is not None:
        coids |= {order.row.tag for order in exchange if order.row.tag is not None}
    damage: Sequence[str] = ()

    def read_database() -> StoredBooks | None:
        nonlocal damage
        try:
            with open_books_to_read(settings.run.database_url_in(place.home)) as reader:
                damage = reader.damage()
                return reader.books(since, coids)
        except NoDatabase:
            return None

    database = _unless_corrupt(read_database)
    return Books(registry=registry, database=database, exchange=exchange, damage=damage)


def _unless_corrupt(read: Callable[[], Value]) -> Value | Unreadable:
    try:
        return read()
    except StateCorrupt as error:
        return Unreadable(problem=f"{error.place}: {error.problem}", mend=error.mend)
    except OSError as error:
        return Unreadable(problem=str(error), mend="give the folder to the user who runs tradebot")
    except ImportError as error:
        return Unreadable(problem=str(error), mend="install the database's driver into .venv")


def _registry(place: Place) -> Registry | None:
    """What a start would find, by the code of a start, on a disk that keeps what it writes to itself.

    A daemon may fold its registry between the readings of the two files: then they do not fit, and are read again.
    """
    for _ in range(_READINGS_MAX - 1):
        before = _stamps(place)
        try:
            return _registry_as_a_start_finds_it(place)
        except StateCorrupt:
            if _stamps(place) == before:
                raise
    return _registry_as_a_start_finds_it(place)


def _stamps(place: Place) -> list[tuple[int, int] | None]:
    paths = [place.state / name for name in (SNAPSHOT, JOURNAL)]
    return [(path.stat().st_mtime_ns, path.stat().st_ino) if path.exists() else None for path in paths]


def _registry_as_a_start_finds_it(place: Place) -> Registry | None:
    if not any((place.state / name).exists() for name in (SNAPSHOT, JOURNAL)):
        return None
    disk = OverlayDisk(RealDisk())
    registry = CoidRegistry.open(disk, place.state, place.clock.now())
    registry.fold(_NEVER)
    snapshot = decode_snapshot(disk.read(place.state / SNAPSHOT) or b"", str(place.state / SNAPSHOT))
    return {entry.coid: entry for entry in snapshot.entries}


def _exchange(place: Place) -> Exchange | None:
    folder = place.state / "exchange"
    if not (folder / EXCHANGE_SNAPSHOT).exists():
        return None
    archived = [archived_in(entry) for entry in read_all(folder)]
    return [
        ExchangeOrder(row=translate(each.order), account_id=each.order.account_id, trades=each.trades)
        for each in archived
    ]
