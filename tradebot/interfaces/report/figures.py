"""From the books and events of a run to what its report shows; nothing is read or written here."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from statistics import fmean, median

from tradebot.domain.calendar import IST, ist_date
from tradebot.domain.orders import (
    Decision,
    Fill,
    JobRun,
    Order,
    OrderEvent,
    OrderStatus,
    Side,
)
from tradebot.domain.positions import Position
from tradebot.interfaces.report.tally import Tally

ROWS_MAX = 50
LONGEST = 10

_BPS = Decimal(10_000)
_NUMBER = re.compile(r"\d[\d,.]*")
_END_OF_DAY = "end_of_day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """All that a report is made from. `sources` say in words what was read, and what was not there."""

    session: str
    sources: Sequence[str]
    tally: Tally
    orders: Sequence[Order] = ()
    fills: Sequence[Fill] = ()
    positions: Sequence[Position] = ()
    decisions: Sequence[Decision] = ()
    job_runs: Sequence[JobRun] = ()
    refusals: Sequence[OrderEvent] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A table; `right` are the columns with numbers, `empty` is said when there is nothing, `left_out` counts rows
    beyond `ROWS_MAX`."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    empty: str
    right: frozenset[int] = field(default_factory=frozenset)
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """`pnl_by_day` in rupees, each day of the run; `slippage_bps` of each filled order, positive is worse."""

    session: str
    sources: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    pnl_by_day: tuple[tuple[date, Decimal], ...]
    slippage_bps: tuple[Decimal, ...]
    tables: tuple[Rows, ...]

    @property
    def cumulative(self) -> tuple[tuple[date, Decimal], ...]:
        total, points = Decimal(0), []
        for day, pnl in self.pnl_by_day:
            total += pnl
            points.append((day, total))
        return tuple(points)


def figures_of(material: Material) -> Figures:
    pnl = pnl_by_day(material)
    slippage = tuple(slippage_bps(material))
    return Figures(
        session=material.session,
        sources=tuple(material.sources),
        facts=_facts(material, pnl, slippage),
        pnl_by_day=pnl,
        slippage_bps=slippage,
        tables=(
            _by_status(material.orders),
            _exits(material),
            _open_positions(material.positions),
            _blocks(material.tally),
            _refusals(material.refusals),
            _outcomes(material.decisions),
            _longest(material.orders),
            _jobs(material.job_runs),
            _troubles(material.tally),
        ),
    )


def pnl_by_day(material: Material) -> tuple[tuple[date, Decimal], ...]:
    """What each day's sells have earned, on the IST date of their last fill; days without one are 0."""
    last_fill = {fill.order_id: fill.traded_at for fill in sorted(material.fills, key=lambda fill: fill.traded_at)}
    found: dict[date, Decimal] = defaultdict(Decimal)
    for run in material.job_runs:
        if run.name == _END_OF_DAY:
            found[ist_date(run.planned_for)] += Decimal(0)
    for order in material.orders:
        if order.side is Side.SELL and order.id in last_fill and "realised_pnl" in order.metadata:
            found[ist_date(last_fill[order.id])] += Decimal(order.metadata["realised_pnl"])
    return tuple(sorted(found.items()))


def slippage_bps(material: Material) -> Iterable[Decimal]:
    """(average fill - reference) / reference x 10,000, x -1 for sells. The reference of a sale that a rule decided on
    is the price at that decision, where it was told; of every other order its limit."""
    by_rule = {position.id for position in material.positions if position.exit_rule is not None}
    for order in material.orders:
        is_by_rule = order.side is Side.SELL and order.position_id in by_rule
        reference = material.tally.exit_prices.get(str(order.position_id)) if is_by_rule else order.price
        if reference and order.average_price is not None:
            worse = (order.average_price - reference) / reference * _BPS
            yield worse if order.side is Side.BUY else -worse


def _facts(
    material: Material, pnl: Sequence[tuple[date, Decimal]], slippage: Sequence[Decimal]
) -> tuple[tuple[str, str], ...]:
    fills = material.fills
    turnover = sum((fill.price * fill.quantity for fill in fills), Decimal(0))
    earned = [amount for _, amount in pnl]
    still_open = [position for position in material.positions if position.is_open]
    facts = [
        ("period", _period(material)),
        ("orders", f"{len(material.orders):,}"),
        ("fills", f"{len(fills):,}, Rs {turnover:,.2f} traded"),
        ("realised P&L", f"Rs {sum(earned, Decimal(0)):,.2f}"),
        ("days", f"{sum(a > 0 for a in earned)} won, {sum(a < 0 for a in earned)} lost, {len(earned)} in all"),
        ("open positions", f"{len(still_open)}, Rs {sum((p.cost for p in still_open), Decimal(0)):,.2f} paid for them"),
    ]
    if slippage:
        values = [float(value) for value in slippage]
        worst = f"worst {max(values):.1f}"
        facts.append(("slippage", f"mean {fmean(values):.1f} bps, median {median(values):.1f}, {worst}"))
    return tuple(facts)


