"""The dead-man ping of a daemon on real time, where the settings name a URL."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from config.settings import Settings
from tradebot.adapters.dead_man import DeadMan
from tradebot.domain.events import Event
from tradebot.ports import Clock


def begin_signs_of_life(
    stack: ExitStack, settings: Settings, clock: Clock, tell: Callable[[Event], None]
) -> Callable[[], None]:
    """What is to be called at every beat of the engine's loop; without a URL it does nothing."""
    url = settings.alerts.dead_man_url
    if not url:
        return lambda: None
    dead_man = DeadMan(url, every_s=settings.alerts.dead_man_every_s, clock=clock, tell=tell)
    dead_man.start()
    stack.callback(dead_man.stop)
    return dead_man.beat
