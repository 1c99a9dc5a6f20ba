"""The exchange's own books: killed anywhere, opened again, they go on exactly where their last whole line ends."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.unit.exchange.builders import (
    ME,
    MON,
    TUE,
    WED,
    a_buy,
    a_sell,
    a_split,
    a_tape,
    an_exchange,
    at,
    facts,
    placed,
    run_to,
    the_order,
)
from tradebot.domain.errors import StateCorrupt
from tradebot.domain.orders import OrderType, Variety
from tradebot.exchange.books import BooksFailed, read_all
from tradebot.exchange.exchange import Exchange, Snapshot
from tradebot.exchange.ledger import Commit
from tradebot.exchange.rows import STEPS_MAX, Status
from tradebot.exchange.state import State

REGULAR: dict[str, Any] = {"variety": Variety.REGULAR}
OPENING = at(date(2025, 1, 3), "18:00")


def opened(folder: Path, **changes: object) -> Exchange:
    values: dict[str, object] = {
        "tape": a_tape(),
        "facts": facts([a_split("DEF", WED)]),
        "seed": 7,
        "opening": OPENING,
        "accounts": {ME: Decimal(1_000_000)},
    }
    values.update(changes)
    return Exchange.open(folder, **values)  # type: ignore[arg-type]


def found_in(folder: Path, **changes: object) -> Snapshot:
    """What an exchange that opens the books begins with."""
    exchange = opened(folder, **changes)
    exchange.close()
    return exchange.snapshot()


def journal(folder: Path) -> Path:
    (path,) = folder.glob("journal-*.jsonl")
    return path


def some_days(exchange: Exchange) -> Iterator[None]:
    """Orders of every kind over three days; stops after each command and each advance."""
    for command in (a_buy(price="101", tag="T1"), a_buy(price="99.5", quantity=800), a_buy("DEF", price="60")):
        placed(exchange, command)
        yield
    for limit in (at(MON, "09:05"), at(MON, "09:16:30")):
        while exchange.advance_to(limit):
            yield
        yield
    order_id = placed(exchange, a_buy(price="90", **REGULAR))
    yield
    exchange.modify(ME, order_id, Variety.REGULAR, quantity=20, price=Decimal(91))
    yield
    placed(exchange, a_buy(price="105", order_type=OrderType.SL, trigger_price="104", **REGULAR))
    yield
    placed(exchange, a_buy(price="110", quantity=5, **REGULAR))
    yield
    exchange.cancel(ME, order_id, Variety.REGULAR)
    yield
    for limit in (at(MON, "16:30"), at(TUE, "09:30")):
        while exchange.advance_to(limit):
            yield
        yield
    placed(exchange, a_sell(price="95", quantity=3, **REGULAR))
    yield
    while exchange.advance_to(at(WED, "07:00")):
        yield
    yield


def test_an_opened_exchange_is_the_one_that_was_left(tmp_path: Path) -> None:
    exchange = opened(tmp_path)
    for _ in some_days(exchange):
        assert found_in(tmp_path) == exchange.snapshot()


def test_the_books_make_no_difference_to_what_happens(tmp_path: Path) -> None:
    with_books = opened(tmp_path)
    without = an_exchange(actions=[a_split("DEF", WED)])
    for exchange in (with_books, without):
        for _ in some_days(exchange):
            pass
    assert with_books.snapshot() == without.snapshot()


def test_torn_at_any_byte_the_books_open_with_a_prefix_of_the_commits(tmp_path: Path) -> None:
    home = tmp_path / "home"
    exchange = opened(home)
    first = shutil.copy(home / "snapshot.json", tmp_path / "first.json")
    data, states = b"", {0: exchange.snapshot()}
    for _ in some_days(exchange):
        if exchange.now > at(MON, "17:30"):
            break
        if exchange.now < at(MON, "17:30"):
            data = journal(home).read_bytes()
            states[data.count(b"\n")] = exchange.snapshot()
    ends = [i + 1 for i, byte in enumerate(data) if byte == ord("\n")]
    assert len(ends) >= len(states) - 1 > 10
    for cut in sorted({0, *ends, *(end - 1 for end in ends), *range(0, len(data), 97)}):
        copy = tmp_path / "copy"
        copy.mkdir()
        (copy / "journal-000000.jsonl").write_bytes(data[:cut])
        shutil.copy(first, copy / "snapshot.json")
        found = found_in(copy)
        whole = sum(end <= cut for end in ends)
        assert found == states.get(whole, found)
        assert journal(copy).stat().st_size == (ends[whole - 1] if whole else 0)
        shutil.rmtree(copy)


def test_a_day_goes_on_after_a_kill_as_if_there_had_been_none(tmp_path: Path) -> None:
    exchange = opened(tmp_path)
    placed(exchange, a_buy(price="99.5", quantity=800))
    run_to(exchange, at(MON, "09:19"))
    again = opened(tmp_path)
    undisturbed = an_exchange(actions=[a_split("DEF", WED)])
    placed(undisturbed, a_buy(price="99.5", quantity=800))
    for one in (again, undisturbed):
        run_to(one, at(TUE, "18:00"))
    assert again.snapshot() == undisturbed.snapshot()


def test_at_each_days_end_the_journal_begins_anew(tmp_path: Path) -> None:
    exchange = opened(tmp_path)
    placed(exchange, a_buy(price="101"))
    run_to(exchange, at(MON, "17:29"))
    assert journal(tmp_path).name == "journal-000000.jsonl"
    run_to(exchange, at(MON, "17:30"))
    assert journal(tmp_path).name == "journal-000001.jsonl"
    assert journal(tmp_path).read_bytes() == b""
    assert json.loads((tmp_path / "snapshot.json").read_bytes())["generation"] == 1


def test_finished_orders_come_into_the_history_and_are_found_after_opening(tmp_path: Path) -> None:
    exchange = opened(tmp_path)
    order_id = placed(exchange, a_buy(price="101"))
    run_to(exchange, at(TUE, "18:00"))
    lines = (tmp_path / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["order"]["order_id"] for line in lines] == [order_id]
    again = opened(tmp_path)
    assert again.order_book(ME) == []
    assert the_order(again, order_id).status is Status.COMPLETE
    assert len(again.order_trades(ME, order_id)) == 1


@pytest.mark.parametrize("step", ["history added", "snapshot replaced"])
def test_killed_within_a_fold_the_books_open_the_same(tmp_path: Path, step: str) -> None:
    home, before = tmp_path / "home", tmp_path / "before"
    exchange = opened(home)
    for limit in (at(MON, "16:30"), at(TUE, "17:29")):
        placed(exchange, a_buy(price="101")) if exchange.now == OPENING else None
        run_to(exchange, limit)
    shutil.copytree(home, before)
    run_to(exchange, at(TUE, "17:30"))
    day_end = exchange.snapshot()
    old_journal = journal(before)
    if step == "history added":
        shutil.copy(home / "history.jsonl", before / "history.jsonl")
    else:
        shutil.copy(home / "history.jsonl", before / "history.jsonl")
        shutil.copy(home / "snapshot.json", before / "snapshot.json")
    again = opened(before)
    assert old_journal.exists() == (step == "history added")
    run_to(again, at(TUE, "17:30"))
    assert again.snapshot() == day_end
    assert (before / "history.jsonl").read_bytes() == (home / "history.jsonl").read_bytes()


def test_the_auditors_reader_sees_every_order_and_trade_ever(tmp_path: Path) -> None:
    exchange = opened(tmp_path)
    for _ in some_days(exchange):
        pass
    found = read_all(tmp_path)
    ids = [entry["order"]["order_id"] for entry in found]
    assert ids == sorted(ids)
    assert len(ids) == 7
    for entry in found:
        row = the_order(exchange, entry["order"]["order_id"])
        assert entry["order"]["status"] == row.status.value
        assert sum(t["quantity"] for t in entry["trades"]) == entry["order"]["filled_quantity"]


def test_the_reader_in_the_documentation_reads_the_same(tmp_path: Path) -> None:
    exchange = opened(tmp_path)
    page = Path(__file__).parents[3] / "docs" / "exchange-books.md"
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    for _ in some_days(exchange):
        orders, trades = names["read_exchange"](tmp_path)
        for entry in read_all(tmp_path):
            order_id = entry["order"]["order_id"]
            assert trades.get(order_id, []) == entry["trades"]
            assert {**orders.pop(order_id), "steps_before": 0} == entry["order"]
        assert orders == {}


def test_reading_the_books_changes_nothing(tmp_path: Path) -> None:
    exchange = opened(tmp_path)
    placed(exchange, a_buy())
    with journal(tmp_path).open("ab") as file:
        file.write(b'{"t":"2025')
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(read_all(tmp_path)) == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_every_advance_leaves_its_instant(tmp_path: Path) -> None:
    exchange = opened(tmp_path)
    run_to(exchange, at(MON, "05:00"))
    assert json.loads(journal(tmp_path).read_text()) == {"t": "2025-01-05T23:30:00+00:00"}
    assert opened(tmp_path).now == at(MON, "05:00")


def test_a_new_account_gets_its_opening_cash_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    exchange = opened(tmp_path)
    placed(exchange, a_buy(price="101"))
    run_to(exchange, at(MON, "10:00"))
    again = opened(tmp_path, accounts={ME: Decimal(5), "other": Decimal(77)})
    assert again.margins(ME).cash == 999_000
    assert again.margins("other").cash == 77
    assert opened(tmp_path).margins("other").cash == 77


def test_books_of_another_seed_are_not_continued(tmp_path: Path) -> None:
    opened(tmp_path)
    with pytest.raises(StateCorrupt, match="seed 7"):
        opened(tmp_path, seed=8)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("journal", b"nonsense\n"),
        ("journal", b'{"t":"never"}\n'),
        ("snapshot.json", b"{}"),
        ("snapshot.json", b'{"version":99}'),
        ("snapshot.json", b""),
        ("history.jsonl", b""),
    ],
)
def test_damaged_books_are_refused_with_the_place(tmp_path: Path, name: str, damage: bytes) -> None:
    exchange = opened(tmp_path)
    placed(exchange, a_buy(price="101"))
    run_to(exchange, at(TUE, "18:00"))
    path = journal(tmp_path) if name == "journal" else tmp_path / name
    path.write_bytes(damage)
    with pytest.raises(StateCorrupt) as caught:
        opened(tmp_path)
    assert path.name in caught.value.place


def test_books_are_never_set_back(tmp_path: Path) -> None:
    exchange = opened(tmp_path)
    with pytest.raises(ValueError, match="set back"):
        exchange.restore(exchange.snapshot())


@dataclass
class FullDisk:
    """Books that take `left` more lines."""

    left: int
    lines: list[Commit] = field(default_factory=list)

    def append(self, commit: Commit) -> None:
        if not self.left:
            raise OSError(28, "No space left on device")
        self.left -= 1
        self.lines.append(commit)

    def passed(self, now: datetime) -> None:
        self.append(Commit(at=now))

    def fold(self, state: State) -> None:
        pass

    def close(self) -> None:
        pass


def test_what_could_not_be_written_is_not_answered_and_the_exchange_stands_still() -> None:
    exchange = Exchange(
        tape=a_tape(),
        facts=facts(),
        seed=1,
        opening=OPENING,
        accounts={ME: Decimal(1000)},
        books=FullDisk(left=1),
    )
    order_id = placed(exchange, a_buy())
    with pytest.raises(OSError, match="No space"):
        exchange.place(ME, a_buy())
    for call in (
        lambda: exchange.place(ME, a_buy()),
        lambda: exchange.cancel(ME, order_id, Variety.AMO),
        lambda: exchange.modify(ME, order_id, Variety.AMO, quantity=1, price=Decimal(100)),
        lambda: exchange.order_book(ME),
        lambda: exchange.advance_to(at(MON, "10:00")),
    ):
        with pytest.raises(BooksFailed):
            call()


def test_an_advance_that_could_not_be_written_stops_the_exchange_too() -> None:
    exchange = Exchange(
        tape=a_tape(), facts=facts(), seed=1, opening=OPENING, accounts={ME: Decimal(1000)}, books=FullDisk(left=0)
    )
    with pytest.raises(OSError, match="No space"):
        exchange.advance_to(at(MON, "05:00"))
    with pytest.raises(BooksFailed):
        exchange.order_book(ME)


def test_an_order_with_a_cut_history_is_opened_whole(tmp_path: Path) -> None:
    tape = a_tape()
    tape.session("ABC", MON, ["100"] * 300, quantity=10)
    exchange = opened(tmp_path, tape=tape)
    order_id = placed(exchange, a_buy(price="100", quantity=1000))
    run_to(exchange, at(MON, "15:00"))
    assert len(the_order(exchange, order_id).steps) == STEPS_MAX
    assert found_in(tmp_path, tape=tape) == exchange.snapshot()
