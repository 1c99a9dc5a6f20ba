"""What the one sell of a position should be: at its target, at what the market pays, or a stop-loss order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tradebot.domain.broker_views import is_triggered
from tradebot.domain.calendar import ist_date
from tradebot.domain.exits import ExitRule
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.lifecycle import CANCEL_REASON
from tradebot.domain.market_rules import round_to_tick
from tradebot.domain.orders import Attempt, Order, OrderType, Side
from tradebot.domain.positions import Position
from tradebot.domain.protection import Protection, protective_price
from tradebot.domain.quotes import Quote
from tradebot.engine.pricing import protected_price
from tradebot.engine.setting import Setting

GIVES_WAY = "Gives way to another sell of the position"
"""Why a sell is cancelled that cannot be changed into the one that is wanted: it is no try that failed."""

_BASIS_POINTS = Decimal(10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedSell:
    """With a trigger it is a stop-loss order: it becomes a limit sell when the last price is at or below that."""

    rule: ExitRule
    price: Decimal
    trigger: Decimal | None = None

    @property
    def order_type(self) -> OrderType:
        return OrderType.LIMIT if self.trigger is None else OrderType.SL


def wanted_sell(
    position: Position, terms: InstrumentTerms, quote: Quote | None, setting: Setting, now: datetime
) -> WantedSell | None:
    """A rule that has hit comes first, then the target; only where neither is, the given stop-loss stands itself.
    None: nothing can be placed now."""
    if position.exit_rule is not None:
        return _at_market(position, terms, quote, setting)
    if "target" in position.metadata:
        price = target_price(position, terms)
        if price <= terms.upper_limit:
            return WantedSell(rule=ExitRule.PROFIT_TARGET, price=price)
    return _stop(position, terms, quote, setting, now)


def target_price(position: Position, terms: InstrumentTerms) -> Decimal:
    return max(round_to_tick(Decimal(position.metadata["target"]), terms.tick_size, "up"), terms.lower_limit)


def must_give_way(order: Order, attempt: Attempt, wanted: WantedSell) -> bool:
    """Whether a standing sell is to be cancelled for the one that is wanted. One that was triggered is a limit sell
    like any other, and its stop-loss is being executed; no broker turns a limit sell into a stop."""
    if order.trigger_price is None:
        return wanted.trigger is not None
    is_asleep = not order.execution_qty and not is_triggered(attempt.broker_status)
    return is_asleep and wanted.trigger != order.trigger_price


def gave_way(order: Order) -> bool:
    return order.metadata.get(CANCEL_REASON) == GIVES_WAY


def _at_market(position: Position, terms: InstrumentTerms, quote: Quote | None, setting: Setting) -> WantedSell | None:
    if position.exit_rule is None or quote is None or quote.best_bid is None:
        return None
    rule = ExitRule(position.exit_rule)
    slip = quote.best_bid * setting.policy.exits.slippage_bps_max / _BASIS_POINTS
    price = max(round_to_tick(quote.best_bid - slip, terms.tick_size, "down"), terms.lower_limit)
    if rule is ExitRule.PROFIT_TARGET and "target" in position.metadata:
        price = max(price, target_price(position, terms))
    return WantedSell(rule=rule, price=price)


def _stop(
    position: Position, terms: InstrumentTerms, quote: Quote | None, setting: Setting, now: datetime
) -> WantedSell | None:
    """A stop-loss order, its limit as far below the trigger as the exchange's protection of a market order goes. Where
    the last price is at the trigger already, a broker refuses it: then the rule itself hits."""
    given = protective_price(position.metadata, Protection.STOP_LOSS)
    if given is None or quote is None or not _takes_stops(setting, now):
        return None
    trigger = round_to_tick(given, terms.tick_size, "down")
    if trigger >= quote.last_price or not terms.lower_limit <= trigger <= terms.upper_limit:
        return None
    price = protected_price(Side.SELL, trigger, terms, setting.rules)
    return WantedSell(rule=ExitRule.STOP_LOSS, price=min(price, trigger), trigger=trigger)


def _takes_stops(setting: Setting, now: datetime) -> bool:
    day = setting.calendar.trading_day(ist_date(now))
    return day is not None and day.opens_at <= now < day.stops_end_at
