"""The log in `logs/`: one JSON object a line, written by a thread of its own that no order ever waits for."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pythonjsonlogger.json import JsonFormatter

from tradebot.adapters.disk import RealDisk
from tradebot.adapters.json_lines import json_object
from tradebot.adapters.log_files import LogArchive, LogFile
from tradebot.adapters.log_queue import LogQueue, OnFull
from tradebot.domain.events import Event, EventName, FieldValue, Level
from tradebot.ports import Clock

_BATCH_MAX = 500
_EVENT_NAMES = re.compile("|".join(sorted((name.value for name in EventName), key=len, reverse=True)))
_COMPONENTS = {
    "alembic": "database",
    "sqlalchemy": "database",
    "fastapi": "api",
    "starlette": "api",
    "uvicorn": "api",
    "websockets": "api",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLimits:
    """`queue_max` events wait for the writer; a file of `rotate_bytes` goes to the archive, which keeps the newest
    `archive_files_max` files and `archive_bytes_max` bytes; a refusing disk is tried again every `retry_s`."""

    queue_max: int = 10_000
    rotate_bytes: int = 50 * 1024 * 1024
    archive_files_max: int = 50
    archive_bytes_max: int = 1024 * 1024 * 1024
    retry_s: float = 1.0


def log_name(started_at: datetime) -> str:
    """`bot_log_20261121T041500Z.jsonl`."""
    return f"bot_log_{started_at.astimezone(UTC):%Y%m%dT%H%M%SZ}.jsonl"


class JsonlLog:
    """A listener for the bus. Its lines have ts (the event's `at`, UTC), level, event, message, session_id,
    correlation_id, component and the event's own fields at the top level; a field with one of those names gets `field_`
    before it. A Decimal is a number with exactly its digits.

    Exactly one file matches `*.jsonl` in the folder: what an earlier run left goes to `archive/` when the log is
    opened, and a file that is full is copied there and emptied in its place, so that `tail -f` goes on.

    Nothing here raises into the caller. With `on_full="drop"` the call never waits; with "wait" (a replay) it waits for
    the writer as long as that one can write. What a full queue or a broken disk costs is counted in `lost`, and told
    by a LOG_LOST line as soon as the disk takes one; the disk is tried again until then.
    """

    def __init__(
        self,
        folder: Path,
        *,
        started_at: datetime,
        session_id: str,
        clock: Clock,
        mask: Callable[[str], str] = str,
        on_full: OnFull = "drop",
        limits: LogLimits | None = None,
        new_disk: Callable[[], RealDisk] = lambda: RealDisk(durability="process"),
    ) -> None:
        """`started_at` names the file; `clock` gives the time of the log's own lines; `mask` takes secrets out of a
        text; `new_disk` makes the disk that the writer alone uses."""
        limits = limits or LogLimits()
        self.path = folder / log_name(started_at)
        self.lost = 0
        """Events that are in no file, as far as the writer has noticed."""
        self._session_id = session_id
        self._clock = clock
        self._mask = mask
        self._retry_s = limits.retry_s
        self._queue = LogQueue(limits.queue_max, on_full)
        archive = LogArchive(folder, files_max=limits.archive_files_max, bytes_max=limits.archive_bytes_max)
        self._file = LogFile(self.path, archive, rotate_bytes=limits.rotate_bytes, new_disk=new_disk)
        self._formatter = JsonFormatter(json_serializer=_serialize)
        # A dict as the message of an otherwise empty record makes every key the event's own. The writer alone has it.
        self._record = logging.makeLogRecord({})
        self._untold = 0
        self._cut = 0
        self._file.open()
        self._writer = threading.Thread(target=self._serve, name="log", daemon=True)
        self._writer.start()

    def __call__(self, event: Event) -> None:
        self._queue.put(event)

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def is_alive(self) -> bool:
        """The writer's thread is there; for the watch-dog."""
        return self._writer.is_alive()

    def flush(self, timeout_s: float) -> bool:
        """Wait until all that was put before is in the file or lost; False when that took longer."""
        return self._queue.wait_until_empty(timeout_s)

    def close(self, timeout_s: float = 5.0) -> bool:
        """Write what waits and end; False when something was lost, or the disk takes longer. Later events are lost."""
        self._queue.close()
        self._writer.join(timeout_s)
        return not self._writer.is_alive() and self.lost == 0

    def _serve(self) -> None:
        while events := self._queue.take(_BATCH_MAX):
            try:
                self._write(events)
            except Exception:
                # Whatever it was, the log goes on, and tells what it cost.
                self._lose(len(events))
            self._queue.done()
        if gap := self._gap():
            self._file.append(gap)
        self._file.close()

    def _write(self, events: Sequence[Event]) -> None:
        lines = [line for event in events if (line := self._line(event)) is not None]
        while not self._file.append([*self._gap(), *lines]):
            self._queue.stand(True)
            if self._queue.wait_for_close(self._retry_s):
                self._write_at_last(lines)
                return
        self._untold = 0
        self._queue.stand(False)

    def _write_at_last(self, lines: Sequence[str]) -> None:
        if self._file.append([*self._gap(), *lines]):
            self._untold = 0
        else:
            self._lose(len(lines))

    def _gap(self) -> list[str]:
        """The line that tells what is missing before it, if something is."""
        self._lose(self._queue.take_dropped() + self._file.lines_cut - self._cut)
        self._cut = self._file.lines_cut
        if self._untold == 0:
            return []
        text = f"{self._untold} lines are missing here: more came than could be written, or the disk refused them"
        line = self._line(
            Event(
                name=EventName.LOG_LOST,
                at=self._clock.now(),
                level=Level.WARNING,
                message=text,
                fields={"lost": self._untold},
            )
        )
        return [] if line is None else [line]

    def _lose(self, count: int) -> None:
        self.lost += count
        self._untold += count

    def _line(self, event: Event) -> str | None:
        try:
            self._record.msg = self._fields(event)
            return self._formatter.format(self._record)
        except Exception:
            # A value whose own text cannot be made costs this line only.
            self._lose(1)
            return None

    def _fields(self, event: Event) -> dict[str, object]:
        fields: dict[str, object] = {
            "ts": event.at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z",
            "level": event.level.value,
            "event": event.name.value,
            "message": self._mask(event.message),
            "session_id": self._session_id,
            "correlation_id": self._mask(event.correlation_id),
            "component": event.component,
        }
        own = {f"field_{key}" if key in fields else key: value for key, value in event.fields.items()}
        fields.update({key: self._mask(value) if isinstance(value, str) else value for key, value in own.items()})
        return fields


class LibraryHandler(logging.Handler):
    """For the root logger: records of libraries, WARNING and above, become LIBRARY events of the log.

    `component` follows the library, `logger` is its name, `exception` the whole traceback. Names of events in the text
    are written in lower case, so that `grep NAME` counts events alone.
    """

    def __init__(self, log: Callable[[Event], None], clock: Clock, level: int = logging.WARNING) -> None:
        super().__init__(level)
        self._log = log
        self._clock = clock

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._log(self._event(record))
        except Exception:
            self.handleError(record)

    def _event(self, record: logging.LogRecord) -> Event:
        fields: dict[str, FieldValue] = {"logger": record.name}
        if record.exc_info and record.exc_info[1] is not None:
            fields["exception"] = _without_names(_tracebacks.formatException(record.exc_info))
        return Event(
            name=EventName.LIBRARY,
            at=self._clock.now(),
            level=_level(record.levelno),
            message=_without_names(record.getMessage()),
            component=_COMPONENTS.get(record.name.split(".")[0], "application"),
            fields=fields,
        )


_tracebacks = logging.Formatter()


def _serialize(fields: Mapping[str, object], **_options: object) -> str:
    # Not json.dumps: it knows no exact number, and writes NaN as it stands.
    return json_object(fields)


def _without_names(text: str) -> str:
    return _EVENT_NAMES.sub(lambda found: found[0].lower(), text)


def _level(number: int) -> Level:
    for level in (Level.CRITICAL, Level.ERROR, Level.WARNING, Level.INFO):
        if number >= logging.getLevelNamesMapping()[level]:
            return level
    return Level.DEBUG
