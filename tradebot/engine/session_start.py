"""What a run starts from, as the flight record keeps it: without it what came in afterwards could not be run again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tradebot.domain.calendar import AmoWindow
from tradebot.domain.corporate_actions import CorporateAction
from tradebot.domain.orders import Attempt
from tradebot.domain.registry_entries import RegistryEntry
from tradebot.domain.stored import Stored
from tradebot.ports import Capabilities, IdRegistry, OrderStore


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionBegan:
    """The first line of a flight record: configuration (by key, in the words of the file, without secrets), what the
    database and the registry held, what the broker's answers prove, and the dated data.

    `known` are the attempts of open registry entries that are not among `stored`.
    """

    at: datetime
    configuration: Mapping[str, str]
    stored: Stored
    entries: tuple[RegistryEntry, ...]
    known: tuple[Attempt, ...]
    capabilities: Capabilities
    amo: AmoWindow
    actions: tuple[CorporateAction, ...]


def known_attempts(stored: Stored, store: OrderStore, registry: IdRegistry) -> tuple[Attempt, ...]:
    loaded = {attempt.coid for attempt in stored.attempts}
    missing = sorted(entry.coid for entry in registry.open_entries() if entry.coid not in loaded)
    return tuple(store.attempts(missing)) if missing else ()
