"""Adding and resolving lifecycle ids, beside the bare insert and the bare select on the same table."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

from sqlalchemy import Engine

from benchmarks.figures import Goal, Line, Row, at_least, at_most
from tests.builders import NOON, an_order
from tradebot.adapters.lookups import MemoryLookup
from tradebot.adapters.storage.lifecycle_store import LifecycleStore, NewId
from tradebot.adapters.storage.order_store import SqlOrderStore
from tradebot.adapters.storage.schema_version import create_database
from tradebot.domain.lifecycle_ids import IdType
from tradebot.domain.orders import Coid, OrderId
from tradebot.domain.stored import Changes

_ORDERS = 1_000
_IN_A_BATCH = 500
_INSERT = (
    "INSERT INTO order_lifecycle_ids (order_id, id_type, lifecycle_id, status, notes, created_at, updated_at)"
    " VALUES (?, 'close_id', ?, 'active', '', ?, ?)"
)
_CLEAR = "DELETE FROM order_lifecycle_ids WHERE id_type = 'close_id'"
_SELECT = "SELECT order_id, id_type, status FROM order_lifecycle_ids WHERE lifecycle_id = ?"
_HEADINGS = ("what", "a second", "bare a second", "bare / ours")


def lifecycle(folder: Path, runs: int, rounds: int) -> Row:
    """The median of the runs, each with `rounds` rounds of ours and of the bare statement in turns."""
    path = folder / "ids.db"
    engine = create_database(f"sqlite:///{path}", "power")
    orders = [an_order(id=OrderId(str(n)), coid=Coid(f"C{n}")) for n in range(_ORDERS)]
    SqlOrderStore(engine).save(Changes(orders=orders))
    with closing(sqlite3.connect(path, isolation_level=None)) as bare:
        bare.execute("PRAGMA synchronous = FULL")
        found = [_run(engine, bare, run, rounds) for run in range(runs)]
    engine.dispose()
    middle = [tuple(median(run[row][side] for run in found) for side in (0, 1)) for row in range(len(_WHAT))]
    lines = [_line(what, *speeds) for what, speeds in zip(_WHAT, middle, strict=True)]
    return Row(
        name="ids: lifecycle ids added and resolved",
        peer="the driver's own INSERT with a commit, and SELECT by the indexed id, on the same table",
        headings=_HEADINGS,
        lines=lines,
        notes=[f"{rounds} rounds a run, {_IN_A_BATCH} ids in a batch, {_ORDERS:,} orders; files are synced"],
        goals=_goals(*middle),
    )


_WHAT = (
    "adds, one transaction each",
    "adds, in batches",
    "resolutions from memory",
    "resolutions from the table",
)


def _goals(
    single: tuple[float, ...], batch: tuple[float, ...], memory: tuple[float, ...], table: tuple[float, ...]
) -> Sequence[Goal]:
    """Each with ours and the bare one, of a second."""
    return [
        at_least("durable adds", single[0], 5_000, "a second"),
        at_least("adds in batches", batch[0], 20_000, "a second"),
        at_least("resolutions from memory", memory[0], 1_000_000, "a second"),
        at_most("select / resolution from the table", table[1] / table[0], 3.0),
    ]


def _run(engine: Engine, bare: sqlite3.Connection, run: int, rounds: int) -> Sequence[tuple[float, float]]:
    store = LifecycleStore(engine, MemoryLookup())
    names = [f"{run}-{number}" for number in range(rounds)]
    single = _in_turns(
        names,
        lambda name: store.add(_new(f"SL{name}", IdType.STOP_LOSS, name), NOON),
        lambda name: bare.execute(_INSERT, (_order(name), f"B{name}", *_stamps())),
        before_bare=lambda: bare.execute(_CLEAR),
    )
    many = [_new(f"TP{run}-{number}", IdType.TAKE_PROFIT, str(number)) for number in range(_IN_A_BATCH)]
    began = perf_counter()
    store.add_many(many, NOON)
    batch = _IN_A_BATCH / (perf_counter() - began)
    bare.execute(_CLEAR)
    began = perf_counter()
    bare.execute("BEGIN IMMEDIATE")
    bare.executemany(_INSERT, [(_order(str(n)), f"BB{run}-{n}", *_stamps()) for n in range(_IN_A_BATCH)])
    bare.execute("COMMIT")
    bare_batch = _IN_A_BATCH / (perf_counter() - began)
    known = [f"SL{name}" for name in names]
    memory = _many_times(known, lambda name: store.resolve(name, NOON))
    cold = LifecycleStore(engine, _NoLookup())
    table = _in_turns(
        known,
        lambda name: cold.resolve(name, NOON),
        lambda name: bare.execute(_SELECT, (name,)).fetchone(),
    )
    bare_select = table[1]
    store.close()
    cold.close()
    return [single, (batch, bare_batch), (memory, bare_select), table]


def _in_turns(
    names: Sequence[str],
    ours: Callable[[str], object],
    bare: Callable[[str], object],
    before_bare: Callable[[], object] = lambda: None,
) -> tuple[float, float]:
    """How many of each a second, round by round in turns."""
    before_bare()
    spent_ours = spent_bare = 0.0
    for name in names:
        began = perf_counter()
        ours(name)
        between = perf_counter()
        bare(name)
        ended = perf_counter()
        spent_ours += between - began
        spent_bare += ended - between
    return len(names) / spent_ours, len(names) / spent_bare


def _many_times(names: Sequence[str], resolve: Callable[[str], object]) -> float:
    rounds = max(1, 200_000 // len(names))
    began = perf_counter()
    for _ in range(rounds):
        for name in names:
            resolve(name)
    return rounds * len(names) / (perf_counter() - began)


class _NoLookup(MemoryLookup):
    """Keeps nothing, so that each answer is the table's."""

    def put(self, entries: object) -> None:  # type: ignore[override]
        pass


def _new(name: str, id_type: IdType, number: str) -> NewId:
    return NewId(order_id=_order(number), id_type=id_type, lifecycle_id=name)


def _order(name: str) -> OrderId:
    return OrderId(str(int(name.rsplit("-", 1)[-1]) % _ORDERS))


def _stamps() -> tuple[str, str]:
    at = (NOON + timedelta(seconds=1)).isoformat(timespec="microseconds")[:-6] + "Z"
    return at, at


def _line(what: str, ours: float, bare: float) -> Line:
    return Line(cells=(what, f"{ours:,.0f}", f"{bare:,.0f}", f"{bare / ours:.1f}"))
