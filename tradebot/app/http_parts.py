"""What the HTTP face of a run is made of: readers, stream, figures, webhooks; attached to the run's engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from config.kinds import Mode
from config.settings import Settings
from tradebot import __version__
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.entropy import new_id, new_secret
from tradebot.adapters.metrics import Metrics, Sources
from tradebot.adapters.storage.batch_reader import BatchReader
from tradebot.adapters.storage.database import connections_in_use, open_reading_engine, time_statements, time_writes
from tradebot.adapters.storage.order_reader import OrderReader
from tradebot.adapters.storage.outbox_reader import OutboxReader
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.adapters.token_file import TokenFile
from tradebot.adapters.webhooks.courier import Courier
from tradebot.adapters.webhooks.receivers import Receivers
from tradebot.adapters.webhooks.webhook_file import WebhookFile
from tradebot.app.facts import run_facts
from tradebot.app.live import Live
from tradebot.app.paper import Paper
from tradebot.app.replay import Replay
from tradebot.app.watching import api_source
from tradebot.domain.access import Caller
from tradebot.domain.events import Event
from tradebot.domain.order_queries import OrderQuery
from tradebot.domain.outbox import OutboxEntry
from tradebot.domain.webhooks import announced
from tradebot.engine.messages import OutboxMarked
from tradebot.interfaces.api.command_desk import CommandDesk
from tradebot.interfaces.api.health_watch import HealthWatch
from tradebot.interfaces.api.overview import Overview
from tradebot.interfaces.api.services import Limits, Part, Services
from tradebot.interfaces.api.stream.hub import Hub

WEBHOOKS = Path("state") / "webhooks.json"


class HttpParts:
    """A context: what it opens is closed at its end. It hears the run's bus from before the engine's start on."""

    def __init__(self, settings: Settings, home: Path, run: Replay | Paper | Live, tokens: TokenFile) -> None:
        """Raises StateCorrupt for a file of webhooks that cannot be trusted."""
        self._settings = settings
        self._run = run
        self._tokens = tokens
        self._real = RealClock()
        self._webhooks = WebhookFile(RealDisk(), home / WEBHOOKS)
        self._metrics = Metrics()
        self._watch = HealthWatch(self._real)
        self._hub = Hub(self._real, self._metrics, self._upstream)
        self._overview = Overview(
            memory=run.engine.memory,
            setting=run.engine.setting,
            facts=run_facts(settings, run, self._real.monotonic()),
            marks=run.marks,
            clock=run.clock,
            real=self._real,
        )
        self._database = open_reading_engine(settings.run.database_url_in(home))
        time_statements(self._database, self._real.monotonic, self._metrics)
        time_writes(run.orders.engine, self._real.monotonic, self._metrics)
        self._orders = OrderReader(self._database)
        self._courier = self._make_courier()

    def __enter__(self) -> Self:
        engine = self._run.engine
        engine.bus.subscribe(self._hear)
        engine.bus.follow(self._hub.saved)
        engine.bus.follow(self._metrics.saved)
        engine.bus.follow_cycles(self._metrics.cycle)
        engine.announce(lambda event: announced(event, self._webhooks.all()))
        self._metrics.look_at(self._sources())
        self._run.alerts.ask_too(api_source(self._metrics))
        self._courier.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._courier.stop()
        self._database.dispose()

    def turn(self) -> None:
        """On the engine's thread, whenever something may have changed."""
        self._watch.turn()
        self._overview.turn()

    def application(self) -> Any:
        """On the server's thread: here FastAPI is imported."""
        from tradebot.interfaces.api.application import make_app

        return make_app(self._services(), self._metrics)

    def _hear(self, event: Event) -> None:
        self._watch(event)
        self._hub.heard(event)
        self._overview(event)
        self._metrics.heard(event)

    def _upstream(self) -> Mapping[str, object]:
        """The broker's side of the stream; the embedded exchange is always there."""
        run = self._run
        return run.feed.status() if isinstance(run, Live) else {"connected": True, "source": "embedded exchange"}

    def _make_courier(self) -> Courier:
        return Courier(
            OutboxReader(self._database),
            self._webhooks.find,
            self._mark,
            self._run.clock,
            self._real,
            allows_private=self._settings.http.webhooks_allow_private,
        )

    def _mark(self, entries: list[OutboxEntry]) -> None:
        self._run.engine.inbox.put(OutboxMarked(entries=tuple(entries)))

    def _sources(self) -> Sources:
        orders, everybody, clock = self._orders, OrderQuery(), self._run.clock
        return Sources(
            orders=lambda: {str(status): count for status, count in orders.counts().items()},
            retriable=lambda: orders.figures(everybody, clock.now()).retriable,
            attempts=lambda: {str(status): count for status, count in orders.attempt_counts().items()},
            connections=lambda: connections_in_use(self._database),
            rollout_phase=lambda: self._run.vitals().rollout_phase,
        )

    def _services(self) -> Services:
        settings, engine = self._settings, self._run.engine
        return Services(
            orders=self._orders,
            batches=BatchReader(self._database),
            webhooks=Receivers(self._webhooks, allows_private=settings.http.webhooks_allow_private),
            desk=CommandDesk(engine.inbox, engine.answers),
            hub=self._hub,
            overview=self._overview,
            is_ready=lambda: engine.memory.is_reconciled,
            is_live=settings.run.mode is Mode.LIVE,
            tokens=self._tokens,
            health=self._health,
            clock=self._run.clock,
            real=self._real,
            metrics=self._metrics.text,
            new_id=new_id,
            new_secret=new_secret,
            local=Caller.local(settings.run.user_id, (settings.run.account_id,)),
            version=__version__,
            limits=_limits(settings),
        )

    def _health(self) -> Mapping[str, Part]:
        is_up = bool(self._upstream()["connected"])
        stream = Part(
            is_well=is_up,
            text=_clients(self._hub.count()) if is_up else "broker's stream is lost: the poll goes on",
            is_vital=False,
        )
        return self._watch.parts(self._run.engine.memory, self._orders.is_answering, stream)


def _clients(count: int) -> str:
    return f"{count} client" if count == 1 else f"{count} clients"


def _limits(settings: Settings) -> Limits:
    http = settings.http
    names = {http.http_host.lower(), *(name.lower() for name in http.http_names.split(",") if name)}
    return Limits(
        requests_per_s=http.http_requests_per_s,
        body_bytes_max=http.http_body_kb_max * 1024,
        names=frozenset(names),
    )
