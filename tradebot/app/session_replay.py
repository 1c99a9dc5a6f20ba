"""A recorded session run again: what came in then goes through today's code, and what comes out is compared."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from config.settings import Settings
from tradebot.adapters.chance import SeededChance
from tradebot.adapters.flight_decoding import decode
from tradebot.adapters.flight_record import read_flight
from tradebot.adapters.json_lines import json_value
from tradebot.adapters.recorded import (
    NothingPlanned,
    NothingRecorded,
    NothingSent,
    RecordedBroker,
    RecordedClock,
    RecordedMarket,
    RecordedRegistry,
    RecordedStore,
)
from tradebot.app.configuration import read_market
from tradebot.app.daemon import Ports, Rules, build_engine
from tradebot.domain.errors import StateCorrupt, TradebotError
from tradebot.domain.events import Event
from tradebot.domain.quotes import Quote
from tradebot.engine import messages
from tradebot.engine.bus import Bus
from tradebot.engine.commands import PolicyChanged
from tradebot.engine.engine import Engine
from tradebot.engine.inbox import Inbox
from tradebot.engine.messages import MarketSeen, Message, SignalsReady
from tradebot.engine.session_start import SessionBegan

KINDS: Mapping[str, type] = {kind.__name__: kind for kind in get_args(messages.Message)}

DECIDED_PREFIXES = ("ORDER_", "COID_", "GUARD_", "POSITION_", "EXIT_", "MANUAL_", "SIGNALS_", "ENTRIES_", "ENTRY_")
"""Events that are decisions, or follow from one: these are compared. Others tell of the process, not of what it
wants."""


class CannotBeReplayed(TradebotError):
    """The record does not have what it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One decision in the words of the session's `events.jsonl`."""

    at: str
    name: str
    message: str
    correlation_id: str
    fields: Mapping[str, Any]

    def is_same(self, other: Said) -> bool:
        """Whatever the clock said: it is what was decided that counts."""
        return replace(self, at="") == replace(other, at="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The `number`th decision, as it was recorded and as it is today; None where one of the two has ended."""

    number: int
    recorded: Said | None
    today: Said | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`is_cut`: the record of decisions ends before the record of what came in, as after a kill."""

    compared: int
    messages: int
    is_cut: bool
    difference: Difference | None


class Playback:
    """Today's engine on what a session started from, fed with what came in. `wanted` are keys with other values, in
    the words of the file."""

    def __init__(self, session: Path, folder: Path, wanted: Mapping[str, str]) -> None:
        """Raises CannotBeReplayed, ConfigError for wrong values, and StateCorrupt for a damaged record."""
        self._lines = read_flight(session / "flight.jsonl")
        self._wanted = wanted
        began = self._began()
        self._words = {**began.configuration, **wanted}
        self.events: list[Event] = []
        self.messages = 0
        self.quotes: dict[str, Quote] = {}
        """The newest quote of each symbol that an entry was judged by."""
        self._clock = RecordedClock(began.at)
        self._inbox = Inbox()
        self.engine = self._engine(began, folder)
        self._waiting: list[Message] = []

    def run(self, on_event: Callable[[Event], None] = lambda _: None) -> None:
        """`on_event` is told each event at its time, when `quotes` are those of its message."""
        self.engine.bus.subscribe(on_event)
        self.engine.start()
        for line in self._lines:
            if "message" not in line:
                raise CannotBeReplayed(f"{line.get('lost', 'some')} messages are missing in the record")
            message = self._message(line)
            if not line.get("joins"):
                self._handle()
            self._clock.at = datetime.fromisoformat(line["at"])
            self._waiting.append(message)
            self.messages += 1
        self._handle()

    @property
    def decided(self) -> list[Said]:
        return [_said(event) for event in self.events if _is_decision(event.name)]

    def _handle(self) -> None:
        """One transaction of then is one of today."""
        for message in self._waiting:
            self.quotes |= message.quotes if isinstance(message, SignalsReady | MarketSeen) else {}
            self._inbox.put_answer(message)
        self._waiting = []
        self.engine.run_pending()

    def _began(self) -> SessionBegan:
        first = next(self._lines, None)
        if first is None or first.get("kind") != SessionBegan.__name__:
            raise CannotBeReplayed("the record does not say what the session started from: it is of an older tradebot")
        return decode(SessionBegan, first["message"])

    def _message(self, line: Mapping[str, Any]) -> Message:
        try:
            message: Message = decode(KINDS[line["kind"]], line["message"])
        except (KeyError, TypeError, ValueError) as cause:
            place, problem = f"message {line.get('seq')}", f"cannot be read: {type(cause).__name__}: {cause}"
            raise StateCorrupt(place, problem, mend="replay it with the tradebot that recorded it") from cause
        return self._with_wanted(message) if isinstance(message, PolicyChanged) else message

    def _with_wanted(self, message: PolicyChanged) -> PolicyChanged:
        """The policy is made anew from its words, by today's code, and what is wanted otherwise stays."""
        self._words |= {key: new for key, _, new in message.changes if key not in self._wanted}
        return replace(message, policy=Settings.of_words(self._words).policy())

    def _engine(self, began: SessionBegan, folder: Path) -> Engine:
        market, problems = read_market(folder)
        if market is None:
            raise CannotBeReplayed("; ".join(map(str, problems)))
        settings = Settings.of_words(self._words)
        ports = Ports(
            clock=self._clock,
            scheduler=NothingPlanned(),
            lanes=NothingSent(),
            registry=RecordedRegistry(began.entries),
            store=RecordedStore(began.stored, began.known),
            broker=RecordedBroker(began.capabilities),
            market_data=RecordedMarket(),
            history=RecordedMarket(),
            strategies=(),
            bus=Bus([self.events.append]),
            recorder=NothingRecorded(),
            chance=SeededChance(settings.replay.seed),
        )
        rules = Rules(
            policy=settings.policy(),
            calendar=market.calendar,
            amo=began.amo,
            actions=began.actions,
            market=market.rules,
        )
        return build_engine(ports, rules, self._inbox)


def compare(session: Path, folder: Path, wanted: Mapping[str, str]) -> Comparison:
    """Run the session through today's code and find the first decision that differs."""
    playback = Playback(session, folder, wanted)
    playback.run()
    recorded, today = list(_recorded(session / "events.jsonl")), playback.decided
    is_cut = not (session / "summary.json").exists()
    difference = _first_difference(recorded, today, is_cut=is_cut)
    return Comparison(
        compared=min(len(recorded), len(today)), messages=playback.messages, is_cut=is_cut, difference=difference
    )


def _first_difference(recorded: Sequence[Said], today: Sequence[Said], *, is_cut: bool) -> Difference | None:
    for number, (then, now) in enumerate(zip(recorded, today, strict=False), start=1):
        if not then.is_same(now):
            return Difference(number=number, recorded=then, today=now)
    number = min(len(recorded), len(today))
    if len(recorded) > number:
        return Difference(number=number + 1, recorded=recorded[number], today=None)
    if len(today) > number and not is_cut:
        return Difference(number=number + 1, recorded=None, today=today[number])
    return None


def _is_decision(name: str) -> bool:
    return name.startswith(DECIDED_PREFIXES)


def _recorded(path: Path) -> Iterator[Said]:
    if not path.exists():
        raise CannotBeReplayed(f"{path} is not there")
    with path.open(encoding="ascii") as lines:
        for line in lines:
            if not line.endswith("\n"):
                return
            row = json.loads(line)
            if "lost" in row and "event" not in row:
                raise CannotBeReplayed(f"{row['lost']} decisions are missing in {path.name}")
            if _is_decision(row["event"]):
                yield Said(
                    at=row["at"],
                    name=row["event"],
                    message=row["message"],
                    correlation_id=row["correlation_id"],
                    fields=row["fields"],
                )


def _said(event: Event) -> Said:
    """Through the same text as the recorded one, so that numbers compare as they were written."""
    return Said(
        at=event.at.isoformat(),
        name=str(event.name),
        message=event.message,
        correlation_id=event.correlation_id,
        fields={name: json.loads(json_value(value)) for name, value in event.fields.items()},
    )
