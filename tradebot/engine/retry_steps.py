"""One failed order's turn: the facts for its checks, and what the check that decided leads to."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tradebot.domain.broker_views import BrokerOrder, BrokerWord
from tradebot.domain.guards import Reason, Refusal
from tradebot.domain.instruments import InstrumentTerms
from tradebot.domain.lifecycle import OrderChange, Transition
from tradebot.domain.market_rules import round_to_tick
from tradebot.domain.orders import Order, OrderStatus, Product, Side
from tradebot.domain.positions import Position
from tradebot.domain.retry import OF_SIGNAL, PRICED_BY, RetryFacts, RetryVerdict, Step, is_by_symbol, judge_retry
from tradebot.engine import ledger, verdicts
from tradebot.engine.judging import Judging, Picture, free_cash, held_position, money_of
from tradebot.engine.messages import RetryReady
from tradebot.engine.order_rows import is_entry
from tradebot.engine.questions import sells_of
from tradebot.engine.replacing import Replacing
from tradebot.engine.retry_desk import RetryDesk, RetryTerms, again
from tradebot.engine.setting import Setting
from tradebot.engine.slots import Submission
from tradebot.engine.unit import Unit

_JUDGED_BEFORE = frozenset({Reason.MAX_POSITIONS, Reason.MIN_CASH, Reason.SYMBOL_TAKEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """How an order's turn ended. `count` is the run's figure that it adds to at once, "" for none; `is_sent`: the
    broker's answer is still to come; `is_tried`: it came as far as a placement, or failed one of its last checks."""

    step: Step | None
    count: str
    text: str
    is_sent: bool = False
    is_tried: bool = False

    @property
    def is_placed(self) -> bool:
        return self.count == "placed"