def _period(material: Material) -> str:
    stamps = [order.created_at for order in material.orders] + [order.updated_at for order in material.orders]
    stamps += [run.finished_at for run in material.job_runs]
    stamps += [at for at in (material.tally.first, material.tally.last) if at is not None]
    return f"{_when(min(stamps))} to {_when(max(stamps))} IST" if stamps else "nothing happened"


def _by_status(orders: Sequence[Order]) -> Rows:
    counts = Counter((order.status, order.side) for order in orders)
    rows = [
        (str(status), *(str(counts[status, side]) for side in Side), str(sum(counts[status, side] for side in Side)))
        for status in OrderStatus
    ]
    return _rows("Orders", ("status", *map(str, Side), "all"), rows, "no orders", {1, 2, 3})


def _exits(material: Material) -> Rows:
    """Sold positions by the rule that sold them; without one it was the target, or a strategy's own sell."""
    sold: dict[str, list[Decimal]] = defaultdict(list)
    for position in material.positions:
        if not position.is_open:
            sold[position.exit_rule or "target or signal"].append(position.realised_pnl)
    rows = [
        (rule, str(len(gains)), str(sum(gain > 0 for gain in gains)), f"{sum(gains, Decimal(0)):,.2f}")
        for rule, gains in sorted(sold.items())
    ]
    return _rows("Exits", ("rule", "positions", "with a gain", "P&L Rs"), rows, "nothing was sold", {1, 2, 3})


def _open_positions(positions: Sequence[Position]) -> Rows:
    held = sorted((p for p in positions if p.is_open), key=lambda position: position.symbol)
    rows = [
        (p.symbol, str(p.quantity), f"{p.average_price or 0:,.2f}", f"{p.cost:,.2f}", _when(p.first_fill_at))
        for p in held
    ]
    header = ("symbol", "quantity", "average Rs", "paid Rs", "since (IST)")
    return _rows("Open positions", header, rows, "none", {1, 2, 3})


def _blocks(tally: Tally) -> Rows:
    rows = [
        (reason, "shadow: it would have" if is_shadow else "blocked", str(count))
        for (reason, is_shadow), count in tally.blocks.most_common()
    ]
    return _rows("Guard blocks", ("reason", "", "times"), rows, "no guard has blocked", {2})


def _refusals(refusals: Sequence[OrderEvent]) -> Rows:
    """By their text, with N for each number: the same refusal of two orders is one line."""
    counts = Counter(_NUMBER.sub("N", line.reason) for line in refusals)
    rows = [(text, str(count)) for text, count in counts.most_common()]
    return _rows("Rejections", ("text", "times"), rows, "none", {1})


def _outcomes(decisions: Sequence[Decision]) -> Rows:
    counts = Counter(decision.outcome for decision in decisions)
    rows = [(outcome, str(count)) for outcome, count in counts.most_common()]
    return _rows("Signals", ("outcome", "times"), rows, "no signal was judged", {1})


def _longest(orders: Sequence[Order]) -> Rows:
    """From creation to the last change: what stood for long, or has not ended."""
    oldest = sorted(orders, key=lambda order: order.created_at - order.updated_at)[:LONGEST]
    rows = [
        (o.symbol, str(o.side), str(o.quantity), str(o.status), _span(o.updated_at - o.created_at), o.reason)
        for o in oldest
    ]
    header = ("symbol", "side", "quantity", "status", "lived", "reason")
    return _rows("Longest-lived orders", header, rows, "no orders", {2, 4})


def _jobs(runs: Sequence[JobRun]) -> Rows:
    by_name: Mapping[str, list[JobRun]] = defaultdict(list)
    for run in runs:
        by_name[run.name].append(run)
    rows = [
        (
            name,
            str(len(of_name)),
            _span(max(run.finished_at - run.planned_for for run in of_name)),
            _when(of_name[-1].planned_for),
            of_name[-1].outcome,
        )
        for name, of_name in sorted(by_name.items())
    ]
    return _rows("Job runs", ("job", "runs", "latest by", "last (IST)", "its outcome"), rows, "no job has run", {1, 2})


def _troubles(tally: Tally) -> Rows:
    worst_first = ("CRITICAL", "ERROR", "WARNING")
    keys = sorted(tally.troubles, key=lambda key: (worst_first.index(key[0]), -tally.troubles[key], key[1]))
    rows = [(*key, str(tally.troubles[key]), tally.last_words[key]) for key in keys]
    return _rows("Errors and warnings", ("level", "event", "times", "the last one"), rows, "none", {2})


def _rows(
    title: str, header: tuple[str, ...], rows: Sequence[tuple[str, ...]], empty: str, right: Iterable[int]
) -> Rows:
    return Rows(
        title=title,
        header=header,
        rows=tuple(rows[:ROWS_MAX]),
        empty=empty,
        right=frozenset(right),
        left_out=max(0, len(rows) - ROWS_MAX),
    )


def _span(span: timedelta) -> str:
    minutes = int(span.total_seconds()) // 60
    days, hours = minutes // 1_440, minutes // 60 % 24
    return f"{days} d {hours} h" if days else f"{hours} h {minutes % 60} min"


def _when(at: datetime) -> str:
    return at.astimezone(IST).strftime("%Y-%m-%d %H:%M")
