"""The log: what stands in its lines, its bounds, and disks that refuse."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.log_builders import AT, StillClock, Valve, an_event, lines_of
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.jsonl_log import JsonlLog, LibraryHandler, LogLimits
from tradebot.adapters.masking import masking
from tradebot.domain.calendar import IST
from tradebot.domain.events import Event, EventName, Level

DEADLINE_S = 10.0


class Odd(RealDisk):
    """Fails once, in a way that no disk should."""

    def __init__(self) -> None:
        super().__init__(durability="process")
        self._has_failed = False

    def append(self, path: Path, data: bytes) -> None:
        if data and not self._has_failed:
            self._has_failed = True
            raise ValueError("odd")
        super().append(path, data)


@pytest.fixture
def open_log(tmp_path: Path) -> Iterator[Callable[..., JsonlLog]]:
    opened: list[JsonlLog] = []

    def open_it(**settings: object) -> JsonlLog:
        chosen: dict[str, object] = {"started_at": AT, "session_id": "s-1", "clock": StillClock(), **settings}
        opened.append(JsonlLog(tmp_path / "logs", **chosen))  # type: ignore[arg-type]
        return opened[-1]

    yield open_it
    for log in opened:
        log.close(DEADLINE_S)
        assert not log.is_alive


def written(log: JsonlLog) -> list[dict[str, object]]:
    assert log.flush(DEADLINE_S)
    return lines_of(log.path)


def test_a_line_has_the_fixed_fields_and_the_events_own_at_the_top(open_log: Callable[..., JsonlLog]) -> None:
    log = open_log()
    log(an_event(fields={"symbol": "RELIANCE", "quantity": 5}))

    assert written(log) == [
        {
            "ts": "2026-11-20T04:00:00.123456Z",
            "level": "INFO",
            "event": "CYCLE",
            "message": "done",
            "session_id": "s-1",
            "correlation_id": "c-1",
            "component": "application",
            "symbol": "RELIANCE",
            "quantity": 5,
        }
    ]


def test_a_time_of_another_zone_is_told_in_utc(open_log: Callable[..., JsonlLog]) -> None:
    log = open_log()
    log(Event(name=EventName.CYCLE, at=AT.astimezone(IST), message="done"))

    assert written(log)[0]["ts"] == "2026-11-20T04:00:00.123456Z"


def test_a_decimal_is_a_number_with_exactly_its_digits(open_log: Callable[..., JsonlLog]) -> None:
    log = open_log()
    log(an_event(fields={"slippage_bps": Decimal("12.3456789012345678901234567890"), "zero": Decimal("0E-2")}))

    assert log.flush(DEADLINE_S)
    text = log.path.read_text()
    assert '"slippage_bps":12.3456789012345678901234567890' in text
    assert '"zero":0.00' in text


def test_a_field_with_the_name_of_a_fixed_one_hides_nothing(open_log: Callable[..., JsonlLog]) -> None:
    log = open_log()
    log(an_event(fields={"level": "L2", "name": "n", "args": "a", "exc_info": "e", "msg": "m"}))

    line = written(log)[0]
    assert (line["level"], line["field_level"]) == ("INFO", "L2")
    assert (line["name"], line["args"], line["exc_info"], line["msg"]) == ("n", "a", "e", "m")


def test_secrets_are_masked_in_every_text(open_log: Callable[..., JsonlLog]) -> None:
    log = open_log(mask=masking(["s3cr3t-token"]))
    log(an_event(message="login with s3cr3t-token", fields={"url": "https://x/?t=s3cr3t-token", "quantity": 7}))

    assert log.flush(DEADLINE_S)
    assert "s3cr3t" not in log.path.read_text()
    assert written(log)[0]["message"] == "login with ***"


class Unspeakable:
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_a_value_without_a_text_costs_its_own_line_and_is_counted(open_log: Callable[..., JsonlLog]) -> None:
    log = open_log()
    log(an_event(fields={"value": Unspeakable()}))  # type: ignore[dict-item]
    log(an_event(message="after"))

    assert [line["message"] for line in written(log) if line["event"] == "CYCLE"] == ["after"]
    assert log.lost == 1
    assert any(line["event"] == "LOG_LOST" and line["lost"] == 1 for line in written(log))


def test_a_secret_is_found_also_in_its_url_form_and_inside_a_longer_one() -> None:
    mask = masking(["pa ss/word", "pa ss/word-long", ""])

    assert mask("a pa ss/word b pa%20ss%2Fword c pa+ss%2Fword d pa ss/word-long") == "a *** b *** c *** d ***"


def test_a_short_secret_is_masked_only_where_it_stands_alone() -> None:
    mask = masking(["1234"])

    assert mask("pin 1234, order 91234567") == "pin ***, order 91234567"


def test_without_secrets_a_text_stays_as_it_is() -> None:
    assert masking([])("text") == "text"


def test_one_file_alone_matches_and_earlier_runs_are_archived(
    tmp_path: Path, open_log: Callable[..., JsonlLog]
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "bot_log_old.jsonl").write_text("{}\n")
    (logs / "other.jsonl").write_text("{}\n")

    log = open_log()

    assert list(logs.glob("*.jsonl")) == [log.path]
    assert log.path.name == "bot_log_20261120T040000Z.jsonl"
    assert sorted(path.name for path in (logs / "archive").iterdir()) == [
        "bot_log_old.0001.jsonl",
        "other.0001.jsonl",
    ]


def test_two_runs_of_one_second_do_not_share_a_file(open_log: Callable[..., JsonlLog]) -> None:
    first = open_log()
    first(an_event(message="first"))
    first.close(DEADLINE_S)
    second = open_log()
    second(an_event(message="second"))

    assert [line["message"] for line in written(second)] == ["second"]
    archived = second.path.parent / "archive" / "bot_log_20261120T040000Z.0001.jsonl"
    assert [line["message"] for line in lines_of(archived)] == ["first"]


def test_a_full_file_goes_to_the_archive_and_the_same_file_goes_on(open_log: Callable[..., JsonlLog]) -> None:
    log = open_log(limits=LogLimits(rotate_bytes=500))
    inode = log.path.stat().st_ino
    for number in range(12):
        log(an_event(message=str(number)))
        log.flush(DEADLINE_S)

    archive = sorted((log.path.parent / "archive").iterdir())
    messages = [line["message"] for path in [*archive, log.path] for line in lines_of(path)]
    assert len(archive) >= 2
    assert messages == [str(number) for number in range(12)]
    assert log.path.stat().st_ino == inode


def test_the_archive_keeps_the_newest_files(open_log: Callable[..., JsonlLog]) -> None:
    log = open_log(limits=LogLimits(rotate_bytes=1, archive_files_max=3))
    for number in range(6):
        log(an_event(message=str(number)))
        log.flush(DEADLINE_S)

    archive = sorted((log.path.parent / "archive").iterdir())
    assert [lines_of(path)[0]["message"] for path in archive] == ["3", "4", "5"]


def test_the_archive_has_a_bound_in_size(open_log: Callable[..., JsonlLog]) -> None:
    log = open_log(limits=LogLimits(rotate_bytes=1, archive_bytes_max=500))
    for number in range(6):
        log(an_event(message=str(number)))
        log.flush(DEADLINE_S)

    sizes = [path.stat().st_size for path in (log.path.parent / "archive").iterdir()]
    assert 0 < sum(sizes) <= 500


def test_a_file_that_somebody_removed_is_made_anew(open_log: Callable[..., JsonlLog]) -> None:
    log = open_log(limits=LogLimits(retry_s=0.01))
    log(an_event(message="first"))
    log.flush(DEADLINE_S)
    log.path.unlink()
    log(an_event(message="second"))

    assert [line["message"] for line in written(log)] == ["second"]
    assert log.lost == 0


def test_a_file_that_the_archive_does_not_take_is_emptied_at_twice_its_size_and_says_so(
    tmp_path: Path, open_log: Callable[..., JsonlLog]
) -> None:
    log = open_log(limits=LogLimits(rotate_bytes=1000))
    (tmp_path / "logs" / "archive").write_text("not a folder")
    for number in range(20):
        log(an_event(message=str(number)))
        log.flush(DEADLINE_S)

    lines = written(log)
    assert log.path.stat().st_size < 2500
    assert lines[-1]["message"] == "19"
    told = [line["lost"] for line in lines if line["event"] == "LOG_LOST"]
    assert told
    assert log.lost >= 1


def test_a_full_disk_hurts_nobody_and_its_end_is_told(open_log: Callable[..., JsonlLog]) -> None:
    valve = Valve()
    log = open_log(new_disk=valve.disk, limits=LogLimits(queue_max=3, retry_s=0.01))
    valve.is_open.clear()
    log(an_event(message="in hand"))
    assert valve.refused.wait(DEADLINE_S)
    for number in range(10):
        log(an_event(message=f"info {number}"))
    log(an_event(message="warning", level=Level.WARNING))
    valve.is_open.set()

    lines = written(log)

    messages = [line["message"] for line in lines if line["event"] == "CYCLE"]
    assert messages == ["in hand", "info 8", "info 9", "warning"]
    assert [line["lost"] for line in lines if line["event"] == "LOG_LOST"] == [8]
    assert log.lost == 8


def test_a_disk_that_stays_full_does_not_hold_up_the_close(open_log: Callable[..., JsonlLog]) -> None:
    valve = Valve()
    log = open_log(new_disk=valve.disk, limits=LogLimits(retry_s=DEADLINE_S))
    valve.is_open.clear()
    log(an_event())

    assert not log.close(DEADLINE_S / 2)

    assert not log.is_alive
    assert log.lost == 1


def test_the_writer_outlives_what_nobody_thought_of(open_log: Callable[..., JsonlLog]) -> None:
    log = open_log(new_disk=Odd)
    log(an_event(message="first"))
    log.flush(DEADLINE_S)
    log(an_event(message="second"))

    assert [line["message"] for line in written(log) if line["event"] == "CYCLE"] == ["second"]
    assert log.lost == 1


def test_a_close_writes_what_waits(open_log: Callable[..., JsonlLog]) -> None:
    log = open_log()
    for _ in range(2000):
        log(an_event())

    assert log.close(DEADLINE_S)
    assert len(lines_of(log.path)) == 2000
    log(an_event())
    assert len(lines_of(log.path)) == 2000


def test_a_replay_waits_for_the_writer_and_loses_nothing(open_log: Callable[..., JsonlLog]) -> None:
    log = open_log(on_full="wait", limits=LogLimits(queue_max=10))
    for number in range(1000):
        log(an_event(message=str(number)))

    assert [line["message"] for line in written(log)] == [str(number) for number in range(1000)]
    assert log.lost == 0


def test_a_replay_does_not_wait_for_a_disk_that_refuses(open_log: Callable[..., JsonlLog]) -> None:
    valve = Valve()
    log = open_log(new_disk=valve.disk, on_full="wait", limits=LogLimits(queue_max=2, retry_s=0.01))
    valve.is_open.clear()
    for _ in range(50):
        log(an_event())
    valve.is_open.set()

    lines = written(log)

    kept = [line for line in lines if line["event"] == "CYCLE"]
    assert len(kept) + log.lost == 50
    assert log.lost > 0


@pytest.fixture
def library() -> Iterator[logging.Logger]:
    logger = logging.getLogger("sqlalchemy.pool.test")
    logger.propagate = False
    yield logger
    logger.handlers.clear()
    logger.propagate = True


def test_a_librarys_warning_becomes_an_event(library: logging.Logger, open_log: Callable[..., JsonlLog]) -> None:
    log = open_log()
    library.addHandler(LibraryHandler(log, StillClock()))
    library.info("not this one")
    library.warning("pool of %s is empty", 5)

    (line,) = written(log)
    assert (line["event"], line["level"], line["component"]) == ("LIBRARY", "WARNING", "database")
    assert (line["message"], line["logger"]) == ("pool of 5 is empty", "sqlalchemy.pool.test")


def test_a_librarys_exception_keeps_its_traceback(library: logging.Logger, open_log: Callable[..., JsonlLog]) -> None:
    log = open_log()
    library.addHandler(LibraryHandler(log, StillClock()))
    try:
        raise RuntimeError("the cause")
    except RuntimeError:
        library.exception("it failed")

    (line,) = written(log)
    assert "RuntimeError: the cause" in str(line["exception"])
    assert "Traceback" in str(line["exception"])


def test_an_events_name_in_a_librarys_text_is_not_counted(
    library: logging.Logger, open_log: Callable[..., JsonlLog]
) -> None:
    log = open_log()
    library.addHandler(LibraryHandler(log, StillClock()))
    library.error("insert failed: ('ORDER_FILLED', 5)")

    assert written(log)[0]["message"] == "insert failed: ('order_filled', 5)"


def test_nothing_of_the_root_logger_comes_in_unless_asked(open_log: Callable[..., JsonlLog]) -> None:
    log = open_log()
    logging.getLogger("some.library").error("loud")

    assert written(log) == []
