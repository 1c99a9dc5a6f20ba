"""The doctor in mode live: the way to the broker, looked at over sockets, with the session that is there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.desks import FACES, credentials, live_settings, log_in, small_market, the_market
from tests.venue import ROOT, Venue, venue_in_thread
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.app.brokers import connect, session_path
from tradebot.doctor import Place, examine
from tradebot.doctor.broker import CHECKS
from tradebot.interfaces.text.examination import Finding, Level

NAMES = ("broker's credentials", "broker's session", "broker's clock", "registered address", "instruments")


def a_login(face: str, home: Path, venue: Venue) -> None:
    disk = RealDisk(durability="process")
    log_in(connect(live_settings(face, venue.url), disk, home, the_market(), RealClock()), venue)
    disk.close()


def findings(face: str, home: Path, venue: Venue, **more: str) -> Mapping[str, Finding]:
    given = {**credentials(face, venue.url), **more}
    environ = {f"TRADEBOT_{name}": value for name, value in given.items()}
    place = Place(home=home, folder=ROOT, environ=environ, clock=RealClock())
    return {finding.what: finding for finding in examine(place)}


@pytest.mark.parametrize("face", FACES)
def test_a_home_with_a_good_session_is_well(face: str, tmp_path: Path) -> None:
    with venue_in_thread(tmp_path / "venue", data=small_market(tmp_path), has_rate_limits=False) as venue:
        a_login(face, tmp_path, venue)
        before = session_path(live_settings(face, venue.url), tmp_path).read_bytes()
        found = findings(face, tmp_path, venue, BROKER_STATIC_IP="127.0.0.1")
        assert session_path(live_settings(face, venue.url), tmp_path).read_bytes() == before, "the doctor logged in"
    assert {name: found[name].level for name in NAMES} == dict.fromkeys(NAMES, Level.OK)
    assert "12 in the file" in found["instruments"].detail
    assert "an exchange process, clock driven: 2026-09-16 09:00" in found["broker's clock"].detail
    assert "8 a second, 240 a minute" in found["caps for order calls"].detail


@pytest.mark.parametrize("face", FACES)
def test_without_a_login_and_with_a_dead_one_it_says_so(face: str, tmp_path: Path) -> None:
    with venue_in_thread(tmp_path / "venue", data=small_market(tmp_path), has_rate_limits=False) as venue:
        assert "nobody has logged in" in findings(face, tmp_path, venue)["broker's session"].detail
        a_login(face, tmp_path, venue)
        venue.admin("POST", "/sessions/end")
        found = findings(face, tmp_path, venue)["broker's session"]
    assert found.level is Level.WARN
    assert "does not take it any more" in found.detail


def test_another_address_than_the_registered_one_is_bad_where_the_broker_says_what_it_sees(tmp_path: Path) -> None:
    with venue_in_thread(tmp_path / "venue", data=small_market(tmp_path), has_rate_limits=False) as venue:
        a_login("kotak", tmp_path, venue)
        found = findings("kotak", tmp_path, venue, BROKER_STATIC_IP="10.0.0.9")["registered address"]
    assert found.level is Level.BAD
    assert "127.0.0.1" in found.detail and "10.0.0.9" in found.detail


def test_a_broker_that_does_not_answer_is_told_and_no_session_is_called_good(tmp_path: Path) -> None:
    with venue_in_thread(tmp_path / "venue", data=small_market(tmp_path), has_rate_limits=False) as venue:
        a_login("kite", tmp_path, venue)
        gone = venue
    found = findings("kite", tmp_path, gone)
    assert found["broker's clock"].level is Level.WARN
    assert found["broker's session"].level is Level.WARN
    assert found["instruments"].level is Level.WARN


def test_in_a_replay_there_is_no_broker_to_look_at(tmp_path: Path) -> None:
    place = Place(home=tmp_path, folder=ROOT, environ={}, clock=RealClock())
    names = {finding.what for finding in examine(place)}
    assert not names & set(NAMES)
    assert len(CHECKS) == len(NAMES) + 1
