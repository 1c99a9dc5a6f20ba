"""What stays in the normal screen when the dashboard has gone."""

from __future__ import annotations

from tradebot.domain.calendar import IST
from tradebot.domain.events import EventName
from tradebot.engine.views import DaemonView
from tradebot.interfaces.ui.panels.words import gain, money
from tradebot.interfaces.ui.printable import printable

_LAST_EVENTS = 3


def summary(view: DaemonView | None) -> list[str]:
    """At most ten lines of plain text."""
    if view is None:
        return ["tradebot: nothing was shown yet"]
    told, money_of = view.tail.told, view.money
    counts = ", ".join(f"{count.count} {count.status}" for count in view.counts)
    blocked = sum(block.count for block in view.tail.blocks)
    lines = [
        f"{view.facts.name} {view.facts.mode}, last seen at {view.now.astimezone(IST):%a %Y-%m-%d %H:%M:%S} IST",
        f"orders: {counts}",
        f"sent {told.get(EventName.ORDER_SENT, 0)}, filled {told.get(EventName.ORDER_FILLED, 0)},"
        f" rejected {told.get(EventName.ORDER_REJECTED, 0)}, blocked today {blocked}",
        f"positions: {view.positions_open}, invested {money(money_of.invested)},"
        f" day {gain(money_of.realised)[0].strip()}, open {gain(money_of.open_gain)[0].strip()}",
        f"alerts: {'; '.join(alert.text for alert in view.alerts) or 'none'}",
        f"session: {view.facts.session}",
    ]
    lines += [
        f"{event.at.astimezone(IST):%H:%M:%S} {event.name} {event.message}"
        for event in view.tail.events[-_LAST_EVENTS:]
    ]
    return [printable(line) for line in lines]
