"""What the broker would refuse by the day's instruments is not sent."""

from __future__ import annotations

import pytest

from tests.builders import some_terms
from tests.unit.test_paper_broker import a_ticket
from tradebot.adapters.brokers.admission import LOCAL, admit
from tradebot.domain.broker_views import Ticket
from tradebot.domain.errors import BrokerRejected
from tradebot.domain.orders import OrderType, Side

TERMS = some_terms("ABC")


def a_sound_ticket(**changes: object) -> Ticket:
    return a_ticket(**{"price": TERMS.lower_limit, **changes})


def test_a_sound_order_passes_with_and_without_terms() -> None:
    admit(a_sound_ticket(), TERMS, tag_length_max=20)
    admit(a_sound_ticket(), None, tag_length_max=20)
    stop = {"order_type": OrderType.SL, "trigger_price": TERMS.lower_limit}
    admit(a_sound_ticket(**stop), TERMS, tag_length_max=20)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"price": TERMS.lower_limit + TERMS.tick_size / 2}, "tick"),
        ({"price": TERMS.upper_limit + TERMS.tick_size}, "price band"),
        ({"price": TERMS.lower_limit - TERMS.tick_size}, "price band"),
        ({"quantity": TERMS.freeze_quantity + 1}, "freeze quantity"),
        ({"quantity": 0}, "positive"),
        ({"order_type": OrderType.MARKET}, "limit and stop-limit"),
        ({"order_type": OrderType.SL_M, "trigger_price": TERMS.lower_limit}, "limit and stop-limit"),
        ({"order_type": OrderType.SL}, "trigger"),
        ({"order_type": OrderType.SL, "trigger_price": TERMS.upper_limit}, "wrong side"),
        ({"order_type": OrderType.SL, "trigger_price": TERMS.lower_limit, "side": Side.SELL,
          "price": TERMS.upper_limit}, "wrong side"),
        ({"tag": "with spaces"}, "tag"),
        ({"tag": "A" * 21}, "tag"),
    ],
)  # fmt: skip
def test_what_would_be_refused_is_not_sent_and_says_why(changes: dict[str, object], says: str) -> None:
    with pytest.raises(BrokerRejected, match=says) as caught:
        admit(a_sound_ticket(**changes), TERMS, tag_length_max=20)
    assert caught.value.code == LOCAL
