"""`main.py exchange` as a process: its command line, its clock, its dials, and what faults look like on a socket."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Event, Thread
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from config.market_rules import load_market
from tests.venue import ANSWERS_WITHIN_S, ROOT, Venue, running_venue, venue_in_thread
from tradebot.adapters.marketdata.opening import open_tape
from tradebot.exchange.dials import AnswerLostAfter, AnswerLostBefore
from tradebot.exchange.gateway_dials import Late
from tradebot.exchange.house_dials import ArrivesLate, StreamDrops
from tradebot.exchange.market import Market, MarketFacts
from tradebot.exchange.settings import ExchangeSettings
from tradebot.exchange.wire.directory import Directory

DAY = "2026-09-16"


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    with venue_in_thread(tmp_path / "venue", at=f"{DAY}T10:00:00", has_rate_limits=False) as running:
        yield running


def place(venue: Venue, token: str, timeout_s: float = ANSWERS_WITHIN_S, **fields: object) -> requests.Response:
    form = {
        "exchange": "NSE",
        "tradingsymbol": "INFY",
        "transaction_type": "BUY",
        "quantity": 1,
        "product": "CNC",
        "order_type": "LIMIT",
        "tag": "T1",
        "price": _low(),
    } | fields
    headers = {"Authorization": f"token {venue.app.api_key}:{token}"}
    return requests.post(f"{venue.url}/orders/regular", data=form, headers=headers, timeout=timeout_s)


def test_a_process_says_where_it_is_and_ends_in_an_orderly_way(tmp_path: Path) -> None:
    with running_venue(tmp_path / "venue", "--dial", "late=5,delay_s=1") as venue:
        state = venue.admin("GET")
        assert (state["clock"], state["now"]) == ("driven", "2026-09-16T03:30:00+00:00")
        assert state["dials"][0]["name"] == "late"
        assert venue.process is not None
        venue.process.terminate()
        told, _ = venue.process.communicate(timeout=60)
        assert (venue.process.returncode, told.splitlines()[-1]) == (0, "exchange stopped; its books are kept")


def test_one_folder_belongs_to_one_process(tmp_path: Path) -> None:
    with running_venue(tmp_path / "venue"):
        ended = _main("--state", str(tmp_path / "venue"), "--port", "0")
        assert ended.returncode == 73
        assert "in use" in ended.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--dial", "nonsense"), "--dial: nonsense: there is no dial 'nonsense'"),
        (("--clock", "scaled", "--rate", "0"), "--rate: 0: a rate is above 0"),
        (("--at", "yesterday"), "--at: yesterday"),
        (("--postback", "http://example.com/"), "--postback: http://example.com/: postbacks go to"),
        (("--clock", "driven", "--at", "2031-01-01"), "outside the trading calendar"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_makes_no_sense_is_named(tmp_path: Path, options: tuple[str, ...], told: str) -> None:
    ended = _main("--state", str(tmp_path / "venue"), "--port", "0", *options)
    assert ended.returncode == 78
    assert told in ended.stderr


def test_a_scaled_clock_runs_from_where_the_books_stand(tmp_path: Path) -> None:
    options = ("--rate", "600")
    with running_venue(tmp_path / "venue", *options, at=f"{DAY}T10:00:00", clock="scaled") as venue:
        began = datetime.fromisoformat(f"{DAY}T10:00:00+05:30")
        deadline = time.monotonic() + ANSWERS_WITHIN_S
        while venue.now < began + timedelta(minutes=10):
            assert time.monotonic() < deadline
        refused = requests.post(f"{venue.url}/admin/advance", json={"to": f"{DAY}T15:00:00+05:30"}, timeout=30)
        assert (refused.status_code, "goes by itself" in refused.json()["error"]) == (400, True)
        stopped_at = venue.now
    with running_venue(tmp_path / "venue", *options, at=f"{DAY}T09:00:00", clock="scaled") as again:
        assert again.now >= stopped_at


def test_a_quiet_exchange_says_what_time_it_is(tmp_path: Path) -> None:
    """A daemon sets its clock by this answer, whatever the exchange has written down of the time that passed."""
    with running_venue(tmp_path / "venue", "--rate", "3600", at="2026-09-12T12:00:00", clock="scaled") as venue:
        token = venue.admin("POST", "/kite/request-token")["request_token"]
        first, quiet_s = venue.now, 1.0
        Event().wait(quiet_s)
        assert venue.now >= first + timedelta(hours=quiet_s)
        signed = hashlib.sha256(f"{venue.app.api_key}{token}{venue.app.api_secret}".encode()).hexdigest()
        form = {"api_key": venue.app.api_key, "request_token": token, "checksum": signed}
        answer = requests.post(f"{venue.url}/session/token", data=form, timeout=ANSWERS_WITHIN_S)
        assert answer.status_code == 200, "an hour of its clock is a second of whoever logs in"


def test_ticks_go_on_while_nobody_calls(tmp_path: Path) -> None:
    running = running_venue(tmp_path / "venue", "--rate", "60", at=f"{DAY}T10:00:00", clock="scaled")
    with running as venue, connect(_stream_url(venue)) as stream:
        stream.send(json.dumps({"a": "mode", "v": ["full", [_token()]]}))
        deadline, instants = time.monotonic() + 40, set[bytes]()
        while len(instants) < 3:
            assert time.monotonic() < deadline, "the picture stands still"
            frame = stream.recv(timeout=ANSWERS_WITHIN_S)
            if isinstance(frame, bytes) and len(frame) > 100:
                instants.add(frame[64:68])


def test_a_clock_is_not_driven_back(venue: Venue) -> None:
    refused = requests.post(f"{venue.url}/admin/advance", json={"to": f"{DAY}T09:00:00+05:30"}, timeout=30)
    assert (refused.status_code, "cannot go back" in refused.json()["error"]) == (400, True)


def test_a_page_cannot_drive_it(venue: Venue) -> None:
    refused = requests.get(f"{venue.url}/admin", headers={"Origin": "http://example.com"}, timeout=30)
    assert refused.status_code == 403


def test_a_lost_answer_is_a_broken_connection(venue: Venue) -> None:
    token = venue.kite_login()
    venue.turn(AnswerLostBefore(per_mille=1000))
    with pytest.raises(requests.ConnectionError):
        place(venue, token)
    assert venue.books() == []
    venue.turn(AnswerLostAfter(per_mille=1000))
    with pytest.raises(requests.ConnectionError):
        place(venue, token)
    assert len(venue.books()) == 1
    assert [incident["dial"] for incident in venue.incidents()] == ["answer_lost_before", "answer_lost_after"]


def test_a_late_answer_finds_nobody_any_more_and_the_order_stands(venue: Venue) -> None:
    token = venue.kite_login()
    venue.turn(Late(per_mille=1000, delay_s=60))
    with pytest.raises(requests.ReadTimeout):
        place(venue, token, timeout_s=1)
    assert len(venue.books()) == 1


def test_a_call_that_arrives_late_is_carried_out_when_nobody_waits_any_more(venue: Venue) -> None:
    token = venue.kite_login()
    venue.turn(ArrivesLate(per_mille=1000, delay_s=5))
    with pytest.raises(requests.ReadTimeout):
        place(venue, token, timeout_s=0.5)
    assert venue.books() == []
    deadline = time.monotonic() + ANSWERS_WITHIN_S
    while not venue.books():
        assert time.monotonic() < deadline


def test_what_was_made_to_go_wrong_is_recorded(tmp_path: Path) -> None:
    dials = tmp_path / "dials.json"
    dials.write_text(json.dumps({"dials": [{"name": "timeout_as_400", "per_mille": 1000}]}))
    state = tmp_path / "venue"
    with running_venue(state, "--dials", str(dials), at=f"{DAY}T10:00:00") as venue:
        assert place(venue, venue.kite_login()).status_code == 400
        venue.turn()
    lines = [json.loads(line) for line in (state / "faults.jsonl").read_text().splitlines()]
    assert [line.get("dial", "turned") for line in lines] == ["turned", "timeout_as_400", "turned"]
    assert (lines[0]["dials"][0]["name"], lines[1]["call"], lines[2]["dials"]) == ("timeout_as_400", "place", [])


def test_a_holiday_that_was_declared_stays_one_after_a_restart(tmp_path: Path) -> None:
    state, holiday = tmp_path / "venue", f"ad_hoc_holiday,day={DAY}"
    form = {"exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 1}
    form |= {"product": "CNC", "order_type": "LIMIT", "price": _low(), "variety": "amo"}
    with running_venue(state, at="2026-09-15T17:30:00") as venue:
        venue.place_by_hand(**form)
    for instant in (f"{DAY}T08:00:00", f"{DAY}T12:00:00"):
        with running_venue(state, "--dial", holiday) as venue:
            venue.advance(instant)
            order = venue.books()[0]["order"]
            assert (order["status"], order["trading_day"]) == ("AMO REQ RECEIVED", "2026-09-17")


def test_streams_are_cut_off(venue: Venue) -> None:
    url = _stream_url(venue)
    with connect(url) as stream:
        assert venue.admin("POST", "/streams/drop") == {"dropped": 1}
        _assert_cut(stream)
    venue.turn(StreamDrops(every_s=0.5))
    with connect(url) as stream:
        _assert_cut(stream)


def test_an_order_placed_by_hand_has_no_tag(venue: Venue) -> None:
    order_id = venue.place_by_hand(
        exchange="NSE",
        tradingsymbol="INFY",
        transaction_type="BUY",
        quantity=1,
        product="CNC",
        order_type="LIMIT",
        price=_low(),
        tag="IGNORED",
    )
    assert [(entry["order"]["order_id"], entry["order"]["tag"]) for entry in venue.books()] == [(order_id, None)]


def test_order_events_are_posted_back(tmp_path: Path) -> None:
    with (
        _listener() as (url, posted),
        venue_in_thread(tmp_path / "venue", at=f"{DAY}T10:00:00", has_rate_limits=False, postback_url=url) as venue,
    ):
        token = venue.kite_login()
        order_id = place(venue, token).json()["data"]["order_id"]
        headers = {"Authorization": f"token {venue.app.api_key}:{token}"}
        requests.delete(f"{venue.url}/orders/regular/{order_id}", headers=headers, timeout=ANSWERS_WITHIN_S)
        body = posted.get(timeout=ANSWERS_WITHIN_S)
    signed = f"{order_id}{body['order_timestamp']}{venue.app.api_secret}"
    assert (body["status"], body["order_id"]) == ("CANCELLED", order_id)
    assert body["checksum"] == hashlib.sha256(signed.encode()).hexdigest()


@contextmanager
def _listener() -> Iterator[tuple[str, Queue[Any]]]:
    posted: Queue[Any] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/postback", posted
        server.shutdown()


def _assert_cut(stream: Any) -> None:
    deadline = time.monotonic() + ANSWERS_WITHIN_S
    with pytest.raises(ConnectionClosed):
        while time.monotonic() < deadline:
            stream.recv(timeout=ANSWERS_WITHIN_S)


def _stream_url(venue: Venue) -> str:
    return f"{venue.ws_url}?api_key={venue.app.api_key}&access_token={venue.kite_login()}"


def _token() -> int:
    return Directory(load_market(ROOT / "config" / "market").instruments).instrument_token("INFY")


@cache
def _low() -> Decimal:
    """The lowest price of INFY's band at that instant, at which an order rests."""
    market = load_market(ROOT / "config" / "market")
    tape, _ = open_tape(None, 1, market.calendar, market.rules, market.actions, market.instruments)
    facts = MarketFacts(
        calendar=market.calendar,
        rules=market.rules,
        actions=tuple(tape.actions),
        instruments=market.instruments,
        amo_windows=market.amo_windows,
    )
    terms = Market(tape, facts, 1, ExchangeSettings()).terms("INFY", datetime.fromisoformat(f"{DAY}T10:00:00+05:30"))
    assert terms is not None
    return terms.lower_limit


def _main(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "main.py"), "exchange", *options],
        capture_output=True,
        text=True,
        timeout=120,
    )
