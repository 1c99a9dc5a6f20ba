"""The retry queue at work: the morning's run over every failed order, and one order that somebody wants tried again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from tradebot.domain.calendar import ist, ist_date
from tradebot.domain.events import EventName
from tradebot.domain.lifecycle import OrderChange, Transition
from tradebot.domain.orders import Order, OrderId, OrderStatus, Side, Source, Variety
from tradebot.domain.retry import Step
from tradebot.domain.trading_day import TradingDay
from tradebot.engine import ledger
from tradebot.engine.answers import Answer, Outcome
from tradebot.engine.calls import PrepareRetry
from tradebot.engine.commands import DropOrder, RetryOrder
from tradebot.engine.expiry import expire_if_due, sweep_expired
from tradebot.engine.memory import RetryRun
from tradebot.engine.messages import CallFailed, Job, JobDue, RetryReady
from tradebot.engine.replacing import ASKED, NOBODY, Replacing
from tradebot.engine.retry_steps import RetrySteps
from tradebot.engine.setting import Setting
from tradebot.engine.unit import Unit

TOGETHER = timedelta(seconds=5)
"""A drop so soon after a manual retry is of somebody who did not know of it: the first one wins."""

REQUESTED = "Manual retry requested"
_AGAIN_AFTER = timedelta(minutes=1)


class Retrying:
    """Asks for what the checks need, lets each order take its step, and tells how the run ended."""

    def __init__(self, setting: Setting, steps: RetrySteps, replacing: Replacing) -> None:
        self._setting = setting
        self._steps = steps
        self._replacing = replacing

    def due(self, unit: Unit, job: JobDue) -> str | None:
        """Start the run, or put it off; the outcome, where nothing is left to be done."""
        if not unit.memory.is_reconciled:
            unit.timers.append((Job.CATCH_UP, unit.now + _AGAIN_AFTER))
            return None
        expired = sweep_expired(unit, self._setting)
        day = self._setting.calendar.trading_day(ist_date(job.at))
        failed = [order for order in _failed(unit) if order.orig_source is not Source.BATCH]
        if day is None or unit.now >= day.ends_at or not failed:
            run = RetryRun(sent=(), retried=0, placed=0, failed=0, skipped=0, expired=expired)
            if expired:
                _tell_run(unit, run)
            return _in_words(run)
        variety = self._variety(unit, day)
        if variety is None:
            unit.timers.append((Job.CATCH_UP, day.opens_at))
            return None
        unit.facts["expired_before_run"] = expired
        unit.calls.append(_prepare(job, "", day, variety, failed))
        return None

    def run(self, unit: Unit, ready: RetryReady) -> str:
        """Every order's step, the buys first; the outcome in words, as far as it is known at once."""
        orders = [order for order_id in ready.order_ids if (order := _still_failed(unit, order_id)) is not None]
        sent, counts = [], dict.fromkeys(("retried", "placed", "failed", "skipped"), 0)
        is_full = False
        for order in sorted(orders, key=lambda order: order.side is Side.SELL):
            if is_full and order.side is Side.BUY:
                counts["skipped"] += 1
                continue
            done = self._steps.take(unit, order, ready)
            is_full = is_full or done.step is Step.LIMIT
            counts["retried"] += done.is_tried
            if done.is_sent:
                sent.append((order.id, order.retry_count))
            elif done.count:
                counts[done.count] += 1
        expired = unit.fact("expired_before_run")
        run = RetryRun(sent=tuple(sent), expired=expired if isinstance(expired, int) else 0, **counts)
        unit.facts["retry_run"] = run
        self.settle(unit)
        return f"{_in_words(run)}, {len(sent)} sent"

    def settle(self, unit: Unit) -> None:
        """After whatever was heard of orders: replacements go on, and a run whose last answer has come is told."""
        for order in self._replacing.settle(unit):
            if not self._ask_for(unit, order, ""):
                unit.held_back[order.id] = NOBODY
        run = unit.fact("retry_run")
        if not isinstance(run, RetryRun):
            return
        waiting = []
        for order_id, failures in run.sent:
            match _fate(unit, order_id, failures):
                case "placed":
                    run = replace(run, placed=run.placed + 1)
                case "failed":
                    run = replace(run, failed=run.failed + 1)
                case "skipped":
                    run = replace(run, skipped=run.skipped + 1)
                case _:
                    waiting.append((order_id, failures))
        run = replace(run, sent=tuple(waiting))
        if waiting:
            unit.facts["retry_run"] = run
            return
        unit.facts["retry_run"] = None
        _tell_run(unit, run)

    def request(self, unit: Unit, command: RetryOrder) -> Answer | None:
        """Somebody wants it: written down, and tried now where the market is open. None: answered after the checks."""
        order = unit.orders.get(command.order_id)
        if order is None:
            return _answer(command, Outcome.UNKNOWN_ID, f"no order {command.order_id}")
        if order.status is OrderStatus.FAILED:
            expire_if_due(unit, order, self._setting)
            order = unit.orders[order.id]
        if order.status is not OrderStatus.FAILED:
            return _answer(command, Outcome.CONFLICT, f"order {order.id} is {order.status}, not failed")
        transition = Transition(change=OrderChange.RETRY_REQUESTED, at=unit.now, reason=REQUESTED, source="command")
        order = ledger.change(unit, order, transition)
        if self._ask_for(unit, order, command.correlation_id):
            return None
        return _answer(command, Outcome.DONE, "the market is closed: it goes with the next run", order.id)

    def ready(self, unit: Unit, ready: RetryReady) -> None:
        """The second half of a request, or of a replacement whose way is free."""
        for order_id in ready.order_ids:
            unit.held_back[order_id] = NOBODY
            order = _still_failed(unit, order_id)
            if order is None:
                text = f"order {order_id} is {unit.orders[order_id].status} by now, not failed"
                _tell_command(unit, ready.correlation_id, Outcome.CONFLICT, text, order_id)
                continue
            done = self._steps.take(unit, order, ready)
            outcome = Outcome.ASKED if done.is_sent else Outcome.DONE if done.is_placed else Outcome.BLOCKED
            _tell_command(unit, ready.correlation_id, outcome, done.text, order_id)

    def not_ready(self, unit: Unit, message: CallFailed) -> None:
        """The broker could not be asked: the request stands in the row, and goes with the next run."""
        for order_id in unit.held_back.names():
            if unit.held_back.get(order_id) == ASKED:
                unit.held_back[order_id] = NOBODY
        text = f"requested; it goes with the next run, since the broker could not be asked now ({message.text})"
        _tell_command(unit, message.correlation_id, Outcome.DONE, text, None)

    def drop(self, unit: Unit, command: DropOrder) -> Answer:
        order = unit.orders.get(command.order_id)
        if order is None:
            return _answer(command, Outcome.UNKNOWN_ID, f"no order {command.order_id}")
        if order.status is not OrderStatus.FAILED:
            return _answer(command, Outcome.CONFLICT, f"order {order.id} is {order.status}, not failed")
        if order.reason == REQUESTED and unit.now - order.updated_at < TOGETHER:
            text = f"a retry of order {order.id} was requested at this moment; look, and drop it again"
            return _answer(command, Outcome.CONFLICT, text, order.id)
        reason = "Dropped from retry queue"
        transition = Transition(change=OrderChange.DROPPED, at=unit.now, reason=reason, source="command")
        ledger.change(unit, order, transition)
        return _answer(command, Outcome.DONE, "", order.id)

    def _ask_for(self, unit: Unit, order: Order, correlation_id: str) -> bool:
        """Ask for what one order's checks need, where it could be placed at once."""
        day = self._setting.calendar.trading_day(ist_date(unit.now))
        if day is None or not day.opens_at <= unit.now < day.ends_at:
            return False
        unit.calls.append(_prepare(None, correlation_id, day, Variety.REGULAR, [order]))
        return True

    def _variety(self, unit: Unit, day: TradingDay) -> Variety | None:
        """How the run's orders go now; None while they have to wait for the open."""
        now, times = unit.now, self._setting.policy.times
        if now >= day.opens_at:
            return Variety.REGULAR
        amo, calendar = self._setting.amo, self._setting.calendar
        is_in_time = now <= ist(day.day, times.retry_until)
        is_for_today = amo.accepts(now, calendar) and amo.for_day(now, calendar).day == day.day
        return Variety.AMO if is_in_time and is_for_today else None


