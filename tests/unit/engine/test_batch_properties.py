"""Every mixture of accepted, rejected, filled, lost and late legs: what is said of a batch is what the books show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine.batch_house import SYMBOLS, a_batch, a_batch_house, the_batch, the_legs
from tests.unit.engine.fakes import AnswerLost
from tests.unit.engine.house import House
from tradebot.domain.batches import BatchStatus, Leg, LegStatus
from tradebot.domain.broker_views import BrokerOrder, BrokerWord
from tradebot.domain.errors import BrokerRejected, BrokerUnavailable, OutcomeUnknown
from tradebot.domain.orders import Side

PLACINGS: dict[str, Callable[[], Exception | None]] = {
    "accepted": lambda: None,
    "rejected": lambda: BrokerRejected("no margin"),
    "lost, and there": lambda: AnswerLost("the answer was lost"),
    "lost, and not there": lambda: OutcomeUnknown("the request was lost"),
    "not sent": lambda: BrokerUnavailable("down"),
}
QUANTITY = 10


@dataclass(frozen=True, slots=True)
class LegStory:
    """How the broker answers the placement, how much it fills at once, and how much after everything else."""

    placing: str
    filled: int
    late: int


@dataclass(frozen=True, slots=True)
class BatchStory:
    legs: tuple[LegStory, ...]
    rolls_back: bool
    unwinds: bool
    in_sequence: bool
    restarts_after: int | None


LEGS = st.builds(LegStory, st.sampled_from(sorted(PLACINGS)), st.sampled_from([0, 0, 4, 10]), st.sampled_from([0, 6]))
STORIES = st.builds(
    BatchStory,
    st.lists(LEGS, min_size=1, max_size=4).map(tuple),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.none() | st.integers(1, 12),
)


@settings(max_examples=60)
@given(STORIES)
def test_what_is_said_of_a_batch_is_what_the_books_show(story: BatchStory) -> None:
    house = a_batch_house()
    house.broker.troubles["place"] = [PLACINGS[leg.placing]() for leg in story.legs]
    command = a_batch(
        rollback_on_failure=story.rolls_back,
        unwind_filled=story.unwinds,
        sequential=story.in_sequence,
        idempotency_key="key",
    )
    house.put(replace(command, legs=command.legs[: len(story.legs)]))
    _run(house, story.legs, story.restarts_after)
    if story.restarts_after is not None:
        house.restart()
        house.tell(replace(command, legs=command.legs[: len(story.legs)]))
    _let_time_pass(house)
    _compare(house)

    for row, leg in _rows(house, story.legs):
        if leg.late and row.filled_quantity + leg.late <= QUANTITY and row.word is not BrokerWord.REJECTED:
            status = "CANCELLED" if row.word is BrokerWord.CANCELLED else None
            house.broker.fill(row.broker_order_id, leg.late, status=status)
    _let_time_pass(house)
    _compare(house)


def _run(house: House, legs: Sequence[LegStory], steps: int | None) -> None:
    """Call by call; what is to be filled at once is filled before anybody hears of the placement."""
    done = 0
    while (steps is None or done < steps) and _step(house, legs):
        done += 1


def _step(house: House, legs: Sequence[LegStory]) -> bool:
    before = set(house.broker.rows)
    if not house.lanes.run_one():
        return False
    for number in set(house.broker.rows) - before:
        row = house.broker.rows[number]
        at_once = row.quantity if row.side is Side.SELL else legs[SYMBOLS.index(row.symbol)].filled
        if at_once:
            house.broker.fill(number, at_once)
    house.engine.run_pending()
    return True


def _let_time_pass(house: House) -> None:
    """Long enough for every look, repeat and fill of what takes something back."""
    for _ in range(8):
        house.look()
        house.advance(seconds=20)
        for number, row in house.broker.rows.items():
            if row.side is Side.SELL and row.word is BrokerWord.OPEN:
                house.broker.fill(number, row.quantity - row.filled_quantity)
    house.look()


def _rows(house: House, legs: Sequence[LegStory]) -> list[tuple[BrokerOrder, LegStory]]:
    buys = [row for row in house.broker.rows.values() if row.side is Side.BUY]
    return [(row, legs[SYMBOLS.index(row.symbol)]) for row in buys]


def _compare(house: House) -> None:
    """The books alone say what is true; each leg stands in them at most once."""
    rows = {row.tag: row for row in house.broker.rows.values()}
    assert len(rows) == len(house.broker.rows), "an id was sent twice"
    batch, legs = the_batch(house), the_legs(house)
    nets = [_net(house, leg) for leg in legs]
    stand = [(row := rows.get(leg.coid)) is not None and row.word is BrokerWord.OPEN for leg in legs]
    for leg, net, stands in zip(legs, nets, stand, strict=True):
        _compare_leg(leg, rows.get(leg.coid), net, stands=stands)
    is_something = any(nets) or any(stand)
    match batch.status:
        case BatchStatus.SUCCESS:
            assert all(stands or net == leg.quantity for leg, net, stands in zip(legs, nets, stand, strict=True))
        case BatchStatus.ROLLED_BACK | BatchStatus.FAILED:
            assert not is_something
        case BatchStatus.PARTIAL:
            assert is_something
        case None:
            raise AssertionError(f"not settled: {[leg.status for leg in legs]}")
    assert (batch.status is BatchStatus.ROLLED_BACK) <= batch.rollback_on_failure


def _compare_leg(leg: Leg, row: BrokerOrder | None, net: int, *, stands: bool) -> None:
    match leg.status:
        case LegStatus.PLACED:
            assert stands
        case LegStatus.FILLED:
            assert net
            assert row is not None
            assert leg.filled_qty == row.filled_quantity
        case LegStatus.FAILED:
            assert row is None or not (stands or row.filled_quantity)
        case LegStatus.ROLLED_BACK:
            assert row is not None
            assert row.word is BrokerWord.CANCELLED
            assert not row.filled_quantity
        case LegStatus.UNWOUND:
            assert row is not None
            assert row.filled_quantity
            assert not net
        case LegStatus.ROLLBACK_FAILED:
            assert net
        case LegStatus.NOT_SENT:
            assert row is None
        case LegStatus.UNKNOWN:
            raise AssertionError(f"{leg.symbol}: still unknown")


def _net(house: House, leg: Leg) -> int:
    """Shares that the leg's symbol is left with: one leg a symbol."""
    return sum(
        trade.quantity if trade.side is Side.BUY else -trade.quantity
        for trade in house.broker.executions
        if trade.symbol == leg.symbol
    )
