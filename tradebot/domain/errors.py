"""Errors, each named for what the caller does next.

TradebotError
├── BrokerError
│   ├── BrokerRejected      the broker said no: stop
│   ├── BrokerUnavailable   certainly not sent: try again
│   ├── OutcomeUnknown      it may stand at the broker: look it up, never just send again
│   ├── SessionExpired      log in, then try again
│   ├── RateLimited         certainly not sent: wait, then try again
│   ├── KillSwitchLatched   certainly not sent, and not to be: give up
│   └── MoreThanEntered     more would leave than was asked for: stop
├── InvalidTransition       our record and the event do not fit: log, then reconcile
├── StateCorrupt            a durable file cannot be trusted: refuse to start
├── SaveFailed              the database did not take a change: nothing was sent for it, entries stop
│   ├── NoRoom              the disk is full: give back the room that is kept for that, and save again
│   └── RestartNeeded       nobody knows what is on the disk: nothing more is saved before a restart
├── SignalsUnusable         what a strategy reads cannot be trusted: place nothing from it, say why
└── AlreadyRunning          another process owns the folder

A refusal by one of our own guards is a value (`guards.Refusal`), never an error.
"""

from __future__ import annotations


class TradebotError(Exception):
    """Everything that tradebot raises on purpose."""


class BrokerError(TradebotError):
    """A call to the broker that did not end in an answer that can be used."""


class BrokerRejected(BrokerError):
    """The broker refused for good; `code` and `text` are its own words."""

    def __init__(self, text: str, *, code: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.code = code


class BrokerUnavailable(BrokerError):
    """The request certainly did not reach the broker."""


class OutcomeUnknown(BrokerError):
    """The request may have been carried out; only a look at the broker can tell."""


class SessionExpired(BrokerError):
    """The broker's session is dead; the request was not carried out."""


class RateLimited(BrokerError):
    """Refused because of its rate; the request was not carried out."""

    def __init__(self, text: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class KillSwitchLatched(BrokerError):
    """An entry met the kill switch at the last point before the broker; it was not sent."""


class MoreThanEntered(BrokerError):
    """More would leave than was asked for: a defect. It was not sent, and nothing of it is tried again."""


class InvalidTransition(TradebotError):
    """An event that the state machine does not allow in this state; nothing was changed."""


class StateCorrupt(TradebotError):
    """A durable file cannot be trusted. Says where, what is wrong and how to mend it."""

    def __init__(self, place: str, problem: str, *, mend: str) -> None:
        super().__init__(f"{place}: {problem}. To mend it: {mend}")
        self.place = place
        self.problem = problem
        self.mend = mend


class SaveFailed(TradebotError):
    """The database refused a change; nothing that stands in it was sent or announced."""


class NoRoom(SaveFailed):
    """The disk is full; nothing of the change was written."""


class RestartNeeded(SaveFailed):
    """What was to be saved may or may not be on the disk; only a start that reads it can tell."""


class SignalsUnusable(TradebotError):
    """What a strategy makes its signals from is missing or wrong; no signal of it may be acted on."""


class AlreadyRunning(TradebotError):
    """Another process owns the state folder; `holder` says which."""

    def __init__(self, place: str, holder: str) -> None:
        super().__init__(f"{place} is in use by {holder}")
        self.place = place
        self.holder = holder