class RetrySteps:
    """Entries go through the checks of a retry and then through the guards of every entry; sells to their target."""

    def __init__(self, setting: Setting, judging: Judging, retry_desk: RetryDesk, replacing: Replacing) -> None:
        self._setting = setting
        self._judging = judging
        self._desk = retry_desk
        self._replacing = replacing

    def take(self, unit: Unit, order: Order, ready: RetryReady) -> Retried:
        terms = ready.terms.get(order.symbol)
        if terms is None:
            return self._skip(unit, order, Step.NO_INDICATORS, "the broker does not know the symbol today")
        if order.side is Side.SELL and not is_entry(order):
            return self._sell(unit, order, terms, ready)
        return self._enter(unit, order, terms, ready)

    def _enter(self, unit: Unit, order: Order, terms: InstrumentTerms, ready: RetryReady) -> Retried:
        facts = self._facts(unit, order, terms, ready)
        verdict = judge_retry(order, facts)
        match verdict.step:
            case Step.LIMIT | Step.NO_INDICATORS | Step.NO_PRICE:
                return self._skip(unit, order, verdict.step, _why_skipped(verdict.step, facts))
            case Step.HELD | Step.BALANCE | Step.VOLUME:
                return self._stay(unit, order, verdict, facts)
            case Step.LINK | Step.REPLACE:
                if facts.manual is not None:
                    return self._link(unit, order, facts.manual, ready)
                assert facts.live is not None
                return self._replace(unit, order, unit.orders[facts.live])
            case Step.PLACE:
                return self._place(unit, order, verdict, facts, ready)

    def _stay(self, unit: Unit, order: Order, verdict: RetryVerdict, facts: RetryFacts) -> Retried:
        """A check that has to do with the account: already held, too large, too dear."""
        if verdict.step is Step.HELD:
            reason = "Already in holdings - order not needed"
            _change(unit, order, OrderChange.ALREADY_HELD, reason)
            return Retried(step=verdict.step, count="", text=reason)
        if verdict.step is Step.VOLUME:
            text = f"{verdict.quantity} shares are {verdict.volume_pct:.2f} % of the mean volume"
            return self._fail(unit, order, verdict.step, f"{text}, {facts.volume_pct_max} % are allowed")
        reason = f"insufficient_funds - shortfall: Rs {verdict.short:,.0f}"
        _change(unit, order, OrderChange.RETRY_FAILED, reason)
        return Retried(step=verdict.step, count="failed", text=reason, is_tried=True)

    def _facts(self, unit: Unit, order: Order, terms: InstrumentTerms, ready: RetryReady) -> RetryFacts:
        policy, symbol = self._setting.policy, order.symbol
        held = held_position(unit, symbol)
        used = {p.symbol for p in unit.positions.values() if p.is_open} | {o.symbol for o in _live_buys(unit)}
        close = ready.closes.get(symbol)
        at_broker = sum(each.quantity for each in ready.holdings if each.symbol == symbol)
        return RetryFacts(
            slots_used=len(used),
            positions_max=policy.risk.positions_max,
            is_slot_used=symbol in used,
            is_held=held is not None or at_broker > 0,
            has_indicators=order.id in ready.ready,
            close=close,
            volume=ready.volumes.get(symbol),
            volume_pct_max=policy.volume_pct_max,
            manual=_placed_by_hand(unit, symbol, ready),
            live=next((o.id for o in _live_buys(unit) if o.symbol == symbol and is_by_symbol(o)), None),
            price=self._price(order, close, terms),
            lot_size=terms.lot_size,
            capital=policy.capital_per_trade,
            free_cash=free_cash(unit, ready.funds) - policy.risk.cash_reserve_min,
        )

    def _price(self, order: Order, close: Decimal | None, terms: InstrumentTerms) -> Decimal:
        """A signal's own limit stays; a protected limit is made anew from the last close."""
        own = order.price or Decimal(0)
        if not is_by_symbol(order) or order.metadata.get(PRICED_BY) == OF_SIGNAL or close is None or close <= 0:
            return own
        return round_to_tick(close + close * self._setting.policy.amo_limit_pct / 100, terms.tick_size, "down")

    def _place(self, unit: Unit, order: Order, verdict: RetryVerdict, facts: RetryFacts, ready: RetryReady) -> Retried:
        """The checks have passed; the guards of every entry have the last word."""
        terms = RetryTerms(
            quantity=verdict.quantity, price=facts.price, variety=ready.variety, trading_day=ready.trading_day
        )
        money = money_of(unit, ready.funds)
        picture = Picture(terms=ready.terms, quotes=ready.quotes, halted=ready.halted, money=money)
        refusals = [
            refusal
            for refusal in self._judging.entry(unit, again(order, terms), picture)
            if refusal.reason not in _JUDGED_BEFORE
        ]
        if refusals:
            return self._blocked(unit, order, refusals)
        return self._send(unit, order, terms)

    def _send(self, unit: Unit, order: Order, terms: RetryTerms) -> Retried:
        verdict = self._desk.send(unit, order, terms)
        if verdict is not Submission.SENT:
            return self._skip(unit, order, Step.PLACE, f"{verdict}: it may stand at the broker already")
        return Retried(step=Step.PLACE, count="", text="sent", is_sent=True, is_tried=True)

    def _blocked(self, unit: Unit, order: Order, refusals: list[Refusal]) -> Retried:
        for refusal in refusals:
            verdicts.tell_block(unit, order.symbol, order.correlation_id, refusal)
        figures = verdicts.figures_of(refusals)
        words = ", ".join(refusal.reason for refusal in refusals)
        said = ", ".join(f"{name} {value}" for name, value in figures.items())
        return self._skip(unit, order, None, f"{words} ({said})" if said else words)

    def _link(self, unit: Unit, order: Order, row: BrokerOrder, ready: RetryReady) -> Retried:
        verdict = self._desk.link(unit, order, row, ready.trading_day)
        if verdict is not Submission.SENT:
            return self._skip(unit, order, Step.LINK, f"{verdict}: it may stand at the broker already")
        return Retried(step=Step.LINK, count="placed", text=unit.orders[order.id].reason, is_tried=True)

    def _replace(self, unit: Unit, order: Order, live: Order) -> Retried:
        """The live one is cancelled first; this one stays failed, and is judged again when that is certain."""
        self._replacing.begin(unit, order, live)
        text = f"order {live.id} is cancelled first"
        return Retried(step=Step.REPLACE, count="", text=text, is_sent=True, is_tried=True)

    def _sell(self, unit: Unit, order: Order, terms: InstrumentTerms, ready: RetryReady) -> Retried:
        position = unit.positions.get(order.position_id) if order.position_id is not None else None
        if order.position_id is not None and (position is None or not position.is_open):
            _change(unit, order, OrderChange.DROPPED, "Position is closed - order not needed")
            return Retried(step=Step.HELD, count="", text="its position is closed")
        if position is not None and any(s.status is OrderStatus.PENDING for s in sells_of(unit, position.id)):
            return self._skip(unit, order, None, "a sell of its position stands already")
        price = _sell_price(order, position, terms)
        if price is None:
            return self._skip(unit, order, Step.NO_PRICE, "its target lies outside today's price band")
        sellable = sum(each.sellable_quantity for each in ready.holdings if each.symbol == order.symbol)
        wanted = order.quantity if position is None else position.quantity
        quantity = min(wanted, sellable) if order.product is Product.CNC else wanted
        if quantity <= 0:
            return self._fail(unit, order, Step.BALANCE, "the broker has none of it to sell")
        terms_now = RetryTerms(quantity=quantity, price=price, variety=ready.variety, trading_day=ready.trading_day)
        return self._send(unit, order, terms_now)

    def _skip(self, unit: Unit, order: Order, step: Step | None, cause: str) -> Retried:
        ledger.tell_queue(unit, order, "skipped", cause)
        return Retried(step=step, count="skipped", text=cause)

    def _fail(self, unit: Unit, order: Order, step: Step, cause: str) -> Retried:
        """It stays as it is, and counts as failed."""
        ledger.tell_queue(unit, order, "skipped", cause)
        return Retried(step=step, count="failed", text=cause, is_tried=True)


