"""A command from the spool: done once, whatever dies in between, and answered as often as it is asked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.builders import a_signal
from tests.simulator.disk import CRASH_KINDS, CrashKind, SimDisk, seeded
from tests.unit.engine.house import House
from tests.unit.engine.test_saving import Books
from tradebot.app.command_folder import command_files
from tradebot.app.spool import Spool
from tradebot.domain.errors import BrokerRejected
from tradebot.domain.orders import OrderId, OrderStatus
from tradebot.engine.answers import Outcome
from tradebot.engine.commands import CancelOrder, Command, DropOrder, Once, PauseEntries
from tradebot.engine.engine import Engine

HOME = Path("/home")


class Died(BaseException):
    """The process is gone."""


def a_spool(house: House, disk: SimDisk, engine: Engine | None = None) -> Spool:
    files = command_files(disk, HOME)
    return Spool(files, engine or house.engine, answers=house.answers, bus=house.bus, clock=house.clock)


def put(disk: SimDisk, command: Command) -> None:
    command_files(disk, HOME).put(command.correlation_id, command)


def answer_to(disk: SimDisk, command_id: str) -> dict[str, object]:
    found = command_files(disk, HOME).answer_to(command_id)
    assert found is not None
    return dict(found)


def a_house_with_a_failed_order(**options: object) -> House:
    house = House(**options)  # type: ignore[arg-type]
    house.broker.troubles["place"] = [BrokerRejected("margin exceeded")]
    house.signals(a_signal())
    return house


def poll(house: House, spool: Spool) -> None:
    """Two beats of the loop."""
    spool.poll()
    house.settle()
    spool.poll()


def test_a_command_in_the_spool_is_done_and_answered_beside_it() -> None:
    house, disk = a_house_with_a_failed_order(), SimDisk()
    put(disk, DropOrder(order_id=house.the_order().id, correlation_id="cli-1"))

    poll(house, a_spool(house, disk))

    assert house.the_order().status is OrderStatus.CANCELLED
    assert house.the_order().reason == "Dropped from retry queue"
    assert answer_to(disk, "cli-1")["outcome"] == "done"
    assert disk.names(HOME / "state" / "commands") == ["cli-1.answer"]


def test_commands_are_done_in_the_order_of_their_names() -> None:
    house, disk = House(), SimDisk()
    put(disk, PauseEntries(is_paused=False, correlation_id="cli-2"))
    put(disk, PauseEntries(is_paused=True, correlation_id="cli-1"))

    poll(house, a_spool(house, disk))

    assert not house.memory.is_paused
    assert [run.correlation_id for run in house.memory.command_runs.values()] == ["cli-1", "cli-2"]


def test_a_repeat_is_answered_as_before_and_not_done_again() -> None:
    house = House()
    house.put(Once(command=PauseEntries(is_paused=True, correlation_id="cli-1")))
    house.put(PauseEntries(is_paused=False, correlation_id="somebody else"))
    future = house.answers.expect("cli-1")

    house.put(Once(command=PauseEntries(is_paused=True, correlation_id="cli-1")))

    assert not house.memory.is_paused
    assert future.result(timeout=0).outcome is Outcome.DONE


def test_a_repeat_after_a_restart_is_answered_with_what_was_said_first() -> None:
    house = a_house_with_a_failed_order()
    drop = Once(command=DropOrder(order_id=house.the_order().id, correlation_id="cli-1"))
    house.tell(drop)
    house.restart()
    future = house.answers.expect("cli-1")

    house.tell(drop)

    answer = future.result(timeout=0)
    assert (answer.outcome, answer.order_ids) == (Outcome.DONE, (house.the_order().id,))
    assert house.count_rows("command_runs") == 1


def test_a_refusal_is_remembered_too() -> None:
    house = House()
    missing = Once(command=DropOrder(order_id=OrderId("nobody"), correlation_id="cli-1"))
    house.tell(missing)
    house.restart()
    future = house.answers.expect("cli-1")

    house.tell(missing)

    assert (future.result(timeout=0).outcome, house.count_rows("command_runs")) == (Outcome.UNKNOWN_ID, 1)


def test_what_could_not_be_saved_stays_in_the_spool_and_is_done_later() -> None:
    books = Books([])
    house, disk = a_house_with_a_failed_order(books=books.wrap), SimDisk()
    put(disk, DropOrder(order_id=house.the_order().id, correlation_id="cli-1"))
    spool = a_spool(house, disk)
    books.refusals["save"] = 1

    poll(house, spool)
    refused = house.the_order().status
    poll(house, spool)

    assert (refused, house.the_order().status) == (OrderStatus.FAILED, OrderStatus.CANCELLED)
    assert answer_to(disk, "cli-1")["outcome"] == "done"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "not understood"),
        (b"[1]", "an object with type and value"),
        (b'{"type": "PolicyChanged", "value": {}}', "'PolicyChanged' is none of"),
        (b'{"type": "DropOrder", "value": {"correlation_id": "cli-1"}}', "has no order_id"),
        (b'{"type": "DropOrder", "value": {"correlation_id": "cli-1", "order_id": 7}}', "7 is no str"),
        (b'{"type": "DropOrder", "value": {"correlation_id": "cli-1", "order_id": "7", "x": 1}}', "knows no x"),
        (b'{"type": "DropOrder", "value": {"correlation_id": "cli-2", "order_id": "7"}}', "its file is called"),
        (b"[" * 100_000, "not understood"),
    ],
)
def test_a_file_that_is_no_command_is_answered_with_what_is_wrong(text: bytes, why: str) -> None:
    house, disk = House(), SimDisk()
    disk.append(HOME / "state" / "commands" / "cli-1.command", text)

    poll(house, a_spool(house, disk))

    answer = answer_to(disk, "cli-1")
    assert answer["outcome"] == "fault"
    assert why in str(answer["text"])
    assert command_files(disk, HOME).waiting() == []


def test_names_that_are_no_ids_are_left_alone() -> None:
    house, disk = House(), SimDisk()
    for name in ("cli-1.command.tmp", ".command", "-x.command", "notes.txt"):
        disk.append(HOME / "state" / "commands" / name, b"{}")

    poll(house, a_spool(house, disk))

    assert len(disk.names(HOME / "state" / "commands")) == 4
    assert house.engine.inbox.drain(10) == []


def test_before_the_first_look_only_a_pause_is_taken_up() -> None:
    house, disk = House(is_started=False), SimDisk()
    put(disk, CancelOrder(order_id=OrderId("1"), reason="Manual: x", correlation_id="cli-1"))
    put(disk, PauseEntries(is_paused=True, correlation_id="cli-2"))

    a_spool(house, disk).poll()
    house.engine.run_pending()
    paused = house.memory.is_paused
    house.start()
    poll(house, a_spool(house, disk))

    assert paused
    assert answer_to(disk, "cli-1")["outcome"] == "unknown_id"


def test_a_refusing_disk_is_told_once_and_stops_nothing() -> None:
    house, disk = House(), SimDisk()
    put(disk, PauseEntries(is_paused=True, correlation_id="cli-1"))
    spool = a_spool(house, disk)
    spool.poll()
    house.settle()

    def refuse(name: str, path: Path) -> None:
        if name == "append":
            raise OSError(28, "No space left on device")

    disk.on_effect = refuse
    for _ in range(3):
        spool.poll()
    disk.on_effect = None
    spool.poll()

    assert len([event for event in house.events if "spool" in event.message]) == 1
    assert answer_to(disk, "cli-1")["outcome"] == "done"


def _die_at(number: int) -> Callable[[str, Path], None]:
    left = [number]

    def hook(_name: str, _path: Path) -> None:
        if left[0] == 0:
            raise Died
        left[0] -= 1

    return hook


@pytest.mark.parametrize("kind", CRASH_KINDS)
@pytest.mark.parametrize("point", range(12))
def test_a_crash_at_any_effect_of_the_spool_loses_no_command_and_does_none_twice(kind: CrashKind, point: int) -> None:
    """The daemon dies at one of the effects of taking a command up, is started again, and takes up what is there."""
    house, disk = a_house_with_a_failed_order(), SimDisk()
    put(disk, DropOrder(order_id=house.the_order().id, correlation_id="cli-1"))
    put(disk, PauseEntries(is_paused=True, correlation_id="cli-2"))
    spool = a_spool(house, disk)
    disk.on_effect = _die_at(point)
    with suppress(Died):
        poll(house, spool)
    disk.on_effect = None
    after = disk.crash(kind, seeded(point))

    house.restart()
    again = a_spool(house, after)
    poll(house, again)
    poll(house, again)

    assert answer_to(after, "cli-1")["outcome"] == "done"
    assert answer_to(after, "cli-2")["outcome"] == "done"
    assert command_files(after, HOME).waiting() == []
    assert (house.count_rows("command_runs"), house.memory.is_paused) == (2, True)
    assert [event.event for event in house.story() if event.event == "dropped"] == ["dropped"]
