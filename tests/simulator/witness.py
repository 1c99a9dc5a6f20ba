"""What must lie there in the instant of a death, before anything is restarted: nothing sent without its witnesses."""

from __future__ import annotations

import sqlite3
from functools import lru_cache

from tests.simulator.world import STATE, Moment


def missing_witnesses(moment: Moment) -> list[str]:
    """Orders at the exchange that the registry on the disk, or the database, does not know."""
    tags = {row.tag for row in moment.exchange.state.orders.values() if row.tag is not None}
    if not tags:
        return []
    registered, requested = _registered(moment), _requested(moment.image)
    return [f"sent without a line in the registry: {tag}" for tag in sorted(tags - registered)] + [
        f"sent without a request in the database: {tag}" for tag in sorted(tags - requested)
    ]


def _registered(moment: Moment) -> set[str]:
    """Read plainly, as an operator with a text tool would: every id that stands in one of the two files."""
    found = set()
    for name in ("coid_registry.json", "coid_registry.journal"):
        text = (moment.disk.read(STATE / name) or b"").decode(errors="replace")
        found |= {part.split('"', 1)[0] for part in text.replace('": "', '":"').split('"coid":"')[1:]}
    return found


@lru_cache(maxsize=16)
def _requested(image: bytes) -> set[str]:
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(image)
        return {coid for (coid,) in connection.execute("select coid from broker_requests where kind = 'place'")}
    finally:
        connection.close()
