"""The HTTP face of a run: opened beside the engine when it is switched on, and gone when the run ends."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine as DatabaseEngine

from config.kinds import Mode
from config.problems import ConfigError, Problem
from config.settings import Settings
from tradebot import __version__
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.entropy import new_id
from tradebot.adapters.storage.batch_reader import BatchReader
from tradebot.adapters.storage.database import connections_in_use, open_reading_engine, time_statements
from tradebot.adapters.storage.order_reader import OrderReader
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.adapters.token_file import TokenFile
from tradebot.app.facts import run_facts
from tradebot.app.live import Live
from tradebot.app.paper import Paper
from tradebot.app.replay import Replay
from tradebot.domain.access import Caller
from tradebot.domain.events import Event
from tradebot.domain.order_queries import OrderQuery

if TYPE_CHECKING:
    from tradebot.adapters.metrics import Metrics, Sources
    from tradebot.interfaces.api.health_watch import HealthWatch
    from tradebot.interfaces.api.overview import Overview
    from tradebot.interfaces.api.services import Part, Services
    from tradebot.interfaces.api.stream.hub import Hub

_log = logging.getLogger("tradebot.http")

TOKENS = Path("state") / "api_tokens.json"


def check_http(settings: Settings, home: Path) -> None:
    """Raises ConfigError for an address that others can reach while there is no token."""
    http = settings.http
    if not http.enable_http_api or _is_local(http.http_host):
        return
    if TokenFile(RealDisk(), home / TOKENS).grants():
        return
    text = "others can reach this address, and there is no token: make one with `main.py token create`, or listen on"
    problem = Problem(
        place=settings.origins["HTTP_HOST"], key="HTTP_HOST", value=http.http_host, text=f"{text} 127.0.0.1"
    )
    raise ConfigError([problem])


class HttpFace:
    """Made before the run is open, since it listens to the bus from the first event on."""

    def __init__(self, settings: Settings, home: Path) -> None:
        self._settings = settings
        self._home = home
        self._real = RealClock()
        self._watch: HealthWatch | None = None
        self._hub: Hub | None = None
        self._overview: Overview | None = None

    def turn(self) -> None:
        """On the engine's thread, whenever something may have changed."""
        if self._watch is not None and self._overview is not None:
            self._watch.turn()
            self._overview.turn()

    def _hear(self, event: Event) -> None:
        if self._watch is not None and self._hub is not None and self._overview is not None:
            self._watch(event)
            self._hub.heard(event)
            self._overview(event)

    @contextmanager
    def beside(self, run: Replay | Paper | Live, say: Callable[[str], None]) -> Iterator[None]:
        """Serves as long as the context lasts. A port that cannot be had is told by `say`, and the run goes on."""
        if not self._settings.http.enable_http_api:
            yield
            return
        from tradebot.adapters.metrics import Metrics
        from tradebot.interfaces.api.health_watch import HealthWatch
        from tradebot.interfaces.api.overview import Overview
        from tradebot.interfaces.api.server import CannotListen, HttpServer
        from tradebot.interfaces.api.stream.hub import Hub

        http = self._settings.http
        try:
            server = HttpServer(http.http_host, http.http_port)
        except CannotListen as cause:
            _log.warning("there is no HTTP interface: %s", cause)
            say(f"there is no HTTP interface: {cause}")
            yield
            return
        self._watch = HealthWatch(self._real)
        metrics = Metrics()
        self._hub = Hub(self._real, metrics, lambda: {"connected": True})
        self._overview = Overview(
            memory=run.engine.memory,
            setting=run.engine.setting,
            facts=run_facts(self._settings, run, self._real.monotonic()),
            marks=run.marks,
            clock=run.clock,
            real=self._real,
        )
        run.engine.bus.subscribe(self._hear)
        run.engine.bus.subscribe(metrics.heard)
        run.engine.bus.follow(self._hub.saved)
        run.engine.bus.follow(metrics.saved)
        with ExitStack() as stack:
            engine = open_reading_engine(self._settings.run.database_url_in(self._home))
            stack.callback(engine.dispose)
            stack.callback(server.stop)
            time_statements(engine, self._real.monotonic, metrics)
            orders = OrderReader(engine)
            metrics.look_at(self._sources(run, orders, engine))
            server.start(lambda: self._make(run, orders, BatchReader(engine), metrics))
            say(f"the orders page is at http://{_shown(http.http_host)}:{server.port}/{self._open_note()}")
            yield

    def _open_note(self) -> str:
        return "" if self._tokens().grants() else " (no token is made: programs of this machine have all rights)"

    def _tokens(self) -> TokenFile:
        return TokenFile(RealDisk(), self._home / TOKENS)

    def _sources(self, run: Replay | Paper | Live, orders: OrderReader, engine: DatabaseEngine) -> Sources:
        from tradebot.adapters.metrics import Sources

        everybody = OrderQuery()
        return Sources(
            orders=lambda: {str(status): count for status, count in orders.counts().items()},
            retriable=lambda: orders.figures(everybody, run.clock.now()).retriable,
            attempts=lambda: {str(status): count for status, count in orders.attempt_counts().items()},
            connections=lambda: connections_in_use(engine),
            rollout_phase=lambda: None,
        )

    def _make(self, run: Replay | Paper | Live, orders: OrderReader, batches: BatchReader, metrics: Metrics) -> Any:
        """On the server's thread: here FastAPI is imported."""
        from tradebot.interfaces.api.application import make_app

        return make_app(self._services(run, orders, batches, metrics), metrics)

    def _services(
        self, run: Replay | Paper | Live, orders: OrderReader, batches: BatchReader, metrics: Metrics
    ) -> Services:
        from tradebot.interfaces.api.command_desk import CommandDesk
        from tradebot.interfaces.api.services import Limits, Services

        assert self._hub is not None and self._overview is not None
        settings, http = self._settings, self._settings.http
        names = {http.http_host.lower(), *(name.lower() for name in http.http_names.split(",") if name)}
        return Services(
            orders=orders,
            batches=batches,
            desk=CommandDesk(run.engine.inbox, run.engine.answers),
            hub=self._hub,
            overview=self._overview,
            is_ready=lambda: run.engine.memory.is_reconciled,
            is_live=settings.run.mode is Mode.LIVE,
            tokens=self._tokens(),
            health=lambda: self._health(run, orders),
            clock=run.clock,
            real=self._real,
            metrics=metrics.text,
            new_id=new_id,
            local=Caller.local(settings.run.user_id, (settings.run.account_id,)),
            version=__version__,
            limits=Limits(
                requests_per_s=http.http_requests_per_s,
                body_bytes_max=http.http_body_kb_max * 1024,
                names=frozenset(names),
            ),
        )

    def _health(self, run: Replay | Paper | Live, orders: OrderReader) -> Mapping[str, Part]:
        assert self._watch is not None
        return self._watch.parts(run.engine.memory, orders.is_answering, self._stream)

    def _stream(self) -> str:
        return f"{self._hub.count()} clients" if self._hub is not None else "not open"


def _is_local(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
