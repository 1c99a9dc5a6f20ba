"""What the screens know of prices and money, and of the time while a replay waits."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Lock

import pytest

from config.market_rules import load_market
from tests.unit.exchange.builders import ME, MON, WED, a_buy, a_tape, an_exchange, at, facts, placed, run_to
from tests.unit.exchange.test_books import FullDisk
from tradebot.adapters.timekeeping.virtual import VirtualClock
from tradebot.app.marks import paper_marks
from tradebot.domain.calendar import ist
from tradebot.engine.views import Marks
from tradebot.exchange.exchange import Exchange
from tradebot.runtime.pacing import PacedClock, SessionPace

ROOT = Path(__file__).parents[2]
DAY = date(2026, 9, 16)


class HeldLock:
    """Counts how often it was taken."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.taken = 0

    def __enter__(self) -> None:
        self._lock.acquire()
        self.taken += 1

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class NoWait:
    """Reaches every instant at once, unless it was stopped."""

    def __init__(self) -> None:
        self.is_stopped = False

    def wait_until(self, at: datetime) -> bool:
        return not self.is_stopped

    def stop(self) -> None:
        self.is_stopped = True


def test_prices_are_the_last_ones_and_free_is_what_no_order_holds_back() -> None:
    exchange, lock = an_exchange(cash=10_000), HeldLock()
    placed(exchange, a_buy(quantity=10, price="90"))
    exchange.advance_to(at(WED, "12:00"))
    quote = exchange.quote("ABC")
    assert quote is not None

    found = paper_marks(exchange, ME, lock)(["ABC", "nobody"])

    assert found.prices == {"ABC": quote.last_price}
    assert found.free == exchange.margins(ME).available
    assert lock.taken == 1


def test_what_an_open_order_blocks_is_not_free() -> None:
    exchange = an_exchange(cash=10_000)
    placed(exchange, a_buy(quantity=10, price="90"))
    run_to(exchange, at(MON, "10:00"))

    free = paper_marks(exchange, ME, HeldLock())([]).free

    assert free is not None
    assert Decimal(9_000) <= free <= Decimal(9_100)


def test_of_an_exchange_that_stands_still_nothing_is_known() -> None:
    exchange = Exchange(
        tape=a_tape(),
        facts=facts(),
        seed=1,
        opening=at(WED, "18:00"),
        accounts={ME: Decimal(1000)},
        books=FullDisk(left=0),
    )
    with pytest.raises(OSError, match="No space"):
        exchange.place(ME, a_buy())

    assert paper_marks(exchange, ME, HeldLock())(["ABC"]) == Marks()


def test_while_the_engine_waits_the_clock_for_people_goes_on() -> None:
    clock, pace = VirtualClock(ist(DAY, time(10, 0))), a_pace()
    shown = PacedClock(clock, pace)
    before = shown.now()
    pace.wait_until(ist(DAY, time(10, 0, 30)))
    during = shown.now()
    clock.set(ist(DAY, time(10, 1)))

    assert before == ist(DAY, time(10, 0))
    assert during == ist(DAY, time(10, 0, 30))
    assert shown.now() == ist(DAY, time(10, 1))


def test_what_was_not_reached_is_not_shown() -> None:
    clock, pace = VirtualClock(ist(DAY, time(10, 0))), a_pace()
    pace.wait_until(ist(DAY, time(10, 0, 10)))
    pace.stop()
    is_reached = pace.wait_until(ist(DAY, time(10, 5)))

    assert not is_reached
    assert PacedClock(clock, pace).now() == ist(DAY, time(10, 0)) + timedelta(seconds=10)


def a_pace() -> SessionPace:
    return SessionPace(load_market(ROOT / "config" / "market").calendar, lambda _: NoWait())
