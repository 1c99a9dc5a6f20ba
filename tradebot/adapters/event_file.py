"""The events of one run, in its session folder: two equal replays write the same bytes."""

from __future__ import annotations

from pathlib import Path

from tradebot.adapters.json_lines import LineFile, json_object, json_string
from tradebot.domain.events import Event
from tradebot.ports import Disk


class EventFile:
    """A listener for the bus that writes one line per event: at, event, level, component, correlation_id, message and
    `fields`, an object with the event's own.

    Nothing stands in it that another run of the same day would not write too: no session id, no clock but the event's
    `at`. Lines wait in memory up to 64 KiB; `flush` and `close` write them. For one thread.
    """

    def __init__(self, disk: Disk, path: Path) -> None:
        self._lines = LineFile(disk, path)

    @property
    def lost(self) -> int:
        """Events that a refusing disk did not take."""
        return self._lines.lost

    def __call__(self, event: Event) -> None:
        self._lines.put(
            f'{{"at":"{event.at.isoformat()}","event":"{event.name}","level":"{event.level}",'
            f'"component":{json_string(event.component)},"correlation_id":{json_string(event.correlation_id)},'
            f'"message":{json_string(event.message)},"fields":{json_object(event.fields)}}}'
        )

    def flush(self) -> bool:
        """False when the disk did not take it; it is tried again."""
        return self._lines.flush()

    def close(self) -> bool:
        """Durable on return; False when events are missing in the file."""
        return self._lines.close()
