"""The life of a broker's session: asked before the day, and an alarm once a day while there is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time

from config.market_rules import load_market
from tests.unit.config.homes import ROOT
from tradebot.adapters.lanes import InlineLanes
from tradebot.adapters.timekeeping.virtual import VirtualClock
from tradebot.domain.calendar import ist
from tradebot.domain.errors import BrokerUnavailable
from tradebot.domain.events import Event, EventName, Level
from tradebot.runtime.session_watch import SessionWatch

DAY = date(2026, 9, 16)
SUNDAY = date(2026, 9, 20)
CALENDAR = load_market(ROOT / "config" / "market").calendar


@dataclass
class Login:
    """A session that is alive or not, or whose broker cannot be reached."""

    state: bool | None = True
    asked: int = 0

    def is_alive(self) -> bool:
        self.asked += 1
        if self.state is None:
            raise BrokerUnavailable("nobody listens")
        return self.state


@dataclass
class Watched:
    login: Login
    at: datetime
    told: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = VirtualClock(self.at)
        self.watch = SessionWatch(self.login, CALENDAR, self.clock, InlineLanes(), self.told.append)

    def beat(self, hour: int, minute: int) -> None:
        self.clock.set(ist(DAY, time(hour, minute)))
        self.watch.beat()

    def names(self) -> list[EventName]:
        return [event.name for event in self.told]


@dataclass
class SteppingClock:
    """A wall clock that is set while the steady one goes on."""

    at: datetime
    passed_s: float = 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.passed_s


def watched(state: bool | None) -> Watched:
    return Watched(Login(state), ist(DAY, time(0, 0)))


def test_nothing_is_asked_at_night_and_on_days_without_a_session() -> None:
    found = watched(False)
    found.beat(7, 59)
    assert found.login.asked == 0
    sunday = Watched(Login(False), ist(SUNDAY, time(10, 0)))
    sunday.watch.beat()
    assert sunday.login.asked == 0


def test_a_dead_session_is_an_alarm_from_half_past_eight_on_once_a_day() -> None:
    found = watched(False)
    found.beat(8, 5)
    assert found.login.asked == 1 and found.told == []
    for minute in (30, 31, 32):
        found.beat(8, minute)
    assert found.names() == [EventName.BROKER_LOGIN_MISSING]
    assert found.told[0].level is Level.CRITICAL


def test_a_broker_that_cannot_be_reached_is_no_session_and_says_why() -> None:
    found = watched(None)
    found.beat(8, 45)
    assert "nobody listens" in found.told[0].message


def test_a_session_that_comes_back_is_told_and_a_second_loss_is_an_alarm_again() -> None:
    found = watched(False)
    found.beat(8, 40)
    found.login.state = True
    found.beat(8, 41)
    found.login.state = False
    found.beat(8, 42)
    assert found.names() == [
        EventName.BROKER_LOGIN_MISSING,
        EventName.BROKER_SESSION,
        EventName.BROKER_LOGIN_MISSING,
    ]


def test_it_is_asked_once_a_minute_however_often_the_loop_turns() -> None:
    found = watched(True)
    for _ in range(5):
        found.beat(9, 0)
    assert found.login.asked == 1


def test_after_a_clock_that_was_years_ahead_is_set_right_it_is_asked_again_within_a_minute() -> None:
    login, clock, told = Login(True), SteppingClock(ist(DAY, time(10, 0))), list[Event]()
    watch = SessionWatch(login, CALENDAR, clock, InlineLanes(), told.append)
    watch.beat()
    for at in (ist(DAY, time(10, 1)).replace(year=2036), ist(DAY, time(10, 2))):
        clock.at, clock.passed_s = at, clock.passed_s + 60.0
        watch.beat()
    assert login.asked == 2
    assert len(told) == 1