def _why_skipped(step: Step, facts: RetryFacts) -> str:
    match step:
        case Step.LIMIT:
            return f"portfolio limit: {facts.slots_used} of {facts.positions_max} positions"
        case Step.NO_PRICE:
            return f"the last close is {facts.close}"
        case _:
            return "indicators are missing"


def _live_buys(unit: Unit) -> list[Order]:
    return [o for o in unit.orders.values() if o.side is Side.BUY and o.status is OrderStatus.PENDING]


def _placed_by_hand(unit: Unit, symbol: str, ready: RetryReady) -> BrokerOrder | None:
    """A buy that stands at the broker and is none of ours."""
    return next(
        (
            row
            for row in ready.book
            if row.symbol == symbol
            and row.side is Side.BUY
            and row.word is BrokerWord.OPEN
            and row.broker_order_id not in unit.coids
            and not (row.tag is not None and (row.tag in unit.attempts or row.tag in unit.memory.orphans))
        ),
        None,
    )


def _sell_price(order: Order, position: Position | None, terms: InstrumentTerms) -> Decimal | None:
    """A sell of the exits goes at its position's target of today; one with a price of its own keeps it."""
    target = position.metadata.get("target") if position is not None else None
    is_own = order.trigger_price is not None or not is_by_symbol(order)
    wanted = order.price if target is None or is_own else Decimal(target)
    if wanted is None:
        return None
    price = max(round_to_tick(wanted, terms.tick_size, "up"), terms.lower_limit)
    return price if price <= terms.upper_limit else None


def _change(unit: Unit, order: Order, change: OrderChange, reason: str) -> None:
    ledger.change(unit, order, Transition(change=change, at=unit.now, reason=reason, source="retry"))