def _prepare(
    job: JobDue | None, correlation_id: str, day: TradingDay, variety: Variety, orders: Sequence[Order]
) -> PrepareRetry:
    return PrepareRetry(
        job=job, correlation_id=correlation_id, trading_day=day.day, variety=variety, orders=tuple(orders)
    )


def _failed(unit: Unit) -> list[Order]:
    """The oldest failure first."""
    failed = [order for order in unit.orders.values() if order.status is OrderStatus.FAILED]
    return sorted(failed, key=lambda order: (order.first_failed_at or order.created_at, order.id))


def _still_failed(unit: Unit, order_id: OrderId) -> Order | None:
    order = unit.orders.get(order_id)
    return order if order is not None and order.status is OrderStatus.FAILED else None


def _fate(unit: Unit, order_id: OrderId, failures: int) -> str:
    """What became of an order whose turn it was; "" as long as nobody has said."""
    order = unit.orders.get(order_id)
    if order is None:
        return "failed"
    if order.status is OrderStatus.FAILED:
        if order.retry_count > failures:
            return "failed"
        return "" if unit.held_back.get(order_id) else "skipped"
    if order.status is OrderStatus.CANCELLED and order.placed_at is None:
        return "failed"
    return "placed" if order.placed_at is not None else ""


def _tell_run(unit: Unit, run: RetryRun) -> None:
    fields = {name: getattr(run, name) for name in ("retried", "placed", "failed", "skipped", "expired")}
    ledger.tell(unit, EventName.RUN_OF_FAILED, _in_words(run), fields=fields)


def _in_words(run: RetryRun) -> str:
    return (
        f"{run.retried} retried, {run.placed} placed, {run.failed} failed, {run.skipped} skipped, {run.expired} expired"
    )


def _tell_command(unit: Unit, correlation_id: str, outcome: Outcome, text: str, order_id: OrderId | None) -> None:
    if correlation_id:
        order_ids = () if order_id is None else (order_id,)
        unit.answers.append(Answer(correlation_id=correlation_id, outcome=outcome, text=text, order_ids=order_ids))


def _answer(command: RetryOrder | DropOrder, outcome: Outcome, text: str, order_id: OrderId | None = None) -> Answer:
    order_ids = () if order_id is None else (order_id,)
    return Answer(correlation_id=command.correlation_id, outcome=outcome, text=text, order_ids=order_ids)
