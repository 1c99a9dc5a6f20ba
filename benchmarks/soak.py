"""Many trading days in virtual time with many symbols: what must not grow, after the first day and after the last.

`python -m benchmarks.soak FOLDER DAYS SYMBOLS SIGNALS` is the process that lives through them, with HTTP switched on
and read from every evening; it prints what it found as one line of JSON.
"""

from __future__ import annotations

import gc
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, time
from itertools import islice
from pathlib import Path
from time import perf_counter, sleep

import psutil
from websockets.sync.client import connect

from benchmarks.figures import Goal, Line, Row, at_most, holds
from benchmarks.replay import busy
from benchmarks.wire import Wire, get
from config.loading import load_settings
from config.market_rules import load_market
from config.settings import Settings
from tests.builders import ACCOUNT
from tradebot.adapters.disk import OPEN_FILES_MAX
from tradebot.adapters.storage.database import CONNECTIONS_MAX
from tradebot.app.http import HttpFace
from tradebot.app.replay import open_replay
from tradebot.domain.calendar import ist

FIRST_DAY = date(2026, 9, 1)
SYMBOLS = 200
SIGNALS_PER_DAY = 60

_ROOT = Path(__file__).parents[1]
_MEGABYTE = 1024 * 1024
_FILES_BESIDE = 4
"""Log, lock and events are no files of the disk's own bounded set."""
_POOLED = "AnyIO worker thread"
_CLOSED_S_MAX = 30.0
_READS = ("/health", "/metrics", "/api/v1/user/orders?limit=50", "/api/v1/user/orders/statistics", "/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evening:
    """What stands when a day is over. Sizes in bytes; `objects` are the blocks that Python has allocated.

    The database's pool opens a connection when two readers meet, whichever evening that is, and keeps it; the disk
    keeps some files open that it has written, and changes the oldest for a new one. Both are bounded, and counted
    apart from the other handles. The server's pool does so with its threads, which are not counted.
    """

    memory: int
    objects: int
    threads: int
    handles: int
    files: int
    connections: int
    registry: int
    database: int
    exchange: int
    log: int
    session: int
    orders: int


def soak(folder: Path, days: int, symbols: int = SYMBOLS, signals: int = SIGNALS_PER_DAY) -> Row:
    command = [sys.executable, "-m", "benchmarks.soak", str(folder), str(days), str(symbols), str(signals)]
    answer = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise RuntimeError(answer.stderr[-2_000:])
    evenings = [Evening(**fields) for fields in json.loads(answer.stdout.splitlines()[-1])]
    return Row(
        name=f"soak: {days} trading days in virtual time, {symbols} symbols",
        peer="its own first day",
        headings=("what", "first day", "middle", "last day", "a day, first half", "a day, second half"),
        lines=[_line(name, [getattr(it, name) for it in evenings]) for name in Evening.__slots__],
        notes=(
            f"{signals} signals a day, everything on, HTTP and its stream read every evening",
            "sizes in kB; database, exchange, log and session are books: they grow by what happened, day by day",
        ),
        goals=goals(evenings),
    )


def goals(evenings: Sequence[Evening]) -> Sequence[Goal]:
    """Flat after the first day; the registry keeps some days, so it is flat when those are over."""
    first, last = evenings[0], evenings[-1]
    half, late = evenings[len(evenings) // 2], evenings[len(evenings) * 2 // 3]
    return [
        holds("threads as after the first day", last.threads <= first.threads, f"{first.threads}, {last.threads}"),
        holds("handles as after the first day", last.handles <= first.handles, f"{first.handles}, {last.handles}"),
        at_most("files of its own", last.files, OPEN_FILES_MAX + _FILES_BESIDE),
        at_most("connections to the database", last.connections, CONNECTIONS_MAX),
        at_most("memory, last day / first", last.memory / first.memory, 1.25),
        at_most("memory, last day / two thirds of the way", last.memory / late.memory, 1.05),
        at_most("registry, last day / middle", last.registry / half.registry, 1.5),
    ]


def _line(name: str, values: Sequence[int]) -> Line:
    in_kb = name in {"memory", "registry", "database", "exchange", "log", "session"}
    divisor = 1024 if in_kb else 1
    half = len(values) // 2
    shown = [values[0], values[half], values[-1], _a_day(values[: half + 1]), _a_day(values[half:])]
    return Line(cells=(f"{name} kB" if in_kb else name, *(f"{value / divisor:,.0f}" for value in shown)))


def _a_day(values: Sequence[int]) -> float:
    return (values[-1] - values[0]) / max(1, len(values) - 1)


def live_through(folder: Path, days: int, symbols: int, signals: int) -> Sequence[Evening]:
    """The days themselves, in this process."""
    config, home = folder / "tradebot", folder / "home"
    write_configuration(config, symbols)
    calendar = load_market(config / "config" / "market").calendar
    planned = list(islice(calendar.trading_days_between(FIRST_DAY, calendar.last), days))
    settings = _settings(config, planned[-1].day, signals)
    http = HttpFace(settings, home)
    ports: list[int] = []
    evenings = []
    with (
        open_replay(settings, home=home, folder=config, on_turn=http.turn) as run,
        http.beside(run, lambda text: ports.append(_port_in(text))),
    ):
        run.engine.start()
        for day in planned:
            run.loop.run(ist(day.day, time(23, 30)))
            _read_everything(ports[0])
            evenings.append(evening(home, run.session, sum(run.orders.summary().orders.values())))
    return evenings


def write_configuration(folder: Path, symbols: int) -> None:
    """tradebot's own configuration with as many invented symbols alone, which borrow the numbers of known ones."""
    shutil.copytree(_ROOT / "config", folder / "config", ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    names = ", ".join(f'"SOAK{number}"' for number in range(symbols))
    group = '[[group]]\nexchange = "NSE"\nseries = "EQ"\nis_etf = false\nhas_derivatives = true\nband_pct = 10\n'
    text = f'{group}source = "invented, for a benchmark"\nprovisional = true\nsymbols = [{names}]\n'
    (folder / "config" / "market" / "instruments.toml").write_text(text, encoding="utf-8")


def _settings(folder: Path, last_day: date, signals: int) -> Settings:
    overrides = {"mode": "replay", "from": FIRST_DAY, "to": last_day, "speed": 0, "ui": "off", "seed": 1}
    settings = busy(load_settings(folder, {}, overrides), signals)
    http = {"enable_http_api": True, "http_port": 0, "http_requests_per_s": 10_000}
    return settings.model_copy(update={"http": settings.http.model_copy(update=http)})


def _port_in(text: str) -> int:
    """Of `the orders page is at http://127.0.0.1:8000/ (...)`."""
    return int(text.split("//")[1].split("/")[0].rsplit(":", 1)[1])


def _read_everything(port: int) -> None:
    """What people look at in the evening: the page, the lists, and the stream for a moment."""
    wire = Wire(port)
    for path in _READS:
        status, body = wire.ask(get(path))
        if status != 200:
            raise RuntimeError(f"{path}: {status} {body[:200]!r}")
    wire.close()
    with connect(f"ws://127.0.0.1:{port}/ws/orders/{ACCOUNT}") as socket:
        socket.recv(timeout=30)
    _wait_until_closed(port)


def _wait_until_closed(port: int) -> None:
    """The server's ends of the connections above: it closes them a moment after the client has."""
    ends_at = perf_counter() + _CLOSED_S_MAX
    while perf_counter() < ends_at:
        found = psutil.Process().net_connections("tcp")
        if not any(it.laddr.port == port and it.status != psutil.CONN_LISTEN for it in found):
            return
        sleep(0.02)


def evening(home: Path, session: Path, orders: int) -> Evening:
    """What stands now in this process, which wrote below `home` and `session`."""
    gc.collect()
    process, state = psutil.Process(), home / "state"
    paths = [Path(it.path) for it in process.open_files() if Path(it.path).is_relative_to(home)]
    of_the_database = [path for path in paths if path.name.startswith("tradebot.db")]
    return Evening(
        memory=process.memory_info().rss,
        objects=sys.getallocatedblocks(),
        threads=sum(not thread.name.startswith(_POOLED) for thread in threading.enumerate()),
        handles=process.num_fds() - len(paths),
        files=len(paths) - len(of_the_database),
        connections=sum(path.name == "tradebot.db" for path in of_the_database),
        registry=sum(path.stat().st_size for path in state.glob("coid_registry.*")),
        database=sum(path.stat().st_size for path in state.glob("tradebot.db*")),
        exchange=_size(state / "exchange"),
        log=_size(home / "logs"),
        session=_size(session),
        orders=orders,
    )


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    found: Sequence[Mapping[str, int]] = [
        asdict(evening) for evening in live_through(Path(sys.argv[1]), *(int(word) for word in sys.argv[2:]))
    ]
    print(json.dumps(found))
