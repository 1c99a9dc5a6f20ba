"""An engine from its ports: the same for a replay, for paper trading and for a simulation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tradebot.adapters.brokers.latched import LatchedBroker
from tradebot.adapters.brokers.metered import MeteredBroker, SendCounter
from tradebot.adapters.chance import SeededChance
from tradebot.adapters.kill_latch import MemoryLatch
from tradebot.adapters.lookups import MemoryLookup
from tradebot.domain.calendar import AmoWindow, Calendar, ist_date
from tradebot.domain.corporate_actions import CorporateAction
from tradebot.domain.market_rules import MarketRules
from tradebot.domain.policy import Policy
from tradebot.domain.stored import Stored
from tradebot.engine.announcing import Announcer
from tradebot.engine.answers import AnswerDesk
from tradebot.engine.bus import Bus
from tradebot.engine.calls import Outside
from tradebot.engine.engine import Engine, Parts, Recorder
from tradebot.engine.ids import OrderIds
from tradebot.engine.inbox import Inbox
from tradebot.engine.messages import Job, JobDue
from tradebot.engine.recovery import remember
from tradebot.engine.room import NoReserve
from tradebot.engine.session_start import SessionBegan, known_attempts
from tradebot.engine.setting import Setting
from tradebot.ports import (
    Broker,
    Chance,
    Clock,
    History,
    IdLookup,
    IdRegistry,
    KillLatch,
    Lanes,
    MarketData,
    OrderStore,
    Scheduler,
    SpaceReserve,
    Strategy,
)
from tradebot.runtime.interpreter import uncollected


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The adapters of one daemon, chosen by the settings, or by a test."""

    clock: Clock
    scheduler: Scheduler
    lanes: Lanes
    registry: IdRegistry
    store: OrderStore
    broker: Broker
    market_data: MarketData
    history: History
    strategies: Sequence[Strategy]
    bus: Bus
    recorder: Recorder
    answers: AnswerDesk = field(default_factory=AnswerDesk)
    announcers: Sequence[Announcer] = ()
    latch: KillLatch = field(default_factory=MemoryLatch)
    lookup: IdLookup = field(default_factory=MemoryLookup)
    chance: Chance = field(default_factory=lambda: SeededChance(0))
    reserve: SpaceReserve = field(default_factory=NoReserve)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The dated data and the operator's policy that one daemon works by."""

    policy: Policy
    calendar: Calendar
    amo: AmoWindow
    actions: Sequence[CorporateAction]
    market: MarketRules
    configuration: Mapping[str, str] = field(default_factory=dict)
    """By key, in the words of the file, for the flight record."""


def build_engine(ports: Ports, rules: Rules, inbox: Inbox) -> Engine:
    """An engine with its memory rebuilt from the database. Raises StateCorrupt when its books contradict each other."""
    now = ports.clock.now()
    with uncollected():
        stored = ports.store.load(ist_date(now))
    ports.recorder.record(0, now, _session_began(ports, rules, stored, now))
    setting = Setting(
        policy=rules.policy,
        calendar=rules.calendar,
        amo=rules.amo,
        actions=rules.actions,
        rules=rules.market,
        capabilities=ports.broker.capabilities,
        registry=ports.registry,
        latch=ports.latch,
        ids=OrderIds(stored.highest_order_id),
        chance=ports.chance,
    )
    meter = SendCounter(ports.clock, lambda: setting.policy.risk.gross_per_day_max)
    outside = Outside(
        broker=MeteredBroker(LatchedBroker(ports.broker, ports.latch), meter),
        market_data=ports.market_data,
        history=ports.history,
        strategies=ports.strategies,
        clock=ports.clock,
    )
    parts = Parts(
        store=ports.store,
        outside=outside,
        lanes=ports.lanes,
        scheduler=ports.scheduler,
        clock=ports.clock,
        bus=ports.bus,
        recorder=ports.recorder,
        answers=ports.answers,
        lookup=ports.lookup,
        announcers=ports.announcers,
        meter=meter,
        reserve=ports.reserve,
    )
    return Engine(setting, remember(stored, ports.store, ports.registry), inbox, parts)


def _session_began(ports: Ports, rules: Rules, stored: Stored, now: datetime) -> SessionBegan:
    return SessionBegan(
        at=now,
        configuration=rules.configuration,
        stored=stored,
        entries=tuple(ports.registry.entries()),
        known=known_attempts(stored, ports.store, ports.registry),
        capabilities=ports.broker.capabilities,
        amo=rules.amo,
        actions=tuple(rules.actions),
    )


def job_messages(inbox: Inbox) -> Callable[[str, datetime], None]:
    """What a scheduler is given: it puts each due job into the inbox, and does nothing else."""

    def deliver(name: str, at: datetime) -> None:
        inbox.put(JobDue(name=Job(name), at=at))

    return deliver
