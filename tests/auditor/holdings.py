"""Checks of what is held and what it cost: positions against fills, and both against the exchange's shares and cash."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tests.auditor.database_view import Fill, Position
from tests.auditor.evidence import Evidence, Holding, net_of
from tests.auditor.findings import Finding, Kind

# Rows keep quotients in 28 digits, the auditor in fractions.
_TOLERANCE = Fraction(1, 1_000_000)


def positions_come_from_fills(evidence: Evidence) -> Iterator[Finding]:
    """A position has fills, and holds what they bought less what they sold (but for splits and bonus issues)."""
    fills_of = _fills_by_position(evidence)
    for position in evidence.database.positions:
        fills = fills_of.get(position.id, [])
        if not fills:
            yield _wrong(position, "no fill explains it")
        elif (position.quantity == 0) != (position.closed_at is not None):
            yield _wrong(position, f"it holds {position.quantity} and is {'closed' if position.closed_at else 'open'}")
        elif not _is_split(evidence, position):
            counted = _counted(fills)
            ours = (position.quantity, position.bought_quantity, position.sold_quantity)
            theirs = (counted.held, counted.bought, counted.sold)
            if ours != theirs:
                yield _wrong(position, f"held, bought and sold are {ours}, from the fills {theirs}")


def every_buy_has_its_position(evidence: Evidence) -> Iterator[Finding]:
    """What was bought is in a position."""
    for order_id in sorted({fill.order_id for fill in evidence.database.fills if fill.side == "buy"}):
        order = evidence.orders.get(order_id)
        if order is None or order.position_id not in evidence.positions:
            yield Finding(Kind.WRONG_POSITION, f"order {order_id} was filled and belongs to no position")


def profits_are_at_average_cost(evidence: Evidence) -> Iterator[Finding]:
    """Realised profit and remaining cost follow from the fills (but for splits and bonus issues)."""
    fills_of = _fills_by_position(evidence)
    for position in evidence.database.positions:
        fills = fills_of.get(position.id, [])
        counted = _counted(fills)
        if not fills or _is_split(evidence, position):
            continue
        for name, ours, theirs in (
            ("profit", position.realised_pnl, counted.profit),
            ("cost", position.cost, counted.cost),
        ):
            if abs(Fraction(ours) - theirs) > _TOLERANCE:
                text = (
                    f"position {position.id} ({position.symbol}): {name} Rs {ours}, from the fills {float(theirs):.6f}"
                )
                yield Finding(Kind.WRONG_PROFIT, text)


def closed_positions_have_no_ongoing_buys(evidence: Evidence) -> Iterator[Finding]:
    """A buy is ongoing only while its position is open."""
    for order in evidence.database.orders:
        position = evidence.positions.get(order.position_id or "")
        if order.status == "ongoing" and position is not None and position.closed_at is not None:
            yield Finding(Kind.WRONG_STATUS, f"order {order.id} is ongoing, its position {position.id} is closed")


def open_positions_are_the_holdings(evidence: Evidence) -> Iterator[Finding]:
    """Open positions hold, symbol by symbol, what the exchange holds for us; orders of others are taken off."""
    ours: dict[Holding, int] = defaultdict(int)
    for position in evidence.database.positions:
        ours[position.account_id, position.symbol] += position.quantity
    foreign = net_of(evidence.foreign, evidence.trades_of)
    for holding in sorted({*ours, *foreign, *evidence.exchange.holdings} - not_comparable(evidence)):
        expected = evidence.exchange.holdings.get(holding, 0) - foreign.get(holding, 0)
        if ours[holding] != expected:
            account, symbol = holding
            yield Finding(Kind.WRONG_HOLDING, f"{account} {symbol}: {ours[holding]} in positions, {expected} held")


def not_comparable(evidence: Evidence) -> frozenset[Holding]:
    """Holdings that were split and in which others have traded too: whose shares they are cannot be told."""
    return evidence.split & {(row.account_id, row.symbol) for row in evidence.foreign if row.filled}


def cash_is_opening_less_buys_plus_sells(evidence: Evidence) -> Iterator[Finding]:
    """The exchange's cash is the opening cash less what was bought plus what was sold.

    Where shares were split, fractions of a share are paid out, so that there may be more.
    """
    spent: dict[str, Decimal] = defaultdict(Decimal)
    for row in evidence.exchange.orders:
        for trade in evidence.trades_of.get(row.order_id, ()):
            value = trade.price * trade.quantity
            spent[row.account_id] += value if row.side == "buy" else -value
    with_payouts = {account for account, _ in evidence.split}
    for account, opening in evidence.exchange.opening_cash.items():
        expected, found = opening - spent[account], evidence.exchange.cash.get(account, Decimal(0))
        if found < expected or (found > expected and account not in with_payouts):
            yield Finding(Kind.WRONG_CASH, f"{account}: Rs {found} at the exchange, its trades leave Rs {expected}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    bought: int
    sold: int
    cost: Fraction
    profit: Fraction

    @property
    def held(self) -> int:
        return self.bought - self.sold


def _counted(fills: Sequence[Fill]) -> _Counted:
    """At average cost, in the order in which the fills were booked."""
    bought = sold = 0
    cost = profit = Fraction(0)
    for fill in fills:
        value = Fraction(fill.price) * fill.quantity
        if fill.side == "buy":
            bought, cost = bought + fill.quantity, cost + value
            continue
        held = bought - sold
        cost_of_sold = cost * Fraction(fill.quantity, held) if held else Fraction(0)
        sold, cost, profit = sold + fill.quantity, cost - cost_of_sold, profit + value - cost_of_sold
    return _Counted(bought=bought, sold=sold, cost=cost, profit=profit)


def _fills_by_position(evidence: Evidence) -> dict[str, list[Fill]]:
    fills_of: dict[str, list[Fill]] = defaultdict(list)
    for fill in evidence.database.fills:
        order = evidence.orders.get(fill.order_id)
        if order is not None and order.position_id is not None:
            fills_of[order.position_id].append(fill)
    return fills_of


def _is_split(evidence: Evidence, position: Position) -> bool:
    return (position.account_id, position.symbol) in evidence.split


def _wrong(position: Position, problem: str) -> Finding:
    return Finding(Kind.WRONG_POSITION, f"position {position.id} ({position.account_id} {position.symbol}): {problem}")
