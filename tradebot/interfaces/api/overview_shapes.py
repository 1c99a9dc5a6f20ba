"""The picture of the daemon as JSON: what the page shows beside the orders."""

from __future__ import annotations

from tradebot.engine.alerts_view import Alert
from tradebot.engine.schedule_view import JobRow
from tradebot.engine.views import BlockCount, DaemonView, PositionRow
from tradebot.interfaces.api.answers import Amount, FillShape, Instant, Shape

EVENTS_SHOWN_MAX = 60


class MarketShape(Shape):
    """The exchange's phase, and when it changes next; null where the calendar ends."""

    phase: str | None
    following: str | None
    changes_at: Instant | None


class PositionShape(Shape):
    """What is held of one symbol; `gain` is that of the shares still held, without fees."""

    symbol: str
    quantity: int
    average_price: Amount | None
    last_price: Amount | None
    gain: Amount | None
    gain_pct: Amount | None
    realised_pnl: Amount
    first_fill_at: Instant

    @classmethod
    def of(cls, row: PositionRow) -> PositionShape:
        position = row.position
        return cls.model_construct(
            symbol=position.symbol,
            quantity=position.quantity,
            average_price=position.average_price,
            last_price=row.last_price,
            gain=row.gain,
            gain_pct=row.gain_pct,
            realised_pnl=position.realised_pnl,
            first_fill_at=position.first_fill_at,
        )


class MoneyShape(Shape):
    """In rupees, without fees."""

    invested: Amount
    free: Amount | None
    realised: Amount
    open_gain: Amount | None


class JobShape(Shape):
    name: str
    next_at: Instant | None
    last_at: Instant | None
    outcome: str

    @classmethod
    def of(cls, row: JobRow) -> JobShape:
        return cls.model_construct(name=row.name, next_at=row.next_at, last_at=row.last_at, outcome=row.outcome)


class AlertShape(Shape):
    """Something that stands until it is mended. One with a `name` is of the table of alert rules: somebody may say that
    it was seen."""

    level: str
    text: str
    at: Instant | None
    name: str | None
    is_seen: bool

    @classmethod
    def of(cls, alert: Alert) -> AlertShape:
        return cls.model_construct(
            level=alert.level, text=alert.text, at=alert.at, name=alert.name, is_seen=alert.is_seen
        )


class AlertsShape(Shape):
    alerts: list[AlertShape]


class BlockShape(Shape):
    """How often guards have blocked for one reason today."""

    reason: str
    count: int
    symbol: str
    at: Instant

    @classmethod
    def of(cls, block: BlockCount) -> BlockShape:
        return cls.model_construct(reason=block.reason, count=block.count, symbol=block.symbol, at=block.at)


class HappeningShape(Shape):
    """One event of the daemon."""

    at: Instant
    level: str
    event: str
    message: str


class OverviewShape(Shape):
    """Everything but the orders, at one instant of the daemon's clock."""

    name: str
    mode: str
    session: str
    account_id: str
    time: Instant
    rate: float
    market: MarketShape
    positions: list[PositionShape]
    positions_open: int
    positions_max: int
    money: MoneyShape
    schedule: list[JobShape]
    alerts: list[AlertShape]
    blocks: list[BlockShape]
    flags: dict[str, str]
    events: list[HappeningShape]
    is_paused: bool
    is_killed: bool

    @classmethod
    def of(cls, view: DaemonView, *, is_paused: bool, is_killed: bool) -> OverviewShape:
        market, money = view.market, view.money
        return cls.model_construct(
            name=view.facts.name,
            mode=str(view.facts.mode),
            session=view.facts.session,
            account_id=view.account_id,
            time=view.now,
            rate=view.facts.rate,
            market=MarketShape.model_construct(
                phase=market.phase, following=market.following, changes_at=market.changes_at
            ),
            positions=[PositionShape.of(row) for row in view.positions],
            positions_open=view.positions_open,
            positions_max=view.positions_max,
            money=MoneyShape.model_construct(
                invested=money.invested, free=money.free, realised=money.realised, open_gain=money.open_gain
            ),
            schedule=[JobShape.of(row) for row in view.schedule],
            alerts=[AlertShape.of(alert) for alert in view.alerts],
            blocks=[BlockShape.of(block) for block in view.tail.blocks],
            flags=dict(view.flags),
            events=[
                HappeningShape.model_construct(at=e.at, level=e.level, event=e.name, message=e.message)
                for e in view.tail.events[: -EVENTS_SHOWN_MAX - 1 : -1]
            ],
            is_paused=is_paused,
            is_killed=is_killed,
        )


class PointShape(Shape):
    at: Instant
    price: Amount


class ChartShape(Shape):
    """A symbol's prices of the day as far as they were looked at, and its fills."""

    symbol: str
    symbols: list[str]
    prices: list[PointShape]
    fills: list[FillShape]
