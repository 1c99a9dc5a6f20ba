"""Intents: what somebody wants, as an order on tick and lot that can be judged; or why it cannot be made."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from tradebot.domain.calendar import CalendarHorizonError
from tradebot.domain.guards import Reason, Refusal
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.orders import DecisionId, EntryType, OrderIntent, OrderType, PositionId, Side, Variety
from tradebot.domain.positions import Position
from tradebot.domain.quotes import Quote
from tradebot.engine.commands import SubmitOrder
from tradebot.engine.judging import Judging, Picture, held_position
from tradebot.engine.order_rows import REDUCES
from tradebot.engine.pricing import next_session, on_tick, protected_price, reference_price
from tradebot.engine.setting import Setting
from tradebot.engine.unit import Unit
from tradebot.engine.waiting import fingerprint

QUANTITY_MAX = 10_000_000
PRICE_MAX = Decimal(1_000_000)


class NotNow(str):
    """Why an order cannot be made at this time of day; at another one it could."""


class Intents:
    """Makes intents of what people and batches give, and asks the guards about them."""

    def __init__(self, setting: Setting, judging: Judging) -> None:
        self._setting = setting
        self._judging = judging

    def judge(self, unit: Unit, intent: OrderIntent, picture: Picture) -> list[Refusal]:
        """Every refusal it meets; what takes another order back is not judged as an entry."""
        if intent.side is Side.SELL:
            position = unit.positions.get(intent.position_id) if intent.position_id is not None else None
            return [*self._judging.sell(unit, intent.symbol, position), *_too_many(intent, position)]
        return [] if REDUCES in intent.metadata else self._judging.entry(unit, intent, picture)

    def make(
        self, unit: Unit, command: SubmitOrder, decision_id: DecisionId, picture: Picture
    ) -> OrderIntent | Refusal | str:
        """The order as it would be sent, on tick and lot; or why it cannot be made, in words or as a refusal."""
        terms = picture.terms.get(command.symbol)
        if terms is None or terms.exchange != command.exchange:
            return f"{command.symbol} is not traded on {command.exchange} at this broker"
        session = next_session(self._setting, unit.now)
        if session is None:
            return self._not_now(unit.now)
        day, variety = session
        quantity = command.quantity // terms.lot_size * terms.lot_size
        if not quantity:
            return f"{command.quantity} is less than one lot of {terms.lot_size}"
        price = self._price(command, variety, terms, picture.quotes.get(command.symbol))
        if price is None:
            return Refusal("quote", Reason.NO_MARKET_DATA, {"symbol": command.symbol})
        trigger = command.trigger_price
        return OrderIntent(
            account_id=command.account_id,
            user_id=command.user_id,
            decision_id=decision_id,
            leg=command.leg,
            symbol=command.symbol,
            exchange=command.exchange,
            side=command.side,
            quantity=quantity,
            order_type=command.order_type,
            price=price,
            trigger_price=None if trigger is None else on_tick(command.side, trigger, terms),
            product=command.product,
            validity=command.validity,
            variety=variety,
            source=command.source,
            entry_type=EntryType.MANUAL if command.side is Side.BUY else None,
            position_id=_position_of(unit, command),
            trading_day=day.day,
            correlation_id=command.correlation_id,
            metadata={**command.metadata, "fingerprint": fingerprint(command)},
            batch_id=command.batch_id,
            idempotency_key=command.idempotency_key,
            disclosed_quantity=command.disclosed_quantity,
        )

    def _not_now(self, now: datetime) -> NotNow:
        try:
            opens = self._setting.amo.next_opening(now, self._setting.calendar)
        except CalendarHorizonError as cause:
            return NotNow(f"no session is known: {cause}")
        return NotNow(f"no session takes orders now; after-market orders are taken from {opens:%Y-%m-%d %H:%M} UTC")

    def _price(
        self, command: SubmitOrder, variety: Variety, terms: InstrumentTerms, quote: Quote | None
    ) -> Decimal | None:
        """The limit that is sent; None where a protected one has nothing to start from."""
        if command.order_type in (OrderType.LIMIT, OrderType.SL):
            assert command.price is not None
            return on_tick(command.side, command.price, terms)
        reference = reference_price(command.side, variety, command.trigger_price, quote, terms)
        return None if reference is None else protected_price(command.side, reference, terms, self._setting.rules)


def problems(command: SubmitOrder, setting: Setting) -> dict[str, str]:
    """What is wrong with each field whatever the market does; empty when nothing is."""
    has_price, has_trigger = command.price is not None, command.trigger_price is not None
    is_stop = command.order_type in (OrderType.SL, OrderType.SL_M)
    checks = (
        ("account_id", command.account_id != setting.policy.account_id, f"there is no account {command.account_id!r}"),
        ("quantity", not 0 < command.quantity <= QUANTITY_MAX, f"must be 1 to {QUANTITY_MAX}"),
        ("price", _is_no_price(command.price), f"must be above 0 and at most {PRICE_MAX}"),
        ("trigger_price", _is_no_price(command.trigger_price), f"must be above 0 and at most {PRICE_MAX}"),
        (
            "price",
            command.order_type in (OrderType.LIMIT, OrderType.SL) and not has_price,
            f"{command.order_type} orders need one",
        ),
        ("trigger_price", is_stop and not has_trigger, f"{command.order_type} orders need one"),
        ("trigger_price", not is_stop and has_trigger, "belongs to stop orders"),
        (
            "disclosed_quantity",
            not 0 <= command.disclosed_quantity <= max(command.quantity, 0),
            "must be 0 to the order's quantity",
        ),
    )
    return {field: text for field, is_wrong, text in reversed(checks) if is_wrong}


def _is_no_price(price: Decimal | None) -> bool:
    return price is not None and not (price.is_finite() and 0 < price <= PRICE_MAX)


def _position_of(unit: Unit, command: SubmitOrder) -> PositionId | None:
    position = held_position(unit, command.symbol) if command.side is Side.SELL else None
    return position.id if position is not None else None


def _too_many(intent: OrderIntent, position: Position | None) -> list[Refusal]:
    """A person's sell is never cut in silence."""
    if position is None or intent.quantity <= position.quantity:
        return []
    figures = {"found": position.quantity, "wanted": intent.quantity}
    return [Refusal("state", Reason.NOT_HELD, figures)]
