"""The daemon's end of the spool: commands from files go into the inbox, their answers into files beside them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

from tradebot.adapters.command_files import CommandFiles, Unreadable
from tradebot.domain.errors import SaveFailed
from tradebot.domain.events import Event, EventName, Level
from tradebot.engine.answers import Answer, AnswerDesk, Outcome, TooManyWaiting
from tradebot.engine.bus import Bus
from tradebot.engine.commands import (
    AcknowledgeAlert,
    Command,
    KillSwitch,
    ListAlerts,
    Once,
    PauseEntries,
)
from tradebot.engine.engine import Engine
from tradebot.engine.inbox import InboxFull
from tradebot.ports import Clock

TAKEN_MAX = 100
"""So many commands of the spool may wait for their answers; the others stay in their files until then."""

_AT_ONCE = frozenset(kind.__name__ for kind in (PauseEntries, KillSwitch, ListAlerts, AcknowledgeAlert))
"""What is done before the first look at the broker's order book; the others wait for it."""


class Spool:
    """Takes up what lies in the folder and writes down what became of it; for the engine's thread, about every second.

    A command is handed in as `Once`: after a crash it is found here again, and the engine knows whether it was done.
    What could not be saved stays, and is handed in again. Nothing here raises into the loop that trades.
    """

    def __init__(self, files: CommandFiles, engine: Engine, *, answers: AnswerDesk, bus: Bus, clock: Clock) -> None:
        self._files = files
        self._engine = engine
        self._answers = answers
        self._bus = bus
        self._clock = clock
        self._taken: dict[str, Future[Answer]] = {}
        self._told = ""

    def poll(self) -> None:
        try:
            self._write_answers()
            self._take(self._files.waiting())
        except (SaveFailed, OSError) as cause:
            self._tell(f"the spool of commands: {cause}")
        else:
            self._told = ""

    def finish(self) -> None:
        """The last answers of a run; what was not handled is found at the next start."""
        try:
            self._write_answers()
        except (SaveFailed, OSError) as cause:
            self._tell(f"the spool of commands: {cause}")

    def _take(self, waiting: Sequence[str]) -> None:
        for command_id in waiting:
            if command_id in self._taken or len(self._taken) >= TAKEN_MAX:
                continue
            try:
                command = self._files.command(command_id)
            except Unreadable as error:
                answer = Answer(correlation_id=command_id, outcome=Outcome.FAULT, text=f"not understood: {error}")
                self._files.answer(command_id, answer)
                continue
            if command is not None and (self._engine.memory.is_reconciled or type(command).__name__ in _AT_ONCE):
                self._hand_in(command_id, command)

    def _hand_in(self, command_id: str, command: Command) -> None:
        if command.correlation_id != command_id:
            text = f"its correlation id is {command.correlation_id!r}, and its file is called {command_id!r}"
            self._files.answer(command_id, Answer(correlation_id=command_id, outcome=Outcome.FAULT, text=text))
            return
        try:
            future = self._answers.expect(command_id)
        except TooManyWaiting:
            return
        try:
            self._engine.inbox.put(Once(command=command))
        except InboxFull:
            self._answers.forget(command_id)
            return
        self._taken[command_id] = future

    def _write_answers(self) -> None:
        done = [command_id for command_id, future in self._taken.items() if future.done()]
        for command_id in done:
            answer = self._taken[command_id].result()
            if answer.outcome is not Outcome.UNSAVED:
                self._files.answer(command_id, answer)
            del self._taken[command_id]
        if done:
            self._files.prune()

    def _tell(self, text: str) -> None:
        """Once for each trouble, however often it is met."""
        if text == self._told:
            return
        self._told = text
        event = Event(name=EventName.INTERNAL_FAULT, at=self._clock.now(), level=Level.ERROR, message=text)
        self._bus.publish([event])
