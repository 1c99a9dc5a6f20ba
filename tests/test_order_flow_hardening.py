"""The entry guards at their boundaries, from a key of the configuration to the decision and the line in the log.

`python3 tests/test_order_flow_hardening.py` runs these tests by itself.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from config.loading import load_settings
from tests.builders import NOON, a_level, a_quote, a_signal
from tests.unit.engine.house import House
from tradebot.adapters.jsonl_log import JsonlLog
from tradebot.adapters.timekeeping.virtual import VirtualClock
from tradebot.domain.orders import Variety
from tradebot.domain.quotes import Level, Quote

DEEP = a_level("1000.00", 10_000)
WRITTEN_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """One guard's flag, and a book on each side of its limit."""

    flag: str
    reason: str
    figure: str
    allowed: str
    passes: Quote
    blocked: Quote
    found: str


def a_book(*asks: Level, bid: str = "999.50") -> Quote:
    return a_quote(bid, asks=asks)


SPREAD = Guard(
    flag="ENABLE_SPREAD_GUARD_ENTRY",
    reason="WIDE_SPREAD",
    figure="spread_bps",
    allowed="10",
    passes=a_book(a_level("1001.00", 10_000), bid="1000.00"),
    blocked=a_book(a_level("1001.01", 10_000), bid="1000.00"),
    found="10.1",
)
DEPTH = Guard(
    flag="ENABLE_DEPTH_GUARD_ENTRY",
    reason="THIN_DEPTH",
    figure="depth_notional",
    allowed="50000",
    passes=a_book(a_level("1000.00", 50)),
    blocked=a_book(a_level("999.99", 1), a_level("1000.00", 49)),
    found="49999.99",
)
SLIPPAGE = Guard(
    flag="ENABLE_ENTRY_SLIPPAGE_GUARD",
    reason="SLIPPAGE",
    figure="slippage_bps",
    allowed="15",
    # Half of the ten shares at the best price, half so far above it that the average is 1001.50 and 1001.501.
    passes=a_book(a_level("1000.00", 5), a_level("1003.00", 10_000)),
    blocked=a_book(a_level("1000.00", 5), a_level("1003.002", 10_000)),
    found="15.01",
)
GUARDS = [SPREAD, DEPTH, SLIPPAGE]

each_guard = pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What became of one entry: the decision's outcome, reason and figures, what was sent, the blocks in the log."""

    outcome: str
    reason: str
    figures: Mapping[str, str]
    placed: int
    logged: Sequence[Mapping[str, object]]


def enter(folder: Path, quote: Quote | None, **variables: str) -> Judged:
    """A buy of ten shares in market hours by an engine with these settings, and with a log of its own."""
    settings = load_settings(ROOT, {f"TRADEBOT_{name}": value for name, value in variables.items()})
    log = JsonlLog(folder / "logs", started_at=NOON, session_id="hardening", clock=VirtualClock(NOON))
    house = House(policy=settings.policy(), listener=log)
    house.market.prices = {} if quote is None else {quote.symbol: quote}
    house.signals(a_signal(limit_price=Decimal("1005.00")), variety=Variety.REGULAR)
    log.close(WRITTEN_WITHIN_S)
    (decision,) = house.memory.decisions.values()
    return Judged(
        outcome=decision.outcome,
        reason=decision.reason,
        figures=decision.figures,
        placed=house.broker.count("place"),
        logged=_blocks(folder / "logs"),
    )


@each_guard
def test_a_figure_that_is_equal_to_its_limit_passes(guard: Guard, tmp_path: Path) -> None:
    judged = enter(tmp_path, guard.passes)

    assert (judged.outcome, judged.placed, judged.logged) == ("sent", 1, [])


@each_guard
def test_a_figure_just_beyond_its_limit_blocks_with_both_figures(guard: Guard, tmp_path: Path) -> None:
    judged = enter(tmp_path, guard.blocked)

    assert (judged.outcome, judged.reason, judged.placed) == ("blocked", guard.reason, 0)
    assert Decimal(judged.figures[f"{guard.reason}.{guard.figure}"]) == Decimal(guard.found)
    (line,) = judged.logged
    assert (line["block_reason"], line["shadow"]) == (guard.reason, False)
    assert line[guard.figure] == Decimal(guard.found)
    assert Decimal(guard.allowed) in line.values()


@each_guard
def test_a_guard_that_is_off_neither_blocks_nor_logs(guard: Guard, tmp_path: Path) -> None:
    judged = enter(tmp_path, guard.blocked, **{guard.flag: "false"})

    assert (judged.outcome, judged.placed, judged.logged) == ("sent", 1, [])


@each_guard
def test_a_guard_in_shadow_logs_what_it_would_have_blocked_and_lets_it_pass(guard: Guard, tmp_path: Path) -> None:
    judged = enter(tmp_path, guard.blocked, **{guard.flag: "shadow"})

    assert (judged.outcome, judged.placed) == ("sent", 1)
    (line,) = judged.logged
    assert (line["block_reason"], line["shadow"]) == (guard.reason, True)
    assert line[guard.figure] == Decimal(guard.found)


@each_guard
def test_the_flag_of_one_guard_leaves_the_others_on(guard: Guard, tmp_path: Path) -> None:
    for number, other in enumerate(other for other in GUARDS if other is not guard):
        judged = enter(tmp_path / str(number), other.blocked, **{guard.flag: "false"})

        assert judged.reason == other.reason


def test_all_reasons_of_one_block_are_named(tmp_path: Path) -> None:
    book = a_book(a_level("1001.01", 5), a_level("1004.05", 5), bid="1000.00")

    judged = enter(tmp_path, book)

    assert judged.reason == "WIDE_SPREAD, THIN_DEPTH, SLIPPAGE"
    assert [line["guard"] for line in judged.logged] == ["spread", "depth", "slippage"]


@pytest.mark.parametrize("quote", [None, a_quote(asks=()), a_quote(asks=(DEEP,), bids=())], ids=["none", "bid", "ask"])
def test_without_a_two_sided_book_an_entry_is_blocked_whatever_the_flags_say(
    quote: Quote | None, tmp_path: Path
) -> None:
    judged = enter(tmp_path, quote, **{guard.flag: "false" for guard in GUARDS})

    assert (judged.outcome, judged.reason, judged.placed) == ("blocked", "NO_MARKET_DATA", 0)


@pytest.mark.parametrize(
    ("variable", "guard"),
    [("MAX_SPREAD_BPS_ENTRY", SPREAD), ("MAX_SLIPPAGE_BPS_ENTRY", SLIPPAGE)],
    ids=["spread", "slippage"],
)
def test_a_limit_that_is_raised_lets_the_same_book_pass(variable: str, guard: Guard, tmp_path: Path) -> None:
    assert enter(tmp_path / "as it is", guard.blocked).outcome == "blocked"
    assert enter(tmp_path / "raised", guard.blocked, **{variable: "20"}).outcome == "sent"


def _blocks(folder: Path) -> list[Mapping[str, object]]:
    (file,) = folder.glob("*.jsonl")
    lines = [json.loads(line, parse_float=Decimal, parse_int=Decimal) for line in file.read_text().splitlines()]
    return [line for line in lines if line["event"] == "GUARD_BLOCK"]


if __name__ == "__main__":
    if pytest.main([__file__, "-q", "-p", "no:cacheprovider"]) != 0:
        raise SystemExit(1)
    print("✓ All hardening tests passed!")
