"""The life of a session, over sockets: a login taken up from the file, one new login, or none to be had."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue

import pytest

from tests.desks import Desk, a_desk, a_ticket, live_settings, log_in, marketable, small_market, the_market
from tests.venue import venue_in_thread
from tradebot.adapters.brokers.http import Http
from tradebot.adapters.brokers.update_feed import UpdateFeed, backoff_s
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.app.brokers import connect, kite_session, session_path
from tradebot.domain.errors import BrokerError, SessionExpired
from tradebot.domain.orders import BrokerOrderId, Side, Variety

MORNING = "2026-09-16T09:20:00"


@pytest.fixture
def kite(tmp_path: Path) -> Iterator[Desk]:
    with a_desk("kite", tmp_path, at=MORNING) as desk:
        yield desk


@pytest.fixture
def kotak(tmp_path: Path) -> Iterator[Desk]:
    with a_desk("kotak", tmp_path, at=MORNING) as desk:
        yield desk


def test_at_kite_a_dead_session_stays_dead_until_somebody_logs_in_and_then_goes_on_by_itself(
    kite: Desk, tmp_path: Path
) -> None:
    kite.venue.admin("POST", "/sessions/end")
    with pytest.raises(SessionExpired):
        kite.broker.order_book()
    disk = RealDisk(durability="process")
    elsewhere = kite_session(live_settings("kite", kite.venue.url), disk, tmp_path, RealClock(), Http())
    elsewhere.login(kite.venue.admin("POST", "/kite/request-token")["request_token"])
    disk.close()
    assert list(kite.broker.order_book()) == []


def test_at_kotak_a_dead_session_is_made_anew_once_and_the_question_is_asked_again(kotak: Desk) -> None:
    kotak.venue.admin("POST", "/sessions/end")
    assert list(kotak.broker.order_book()) == []


@pytest.mark.parametrize("face", ["kite", "kotak"])
def test_an_order_that_meets_a_dead_session_is_not_sent_and_not_sent_again(face: str, tmp_path: Path) -> None:
    with a_desk(face, tmp_path, at=MORNING) as desk:
        ticket = a_ticket(price=marketable(desk, "INFY", Side.BUY), variety=Variety.REGULAR)
        desk.venue.admin("POST", "/sessions/end")
        with pytest.raises(SessionExpired):
            desk.broker.place(ticket)
        assert desk.venue.books() == []


def test_a_login_that_is_refused_is_no_session(tmp_path: Path) -> None:
    with venue_in_thread(tmp_path / "venue", data=small_market(tmp_path)) as venue:
        disk = RealDisk(durability="process")
        settings = live_settings("kotak", venue.url)
        wrong = settings.model_copy(update={"broker": settings.broker.model_copy(update={"kotak_mpin": "000000"})})
        kit = connect(wrong, disk, tmp_path, the_market(), RealClock())
        assert not kit.login.is_alive()
        with pytest.raises(SessionExpired):
            kit.broker.order_book()
        disk.close()


def test_the_session_is_a_file_for_its_owner_alone_and_never_used_at_another_address(tmp_path: Path) -> None:
    disk = RealDisk(durability="process")
    with venue_in_thread(tmp_path / "one", data=small_market(tmp_path)) as venue:
        settings = live_settings("kotak", venue.url)
        log_in(connect(settings, disk, tmp_path, the_market(), RealClock()), venue)
    path = session_path(settings, tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with venue_in_thread(tmp_path / "two", data=small_market(tmp_path)) as venue:
        moved = connect(live_settings("kotak", venue.url), disk, tmp_path, the_market(), RealClock())
        assert list(moved.broker.order_book()) == []
    disk.close()


@pytest.mark.parametrize("face", ["kite", "kotak"])
def test_the_stream_gives_hints_and_asks_for_a_look_after_each_connect(face: str, tmp_path: Path) -> None:
    with a_desk(face, tmp_path, at=MORNING) as desk:
        assert desk.kit is not None
        hints: Queue[BrokerOrderId | None] = Queue()
        feed = UpdateFeed(desk.kit.open_feed, desk.kit.hint_of, hints.put)
        feed.start()
        assert hints.get(timeout=60) is None
        number = _until_hinted(desk, hints)
        desk.venue.admin("POST", "/streams/drop")
        while (found := hints.get(timeout=60)) is not None:
            assert found == number
        feed.stop()


def _until_hinted(desk: Desk, hints: Queue[BrokerOrderId | None]) -> BrokerOrderId:
    """Order after order: what is placed before the stream is known to the broker is told to nobody."""
    price = marketable(desk, "INFY", Side.BUY)
    for attempt in range(20):
        number = desk.broker.place(a_ticket(tag=f"T{attempt}", price=price, variety=Variety.REGULAR))
        desk.venue.advance(desk.venue.now)
        try:
            while True:
                if hints.get(timeout=3) is not None:
                    return number
        except Empty:
            continue
    raise AssertionError("no hint came")


def test_pauses_between_attempts_double_up_to_a_minute() -> None:
    assert [backoff_s(failures) for failures in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_what_a_session_cannot_find_out_is_an_error_and_not_an_answer(tmp_path: Path) -> None:
    disk = RealDisk(durability="process")
    with venue_in_thread(tmp_path / "venue", data=small_market(tmp_path)) as venue:
        kit = connect(live_settings("kite", venue.url), disk, tmp_path, the_market(), RealClock())
        log_in(kit, venue)
    with pytest.raises(BrokerError):
        kit.login.is_alive()
    disk.close()
