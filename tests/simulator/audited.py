"""The auditor, shown a world in memory: what it needs of the exchange, the disk and the database, as plain values."""

from __future__ import annotations

from collections import Counter

from tests.auditor.audit import audit_books
from tests.auditor.database_view import DatabaseView
from tests.auditor.exchange_view import ExchangeOrder, ExchangeTrade, ExchangeView
from tests.auditor.log_view import LogView
from tests.auditor.registry_view import RegistryView
from tests.auditor.stream_view import StreamView
from tests.simulator.world import ACCOUNT, STATE, World
from tradebot.exchange.rows import OrderRow, TradeRow


def findings(world: World) -> list[str]:
    """What the auditor finds in a settled world; empty when the books agree."""
    registry = RegistryView.from_bytes(
        world.disk.read(STATE / "coid_registry.json"), world.disk.read(STATE / "coid_registry.journal")
    )
    database = DatabaseView.from_image(world.database.image())
    stream = StreamView(connections=world.told, is_to_the_end=True)
    report = audit_books(_exchange(world), registry, database, _log(world), stream)
    return [f"audit: {finding}" for finding in report.findings]


def _log(world: World) -> LogView | None:
    """Of a day without a death; another life's log lacks what the first one told."""
    if world.moment is not None:
        return None
    told = {
        name: Counter(str(event.fields["order_id"]) for event in world.events if event.name == name)
        for name in ("ORDER_FILLED", "ORDER_PARTIAL")
    }
    return LogView(filled=told["ORDER_FILLED"], partial=told["ORDER_PARTIAL"])


def _exchange(world: World) -> ExchangeView:
    state = world.exchange.snapshot().state
    archived = [kept for of_date in state.archive.values() for kept in of_date.values()]
    orders = [*(kept.order for kept in archived), *state.orders.values()]
    trades = [trade for kept in archived for trade in kept.trades]
    trades += [trade for of_order in state.trades.values() for trade in of_order]
    return ExchangeView(
        orders=[_order(row) for row in orders],
        trades=[_trade(row) for row in trades],
        cash={account: row.cash for account, row in state.margins.items()},
        opening_cash={ACCOUNT: world.scenario.cash},
        holdings={(row.account_id, row.symbol): row.quantity for row in state.holdings.values()},
    )


def _order(row: OrderRow) -> ExchangeOrder:
    return ExchangeOrder(
        order_id=row.order_id,
        account_id=row.account_id,
        tag=row.tag,
        symbol=row.symbol,
        side=row.side.value,
        quantity=row.quantity,
        filled=row.filled_quantity,
        status=row.status.value,
        average_price=row.average_price,
    )


def _trade(row: TradeRow) -> ExchangeTrade:
    return ExchangeTrade(order_id=row.order_id, quantity=row.quantity, price=row.price)
