"""What a start says about the switches: each as it counts, and whether all of them are as they should be."""

from __future__ import annotations

from datetime import datetime

from config.flags import MASTER
from config.settings import KEYS, Settings
from tradebot.domain.events import Event, EventName, Level, in_log_words
from tradebot.domain.policy import GuardMode


def flags_told(settings: Settings, at: datetime) -> Event:
    """The event of a start. A switch is a key that says true, false or shadow."""
    found = {key.name: settings.in_force(key.name) for key in KEYS if isinstance(key.default, bool | GuardMode)}
    shadow = [name for name, value in found.items() if value is GuardMode.SHADOW]
    switched_on = [name for name, value in found.items() if value is True or value is GuardMode.ON]
    switched_off = [name for name in found if name not in (*shadow, *switched_on)]
    unusual = [name for name in found if settings.in_force(name) != KEYS.by_name[name].default]
    text = f"switched off: {_words(switched_off) or 'none'}; shadow: {_words(shadow) or 'none'}"
    return Event(
        name=EventName.FLAGS_IN_FORCE,
        at=at,
        level=Level.WARNING if unusual else Level.INFO,
        message=text,
        correlation_id="start",
        fields={
            "master": settings.in_force(MASTER),
            "switched_on": _words(switched_on),
            "switched_off": _words(switched_off),
            "shadow": _words(shadow),
        },
    )


def _words(names: list[str]) -> str:
    return in_log_words(", ".join(names))
