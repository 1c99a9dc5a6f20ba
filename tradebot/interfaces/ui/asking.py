"""Questions of the screen: what is about to be done, said before it is done, and the word that lets it happen."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tradebot.domain.kill import KillMode
from tradebot.domain.orders import OrderStatus
from tradebot.engine.commands import CancelOrder, Command, DropOrder, KillSwitch, RetryOrder
from tradebot.engine.views import OrderRow

WORD_LENGTH_MAX = 12
BY = "dashboard"
"""Who wants it, until the command has an id of its own."""

_KILL_WORDS = {"STOP": KillMode.STOP, "KILL": KillMode.CANCEL_ENTRIES, "FLATTEN": KillMode.FLATTEN}
_YES = ("y", "Y")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`words` lead from what has to be typed to what is then done; without any, y does `command`, and all else
    nothing. A command of None stops tradebot."""

    text: str
    command: Command | None = None
    words: tuple[tuple[str, Command], ...] = ()
    typed: str = ""

    @property
    def shown(self) -> str:
        return f"{self.typed}_  {self.text}  esc: no" if self.words else f"{self.text}  y / N"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a key made of a question: still open, answered with a yes, or left."""

    question: Question | None
    is_yes: bool = False
    command: Command | None = None


def press(question: Question, key: str) -> Reply:
    """One key of the answer."""
    if not question.words:
        return Reply(None, key in _YES, question.command if key in _YES else None)
    match key:
        case "esc":
            return Reply(None)
        case "enter":
            command = dict(question.words).get(question.typed)
            return Reply(None, command is not None, command)
        case "backspace":
            return Reply(replace(question, typed=question.typed[:-1]))
        case _ if len(key) == 1 and len(question.typed) < WORD_LENGTH_MAX:
            return Reply(replace(question, typed=question.typed + key))
        case _:
            return Reply(question)


def about_quitting() -> Question:
    return Question(text="Stop tradebot? What is in flight ends or is written down as uncertain.")


def about_killing(*, is_killed: bool) -> Question:
    """Nothing this large hangs on one key: the word says which of the three it is to be."""
    if is_killed:
        release = KillSwitch(mode=None, reason="released from the dashboard", correlation_id=BY)
        return Question(text="type RELEASE to let entries go on again", words=(("RELEASE", release),))
    words = tuple(
        (word, KillSwitch(mode=mode, reason="from the dashboard", correlation_id=BY))
        for word, mode in _KILL_WORDS.items()
    )
    text = "type STOP: no entries, KILL: and cancel them, FLATTEN: and sell all"
    return Question(text=text, words=words)


def about_retrying(row: OrderRow) -> Question | str:
    """The question, or why there is none."""
    order = row.order
    if order.status is not OrderStatus.FAILED:
        return f"only failed orders are retried: {order.symbol} is {order.status}"
    command = RetryOrder(order_id=order.id, correlation_id=BY)
    return Question(text=f"Send again: {_words(row)}?", command=command)


def about_dropping(row: OrderRow) -> Question | str:
    order = row.order
    if order.status is OrderStatus.FAILED:
        command: Command = DropOrder(order_id=order.id, correlation_id=BY)
        return Question(text=f"Drop, and never send again: {_words(row)}?", command=command)
    if order.status is OrderStatus.PENDING:
        command = CancelOrder(order_id=order.id, reason="Manual: User cancelled", correlation_id=BY)
        return Question(text=f"Cancel at the broker: {_words(row)}?", command=command)
    return f"only failed and pending orders are dropped: {order.symbol} is {order.status}"


def _words(row: OrderRow) -> str:
    order = row.order
    price = "at the market" if order.price is None else f"at {order.price}"
    return f"{order.side} {order.quantity - order.execution_qty} {order.symbol} {price}"
