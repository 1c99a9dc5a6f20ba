"""A recorded session runs again through today's code: nothing differs, or the first decision that does is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from config.kinds import in_file
from config.settings import KEYS, Settings
from tests.builders import NOON, a_quote, a_signal, some_terms
from tests.unit.config.homes import ROOT
from tests.unit.engine.house import House
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.event_file import EventFile
from tradebot.adapters.flight_decoding import decode
from tradebot.adapters.flight_encoding import encoders_of
from tradebot.adapters.flight_record import FlightRecord, read_flight
from tradebot.app.session_replay import CannotBeReplayed, compare
from tradebot.app.what_if import what_if
from tradebot.domain.alerts import AlertName
from tradebot.domain.errors import StateCorrupt
from tradebot.domain.orders import Variety
from tradebot.domain.policy import GuardMode, Policy
from tradebot.domain.quotes import Level, Quote
from tradebot.engine.commands import AcknowledgeAlert, Once, PauseEntries, PolicyChanged

BEST_ASK = Decimal("1000.00")


@contextmanager
def recorded(session: Path, policy: Policy | None = None) -> Iterator[House]:
    """A house whose run is written down as a session, closed in an orderly way at the end."""
    session.mkdir()
    disk = RealDisk(durability="process")
    record, events = FlightRecord(disk, session / "flight.jsonl"), EventFile(disk, session / "events.jsonl")
    house = House(recorder=record, listener=events, policy=policy or Settings.of_words({}).policy())
    house.broker.symbol_terms = {symbol: some_terms() for symbol in ("INFY", "TCS", "SBIN", "WIPRO")}
    yield house
    record.close()
    events.close()
    disk.close()
    (session / "summary.json").write_text("{}")


def book(spread_bps: str, symbol: str = "INFY", depth: int = 1000) -> Quote:
    """A book with so wide a spread below an ask of Rs 1,000; the third level of asks is dear."""
    bid = (BEST_ASK / (1 + Decimal(spread_bps) / 10_000)).quantize(Decimal("0.0001"))
    asks = tuple(Level(price=BEST_ASK + away, quantity=depth) for away in (Decimal(0), Decimal(1), Decimal(20)))
    return replace(a_quote(symbol=symbol), bids=(Level(price=bid, quantity=depth),), asks=asks)


def test_an_unchanged_day_has_no_difference(tmp_path: Path) -> None:
    with recorded(tmp_path / "day") as house:
        _a_day(house)

    found = compare(tmp_path / "day", ROOT, {})

    assert found.difference is None
    assert found.compared >= 10
    assert not found.is_cut


def test_with_one_threshold_changed_the_first_decision_that_differs_is_named(tmp_path: Path) -> None:
    with recorded(tmp_path / "day") as house:
        _a_day(house)

    found = compare(tmp_path / "day", ROOT, {"MAX_SPREAD_BPS_ENTRY": "8"}).difference

    assert found is not None
    assert found.recorded is not None
    assert found.today is not None
    assert found.recorded.fields["symbol"] == "TCS"
    assert (found.today.name, found.today.fields["block_reason"]) == ("GUARD_BLOCK", "WIDE_SPREAD")
    assert found.today.fields["spread_bps_max"] == 8


def test_an_edit_of_the_configuration_is_taken_up_where_it_was(tmp_path: Path) -> None:
    wide = Settings.of_words({"MAX_SPREAD_BPS_ENTRY": "50"}).policy()
    with recorded(tmp_path / "day") as house:
        house.market.prices = {"INFY": book("40")}
        house.signals(a_signal(), variety=Variety.REGULAR)
        house.tell(PolicyChanged(policy=wide, changes=(("MAX_SPREAD_BPS_ENTRY", "10", "50"),)))
        house.signals(a_signal(2), variety=Variety.REGULAR)
        assert len(house.orders()) == 1

    assert compare(tmp_path / "day", ROOT, {}).difference is None
    changed = compare(tmp_path / "day", ROOT, {"MAX_SPREAD_BPS_ENTRY": "10"}).difference
    assert changed is not None
    assert changed.recorded is not None
    assert changed.recorded.name == "GUARD_PASS"


def test_a_day_that_was_killed_is_compared_as_far_as_it_was_told(tmp_path: Path) -> None:
    with recorded(tmp_path / "day") as house:
        _a_day(house)
    (tmp_path / "day" / "summary.json").unlink()
    events = tmp_path / "day" / "events.jsonl"
    events.write_bytes(events.read_bytes()[:-700])

    found = compare(tmp_path / "day", ROOT, {})

    assert found.is_cut
    assert found.difference is None


def test_a_decision_that_was_recorded_and_is_not_made_any_more_is_a_difference(tmp_path: Path) -> None:
    with recorded(tmp_path / "day") as house:
        _a_day(house)
    events = tmp_path / "day" / "events.jsonl"
    lines = events.read_text().splitlines(keepends=True)
    last = json.loads(next(line for line in reversed(lines) if "ORDER_" in line))
    events.write_text("".join([*lines, json.dumps({**last, "message": "never"}) + "\n"]))

    found = compare(tmp_path / "day", ROOT, {}).difference

    assert found is not None
    assert found.recorded is not None
    assert (found.recorded.message, found.today) == ("never", None)


def test_a_record_without_its_beginning_cannot_be_replayed(tmp_path: Path) -> None:
    with recorded(tmp_path / "day") as house:
        _a_day(house)
    flight = tmp_path / "day" / "flight.jsonl"
    flight.write_text("".join(flight.read_text().splitlines(keepends=True)[1:]))

    with pytest.raises(CannotBeReplayed, match="what the session started from"):
        compare(tmp_path / "day", ROOT, {})


def test_a_damaged_message_is_named(tmp_path: Path) -> None:
    with recorded(tmp_path / "day") as house:
        house.signals(a_signal())
    flight = tmp_path / "day" / "flight.jsonl"
    flight.write_text(flight.read_text().replace('"variety":"amo"', '"variety":"tomorrow"'))

    with pytest.raises(StateCorrupt, match="tomorrow"):
        compare(tmp_path / "day", ROOT, {})


@pytest.mark.parametrize(
    "message",
    [
        PauseEntries(is_paused=True, correlation_id="c"),
        Once(command=AcknowledgeAlert(name=AlertName.UI_CPU, by="me", correlation_id="c")),
        PolicyChanged(policy=Policy(), changes=(("a", "b", "c"),)),
    ],
)
def test_a_message_comes_back_as_it_was(message: object, tmp_path: Path) -> None:
    disk = RealDisk(durability="process")
    record = FlightRecord(disk, tmp_path / "flight.jsonl")
    record.record(1, NOON, message)
    record.close()
    disk.close()

    (line,) = read_flight(tmp_path / "flight.jsonl")

    assert list(encoders_of(type(message)))
    assert decode(type(message), line["message"]) == message


def test_the_configuration_goes_into_words_and_back() -> None:
    settings = Settings.of_words(
        {"ENABLE_DEPTH_GUARD_ENTRY": '"shadow"', "AMO_PLACEMENT_AT": "16:30", "MAX_POSITIONS": "9"}
    )

    assert Settings.of_words(settings.in_words()).policy() == settings.policy()
    assert settings.guards.enable_depth_guard_entry is GuardMode.SHADOW
    assert "database_url" not in settings.in_words()
    assert all(settings.in_words()[key.name] == in_file(settings.value(key.name)) for key in KEYS if not key.is_secret)


def test_tighter_guards_save_the_slippage_of_what_they_would_have_blocked(tmp_path: Path) -> None:
    """TCS was bought at a spread of 9 bps, at Rs 1,001 where the best ask was Rs 1,000: 10 bps of Rs 10,010."""
    with recorded(tmp_path / "day") as house:
        house.market.prices = {"TCS": book("9", "TCS"), "INFY": book("2")}
        house.signals(a_signal(1, "TCS"), a_signal(2, "INFY"), variety=Variety.REGULAR)
        house.broker.fill("1", 10, "1001.00")
        house.look()

    found = what_if(tmp_path / "day", ROOT, {"MAX_SPREAD_BPS_ENTRY": "8"})

    (blocked,) = found.blocked
    assert (blocked.symbol, blocked.reasons, blocked.is_estimate) == ("TCS", ("WIDE_SPREAD",), False)
    assert blocked.slippage_bps == Decimal(10)
    assert found.rupees_saved == Decimal("10.01")
    assert (found.entries, found.placed, found.let_through) == (2, 2, ())


def test_wider_guards_let_through_what_can_only_be_estimated(tmp_path: Path) -> None:
    """Walking the book for ten shares: five at Rs 1,000 and five at Rs 1,001."""
    with recorded(tmp_path / "day") as house:
        house.market.prices = {"INFY": book("40", depth=5)}
        house.signals(a_signal(quantity=10), variety=Variety.REGULAR)
        assert not house.orders()

    found = what_if(tmp_path / "day", ROOT, {"MAX_SPREAD_BPS_ENTRY": "50", "DEPTH_MIN_NOTIONAL": "10000"})

    (through,) = found.let_through
    assert (through.symbol, through.is_estimate, found.blocked) == ("INFY", True, ())
    assert through.slippage_bps == Decimal(5)
    assert found.rupees_spent == through.rupees == Decimal("1000.50") * 10 * 5 / 10_000


def _a_day(house: House) -> None:
    """Two entries in market hours, one of them at a spread of nine basis points; fills, a look, a pause, a block."""
    house.market.prices = {"INFY": book("2"), "TCS": book("9", "TCS"), "SBIN": book("40", "SBIN")}
    house.signals(a_signal(1, "INFY"), a_signal(2, "TCS"), a_signal(3, "SBIN"), variety=Variety.REGULAR)
    house.broker.fill("1", 10, "1000.50")
    house.look()
    house.cycle()
    house.tell(PauseEntries(is_paused=True, correlation_id="test"))
    house.signals(a_signal(4, "WIPRO"), variety=Variety.REGULAR)
