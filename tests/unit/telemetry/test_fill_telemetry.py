"""Fill telemetry: one record for each order that has ended, statistics of them, and a bound on their memory."""

from __future__ import annotations

import csv
import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from config.flags import MASTER
from config.settings import Settings
from tests.builders import MONDAY, NOON, a_quote, a_signal, an_attempt, an_order, later, some_terms
from tests.simulator.world import market
from tests.unit.engine.fakes import FakeClock
from tests.unit.engine.house import House
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.observed_store import ObservedStore
from tradebot.app.telemetry import export, telemetry_of
from tradebot.domain.charges import charges
from tradebot.domain.fill_telemetry import FillRecord, Outcome, record_of, statistics
from tradebot.domain.orders import OrderId, OrderStatus, Product, Side, Variety
from tradebot.domain.stored import Changes
from tradebot.engine.fill_telemetry import FillTelemetry

RELEASE = NOON - timedelta(hours=3)


def a_telemetry(history_max: int = 100, clock: FakeClock | None = None) -> FillTelemetry:
    return FillTelemetry(clock or FakeClock(), history_max, lambda day: RELEASE if day == MONDAY else None)


def a_record(number: int = 1, **changes: object) -> FillRecord:
    record = FillRecord(
        order_id=str(number),
        symbol="INFY",
        side=Side.BUY,
        submitted_at=NOON,
        filled_at=NOON,
        latency_ms=number,
        quantity=10,
        filled=10,
        slippage_bps=Decimal(number),
        fees=Decimal("1.25"),
        attempts=1,
        outcome=Outcome.FULL,
        ended_at=NOON,
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def test_an_order_becomes_a_record_when_it_has_ended() -> None:
    """Bought through a real engine at Rs 1,000.50, half a second after it was sent; the best ask was Rs 1,000."""
    telemetry = a_telemetry()
    house = House(books=lambda store, registry: (ObservedStore(store, telemetry.saved), registry))
    house.broker.symbol_terms = {"INFY": some_terms()}
    house.market.prices = {"INFY": a_quote()}
    house.signals(a_signal(limit_price=Decimal("1001.00")), variety=Variety.REGULAR)
    assert not telemetry.records()

    house.clock.at += timedelta(seconds=0.5)
    house.broker.fill("1", 10, "1000.50")
    house.look()

    (record,) = telemetry.records()
    assert (record.symbol, record.side, record.outcome, record.attempts) == ("INFY", Side.BUY, Outcome.FULL, 1)
    assert (record.quantity, record.filled, record.fill_rate) == (10, 10, 1)
    assert (record.submitted_at, record.latency_ms) == (NOON, 500)
    assert record.fees == charges(Decimal(10_005), Side.BUY, Product.CNC, "NSE")


def test_an_order_that_no_broker_saw_has_no_record() -> None:
    telemetry = a_telemetry()
    telemetry.saved(Changes(orders=[an_order(status=OrderStatus.FAILED)]))
    assert not telemetry.records()


@pytest.mark.parametrize(
    ("filled", "status", "outcome"),
    [
        (1000, OrderStatus.ONGOING, Outcome.FULL),
        (999, OrderStatus.ONGOING, Outcome.FULL),
        (998, OrderStatus.ONGOING, Outcome.PARTIAL),
        (1, OrderStatus.CANCELLED, Outcome.PARTIAL),
        (0, OrderStatus.CANCELLED, Outcome.NONE),
        (0, OrderStatus.FAILED, Outcome.ERROR),
    ],
)
def test_full_is_from_99_9_per_cent_on(filled: int, status: OrderStatus, outcome: Outcome) -> None:
    order = an_order(quantity=1000, execution_qty=filled, execution_value=Decimal(filled * 1000), status=status)
    assert record_of(order, 1, NOON, None, NOON).outcome is outcome


def test_slippage_is_beside_the_price_at_the_decision_and_worse_is_positive_on_both_sides() -> None:
    bought = an_order(
        execution_qty=10, execution_value=Decimal(10_010), metadata={"reference_price": "1000"}, price=Decimal(1005)
    )
    sold = replace(bought, side=Side.SELL, execution_value=Decimal(9_990))
    without = replace(bought, metadata={})

    assert record_of(bought, 1, NOON, None, NOON).slippage_bps == Decimal(10)
    assert record_of(sold, 1, NOON, None, NOON).slippage_bps == Decimal(10)
    assert record_of(without, 1, NOON, None, NOON).slippage_bps == Decimal("-39.8"), "beside its own limit"


def test_the_wait_for_the_session_is_no_latency_of_an_order_that_was_placed_at_night() -> None:
    night, filled = NOON - timedelta(hours=15), RELEASE + timedelta(seconds=2)
    order = an_order(execution_qty=10, execution_value=Decimal(10_000), execution_time=filled)

    assert record_of(order, 1, night, RELEASE, NOON).latency_ms == 2000
    assert record_of(order, 1, RELEASE + timedelta(seconds=1), RELEASE, NOON).latency_ms == 1000


def test_attempts_are_counted_and_the_last_one_is_the_submission() -> None:
    telemetry = a_telemetry()
    order = an_order(status=OrderStatus.ONGOING, execution_qty=10, execution_time=later(seconds=9))
    telemetry.saved(Changes(attempts=[an_attempt(order_id=order.id, number=1)]))
    telemetry.saved(Changes(attempts=[an_attempt(order_id=order.id, number=2, created_at=later(seconds=8))]))
    telemetry.saved(Changes(orders=[order]))

    (record,) = telemetry.records()
    assert (record.attempts, record.latency_ms) == (2, 1000)


def test_a_late_fill_replaces_the_record() -> None:
    telemetry = a_telemetry()
    order = an_order(status=OrderStatus.CANCELLED)
    telemetry.saved(Changes(attempts=[an_attempt(order_id=order.id)], orders=[order]))
    late = replace(order, status=OrderStatus.ONGOING, execution_qty=10, execution_value=Decimal(10_000))
    telemetry.saved(Changes(orders=[late]))

    assert [record.outcome for record in telemetry.records()] == [Outcome.FULL]


def test_statistics_have_counts_rates_and_percentiles() -> None:
    full = [a_record(number) for number in range(1, 101)]
    half = a_record(101, filled=5, outcome=Outcome.PARTIAL, latency_ms=None, slippage_bps=None)
    none = a_record(102, filled=0, outcome=Outcome.NONE, latency_ms=None, slippage_bps=None, fees=None, attempts=3)
    error = a_record(103, filled=0, outcome=Outcome.ERROR, latency_ms=None, slippage_bps=None, fees=None)

    found = statistics([*full, half, none, error])

    assert (found.orders, found.full, found.partial, found.none, found.error) == (103, 100, 1, 1, 1)
    assert (found.full_pct, found.filled_pct) == (Decimal("97.09"), Decimal("97.57"))
    assert found.latency_ms is not None
    assert (found.latency_ms.mean, found.latency_ms.p50) == (Decimal("50.50"), 50)
    assert (found.latency_ms.p95, found.latency_ms.p99) == (95, 99)
    assert found.slippage_bps == found.latency_ms
    assert (found.fees, found.attempts) == (Decimal("126.25"), 105)


def test_statistics_of_nothing_claim_nothing() -> None:
    found = statistics([])
    assert (found.orders, found.full_pct, found.latency_ms, found.fees) == (0, None, None, 0)


def test_statistics_are_by_symbol_and_window() -> None:
    clock = FakeClock()
    telemetry = a_telemetry(clock=clock)
    for minutes, symbol in ((0, "INFY"), (50, "TCS"), (70, "INFY")):
        clock.at = later(minutes=minutes)
        order = an_order(id=OrderId(str(minutes)), symbol=symbol, status=OrderStatus.CANCELLED)
        telemetry.saved(Changes(attempts=[an_attempt(order_id=order.id)], orders=[order]))

    assert telemetry.statistics().orders == 3
    assert telemetry.statistics(symbol="INFY").orders == 2
    assert telemetry.statistics(window=timedelta(hours=1)).orders == 2
    assert telemetry.statistics("INFY", timedelta(hours=1)).orders == 1


def test_the_oldest_records_go_beyond_the_bound() -> None:
    telemetry = a_telemetry(history_max=3)
    for number in range(5):
        order = an_order(id=OrderId(str(number)), status=OrderStatus.CANCELLED)
        telemetry.saved(Changes(attempts=[an_attempt(order_id=order.id)], orders=[order]))

    assert [record.order_id for record in telemetry.records()] == ["2", "3", "4"]


def test_ten_thousand_records_are_below_ten_megabytes() -> None:
    telemetry = a_telemetry(history_max=10_000)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(12_000):
        at = later(seconds=number)
        order = an_order(
            id=OrderId(f"2026112800{number:08}"),
            symbol=f"SYMBOL{number % 500}",
            status=OrderStatus.ONGOING,
            execution_qty=10,
            execution_value=Decimal(10_000 + number),
            execution_time=at,
        )
        telemetry.saved(Changes(attempts=[an_attempt(order_id=order.id, created_at=at)], orders=[order]))
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert len(telemetry.records()) == 10_000
    assert used < 10_000_000


def test_what_an_observer_raises_does_not_hurt_the_save() -> None:
    def broken(changes: Changes) -> None:
        raise RuntimeError("a defect")

    stores: list[ObservedStore] = []
    house = House(books=lambda store, registry: (stores.append(ObservedStore(store, broken)) or stores[0], registry))  # type: ignore[func-returns-value]
    house.signals(a_signal())

    assert len(house.orders()) == 1
    assert stores[0].faults > 0


def test_the_export_has_statistics_and_a_line_for_each_order(tmp_path: Path) -> None:
    telemetry = a_telemetry()
    order = an_order(status=OrderStatus.ONGOING, execution_qty=10, execution_value=Decimal(10_000), execution_time=NOON)
    telemetry.saved(Changes(attempts=[an_attempt(order_id=order.id)], orders=[order]))
    disk = RealDisk(durability="process")

    export(telemetry, disk, tmp_path)
    disk.close()

    summed = json.loads((tmp_path / "telemetry.json").read_text())
    assert summed["all"]["full"] == summed["symbols"]["INFY"]["full"] == summed["sides"]["buy"]["full"] == 1
    assert summed["windows"]["last_hour"]["latency_ms"]["p95"] == "0"
    (line,) = csv.DictReader((tmp_path / "fills.csv").read_text().splitlines())
    assert (line["order_id"], line["outcome"], line["filled_at"]) == ("7", "full", NOON.isoformat())


@pytest.mark.flag("ENABLE_FILL_TELEMETRY")
@pytest.mark.parametrize(
    ("words", "is_on"),
    [({}, True), ({"ENABLE_FILL_TELEMETRY": "false"}, False), ({MASTER: "false"}, False)],
)
def test_the_flag_says_whether_there_is_telemetry_and_an_export(
    words: dict[str, str], is_on: bool, tmp_path: Path
) -> None:
    telemetry = telemetry_of(Settings.of_words(words), market().calendar, FakeClock())
    disk = RealDisk(durability="process")
    export(telemetry, disk, tmp_path)
    disk.close()

    assert (telemetry is not None) == is_on
    assert (tmp_path / "fills.csv").exists() == is_on


@pytest.mark.parametrize(("act", "kept"), [(lambda t: t.switch(False), 0), (lambda t: None, 1)])
def test_switched_off_it_forgets_and_takes_nothing_more(act: Callable[[FillTelemetry], None], kept: int) -> None:
    telemetry = a_telemetry()
    order = an_order(status=OrderStatus.CANCELLED)
    for _ in range(2):
        telemetry.saved(Changes(attempts=[an_attempt(order_id=order.id)], orders=[order]))
        act(telemetry)
    assert len(telemetry.records()) == kept


@pytest.mark.parametrize(
    ("side", "product", "expected"),
    [
        (Side.BUY, Product.CNC, "118.62"),
        (Side.SELL, Product.CNC, "103.62"),
        (Side.BUY, Product.MIS, "6.62"),
        (Side.SELL, Product.MIS, "28.62"),
        (Side.BUY, Product.NRML, None),
    ],
)
def test_charges_of_a_lakh(side: Side, product: Product, expected: str | None) -> None:
    """100,000 at NSE: STT 100, stamp duty 15 on the purchase, 2.97 + 0.10 and 18 per cent GST on these."""
    assert charges(Decimal(100_000), side, product, "NSE") == (None if expected is None else Decimal(expected))
