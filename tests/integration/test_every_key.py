"""Every key of the table, pressed in a real terminal: what it does to the screen, and what it does to the books."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.integration.terminals import Tmux, needs_tmux, wait_for
from tradebot.domain.orders import OrderStatus
from tradebot.interfaces.ui.browsing import Focus
from tradebot.interfaces.ui.keys import BINDINGS

pytestmark = needs_tmux

KEYS = [key for binding in BINDINGS for key in binding.keys]
NAMES = {
    "tab": "Tab",
    "enter": "Enter",
    "esc": "Escape",
    "up": "Up",
    "down": "Down",
    "home": "Home",
    "end": "End",
    "page_up": "PPage",
    "page_down": "NPage",
    "ctrl-l": "C-l",
    "ctrl-z": "C-z",
}
"""What tmux calls a key; a character is its own name."""

TITLES = {Focus.BLOCKS: "Guard blocks"}
NEWEST = "order by created_at desc, id desc"
CANCELLED_FOR_AN_ALERT = 5
MORNING = r"─ Orders 12 "
"""The day before its first minute: eight orders wait at the exchange, four were blocked and have failed."""


class Screen:
    """A daemon under its dashboard, with the books that its keys may change."""

    def __init__(self, tmux: Tmux) -> None:
        self.tmux = tmux
        self.until, self.home = tmux.until, tmux.home
        self.commands: list[tuple[str, str, object]] = []

    def press(self, *keys: str) -> None:
        self.tmux.press(*(NAMES.get(key, key) for key in keys))

    def type(self, word: str) -> None:
        self.tmux("send-keys", "-l", word)
        self.press("enter")

    def rest(self) -> None:
        """Every order, the cursor on the first, and nothing asked."""
        self.press("esc", "esc", "0")
        self.until(MORNING, r"^\? help ")

    def styled(self) -> str:
        return self.tmux("capture-pane", "-p", "-e")

    def cursor(self) -> int:
        """Which of the lines of orders is in reverse, counted from 0; -1 while none is."""
        lines = self.tmux.screen()
        first = next(at for at, line in enumerate(lines) if "─ Orders " in line) + 2
        return next((at - first for at, count in enumerate(_in_reverse(self.styled())) if at >= first and count), -1)

    def until_cursor(self, at: int) -> None:
        wait_for(lambda: self.cursor() == at, lambda: f"the cursor is at {self.cursor()}, not at {at}")

    def focused(self) -> str:
        """The title of the box whose edge is bold."""
        found = re.search(r"\x1b\[(?:0;)?1m(?:\x1b\[[\d;]*m)*╭─ ([A-Z][a-z]+(?: [a-z]+)?)", self.styled())
        return found[1] if found else ""

    def books(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        path = self.home / "state" / "tradebot.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return connection.execute(query, values).fetchall()

    def handed_in(self, kind: str, field: str, value: object) -> None:
        """A command that must be found in the flight record when the run has ended."""
        self.commands.append((kind, field, value))

    def is_recorded(self) -> bool:
        """Whether the engine has taken up those commands, in this order, and no other from the dashboard."""
        (session,) = self.home.glob("sessions/*")
        rows = [json.loads(line) for line in (session / "flight.jsonl").read_text("ascii").splitlines()]
        taken = [row for row in rows if str(row["message"].get("correlation_id")).startswith("dashboard:")]
        wanted = self.commands
        assert [row["kind"] for row in taken] == [kind for kind, _, _ in wanted]
        assert [row["message"][field] for row, (_, field, _) in zip(taken, wanted, strict=True)] == [
            value for _, _, value in wanted
        ]
        return True

    def told(self, event: str) -> list[Mapping[str, object]]:
        (log,) = self.home.glob("logs/*.jsonl")
        rows = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
        return [row for row in rows if row["event"] == event]


def _in_reverse(styled: str) -> list[int]:
    """How many characters of each line are in reverse; a style goes on until it is changed, also into other lines."""
    counts, is_reverse = [], False
    for line in styled.split("\n"):
        count = 0
        for codes, text in re.findall(r"\x1b\[([\d;]*)m|([^\x1b]+)", line):
            if codes or not text:
                is_reverse = "7" in codes.split(";") or (is_reverse and not {"", "0", "27"} & set(codes.split(";")))
            count += len(text) if is_reverse else 0
        counts.append(count)
    return counts


def help_is_shown(screen: Screen) -> None:
    screen.press("?")
    screen.until(*(rf"{re.escape(binding.shown)} +{re.escape(binding.does)}" for binding in BINDINGS))


def status_is_chosen(status: OrderStatus) -> Callable[[Screen], None]:
    def trial(screen: Screen) -> None:
        number = list(OrderStatus).index(status) + 1
        count = screen.books("select count(*) from orders where status = ?", status)[0][0]
        screen.press(str(number))
        screen.until(rf"─ Orders {status} {count} ", rf"> {number} {status} ")

    return trial


def every_status_is_shown(screen: Screen) -> None:
    screen.press("3")
    screen.until(r"─ Orders closed ")
    screen.press("0")
    screen.until(MORNING)


def panels_follow_each_other(screen: Screen) -> None:
    around = [TITLES.get(focus, focus.capitalize()) for focus in Focus]
    for title in [*around[1:], around[0]]:
        screen.press("tab")
        wait_for(lambda: screen.focused() == title, lambda: f"{screen.focused()!r}, not {title!r}")  # noqa: B023


def goes(key: str, start: int, after: int, *before: str) -> Callable[[Screen], None]:
    """From one line of the orders to another."""

    def trial(screen: Screen) -> None:
        screen.press(*before)
        screen.until_cursor(start)
        screen.press(key)
        screen.until_cursor(after)

    return trial


def detail_is_shown(screen: Screen) -> None:
    screen.press("j")
    screen.until_cursor(1)
    newest = screen.books(f"select id, symbol, coid from orders {NEWEST}")
    order_id, symbol, coid = newest[1]
    screen.press("enter")
    screen.until(rf"─ Order {order_id}  {symbol} ", rf"client order id +{coid}")


def back_from_where_it_was(screen: Screen) -> None:
    screen.press("enter")
    screen.until(r"─ Order \d+ ")
    screen.press("esc")
    screen.until(MORNING)


def lines_with_a_text(screen: Screen) -> None:
    symbol = str(screen.books("select symbol from orders where status = 'failed'")[0][0])
    count = screen.books("select count(*) from orders where symbol = ?", symbol)[0][0]
    screen.press("/")
    screen.tmux("send-keys", "-l", f"{symbol.lower()}x")
    screen.until(rf"^filter: {symbol.lower()}x_ ")
    screen.press("BSpace", "enter")
    screen.until(
        rf"─ Orders {count} of 12  filter '{symbol.lower()}'", rf"^filter '{symbol.lower()}' \(esc clears it\)"
    )


def events_are_held_and_followed(screen: Screen) -> None:
    screen.press("f")
    screen.until(r"─ Events \d+  held \(f follows\)")
    screen.press("f")
    screen.until(r"─ Events \d+  following")


def refresh_goes(key: str, other: str, by_s: float) -> Callable[[Screen], None]:
    def refresh_after(screen: Screen, pressed: str) -> float:
        screen.press("j")  # takes the word of before away
        screen.until(r"^\? help ")
        screen.press(pressed)
        line = screen.until(r"^refreshed every ([\d.]+) s")[-1]
        return float(line.split()[2])

    def trial(screen: Screen) -> None:
        before = refresh_after(screen, other)
        assert refresh_after(screen, key) == pytest.approx(before + by_s)

    return trial


def entries_are_paused(screen: Screen) -> None:
    screen.press("p")
    screen.handed_in("PauseEntries", "is_paused", True)
    screen.until(r"WARNING  entries are paused", r"^done")
    assert screen.told("ENTRIES_PAUSED")
    screen.press("P")
    screen.handed_in("PauseEntries", "is_paused", False)
    screen.until(r"^no alerts", r"^done")


def entries_are_resumed(screen: Screen) -> None:
    screen.press("p")
    screen.handed_in("PauseEntries", "is_paused", True)
    screen.until(r"WARNING  entries are paused", r"^done")
    screen.press("P")
    screen.handed_in("PauseEntries", "is_paused", False)
    screen.until(r"^no alerts", r"^done")
    assert screen.told("ENTRIES_RESUMED")


def kill_switch_asks_for_its_word(screen: Screen) -> None:
    latch = screen.home / "state" / "kill"
    screen.press("K")
    screen.until(r"type STOP: no entries")
    screen.type("STOPP")
    screen.until(r"^left as it is")
    assert not latch.exists(), "a word that is nearly right does nothing"
    screen.press("K")
    screen.type("STOP")
    screen.until(r"CRITICAL  kill switch: stop", r"KILL_LATCHED")
    assert latch.exists()
    assert _in_reverse(screen.styled())[:3] == [len(line) for line in screen.tmux.screen()[:3]], (
        "to be seen from across the room"
    )
    screen.press("K")
    screen.type("RELEASE")
    screen.until(r"^no alerts", r"KILL_RELEASED")
    assert not latch.exists()
    screen.handed_in("KillSwitch", "mode", "stop")
    screen.handed_in("KillSwitch", "mode", None)


def failed_order_is_sent_again(screen: Screen) -> None:
    screen.press("4", "r")
    question = screen.until(r"^Send again: buy \d+ \S+ at [\d.]+\?  y / N")[-1]
    order_id, symbol, tried = _first_failed(screen)
    assert f" {symbol} " in question
    screen.press("n")
    screen.until(r"^left as it is")
    screen.press("r", "y")
    screen.until(r"^(asked for;|blocked|not possible|done)")
    screen.handed_in("RetryOrder", "order_id", order_id)
    query = "select count(*) from orders where id = ? and (retry_count > ? or broker_order_id is not null)"
    assert screen.books(query, order_id, tried) == [(1,)]


def _first_failed(screen: Screen) -> tuple[str, str, str]:
    found = screen.books(f"select id, symbol, retry_count from orders where status = 'failed' {NEWEST}")
    order_id, symbol, tried = found[0]
    return str(order_id), str(symbol), str(tried)


def waiting_order_is_cancelled_and_failed_one_is_dropped(screen: Screen) -> None:
    pending = screen.books(f"select id from orders where status = 'pending' {NEWEST}")[0][0]
    screen.press("1", "d")
    screen.until(r"^Cancel at the broker: buy \d+ \S+ at [\d.]+\?  y / N")
    screen.press("y")
    screen.until(r"^asked for; the broker decides")
    wait_for(lambda: screen.books("select status from orders where id = ?", str(pending)) == [("cancelled",)])
    failed = screen.books("select id from orders where status = 'failed' order by created_at, id")[0][0]
    screen.press("4", "G", "d")
    screen.until(r"^Drop, and never send again: buy \d+ \S+ at [\d.]+\?  y / N")
    screen.press("y")
    screen.until(r"^done")
    (status, reason) = screen.books("select status, reason from orders where id = ?", str(failed))[0]
    assert status == "cancelled", reason
    screen.handed_in("CancelOrder", "order_id", pending)
    screen.handed_in("DropOrder", "order_id", failed)


def everything_is_painted_again(screen: Screen) -> None:
    device = screen.tmux("display-message", "-p", "#{pane_tty}").strip()
    Path(device).write_bytes(b"\x1b[10;10HA MESSAGE FROM ANOTHER PROGRAM")
    screen.until(r"A MESSAGE FROM ANOTHER PROGRAM")
    screen.press("ctrl-l")
    wait_for(lambda: not screen.tmux.shows("A MESSAGE FROM ANOTHER"))
    screen.until(MORNING)


def screen_is_saved(screen: Screen) -> None:
    saved: list[str] = []

    def is_what_is_seen() -> bool:
        """What a key before this one has asked for may still change the screen: then it is saved once more."""
        screen.press("s")
        line = screen.until(r"^saved: \S+screen-\d+\.txt")[-1]
        saved[:] = Path(line.removeprefix("saved: ").strip()).read_text("utf-8").splitlines()
        return saved[3:-1] == screen.tmux.screen()[3:-1]

    wait_for(is_what_is_seen, lambda: "\n".join(saved))


def suspending_is_refused(screen: Screen) -> None:
    screen.press("ctrl-z")
    screen.until(r"^ctrl-z is ignored")
    assert psutil.Process(screen.tmux.pid()).status() != psutil.STATUS_STOPPED


def alert_is_seen(screen: Screen) -> None:
    """Five entries in a row that end unfilled are an alert: here because the operator cancels them."""
    for _ in range(CANCELLED_FOR_AN_ALERT):
        screen.press("1")
        waiting = screen.books("select count(*) from orders where status = 'pending'")[0][0]
        screen.until(rf"─ Orders pending {waiting} ")
        order_id = screen.books(f"select id from orders where status = 'pending' {NEWEST} limit 1")[0][0]
        screen.press("d", "y")
        screen.handed_in("CancelOrder", "order_id", order_id)
        screen.until(rf"─ Orders pending {waiting - 1} ")
    screen.until(r"CRITICAL  fill_rate: 0 per cent")
    screen.press("a")
    screen.until(r"fill_rate: .*", r"^done", r"ALERT_ACKNOWLEDGED")
    screen.handed_in("AcknowledgeAlert", "name", "fill_rate")
    wait_for(lambda: [row["by"] for row in screen.told("ALERT_ACKNOWLEDGED")] == ["dashboard"])
    screen.press("a")
    screen.until(r"^no alert waits for anybody to see it")


def quitting_asks_and_gives_the_terminal_back(screen: Screen) -> None:
    screen.press("q")
    screen.until(r"^Stop tradebot\?.*y / N")
    screen.press("n")
    screen.until(r"^left as it is")
    screen.press("q", "y")
    screen.until(r"^stopped at 2026-09-16", r"^exit 0$")
    assert screen.is_recorded()


TRIALS: Mapping[str, Callable[[Screen], None]] = {
    "?": help_is_shown,
    "0": every_status_is_shown,
    **{str(number): status_is_chosen(status) for number, status in enumerate(OrderStatus, start=1)},
    "tab": panels_follow_each_other,
    "j": goes("j", 0, 1),
    "down": goes("down", 1, 2, "j"),
    "k": goes("k", 1, 0, "j"),
    "up": goes("up", 2, 1, "j", "j"),
    "g": goes("g", 3, 0, "j", "j", "j"),
    "home": goes("home", 11, 0, "G"),
    "G": goes("G", 0, 11),
    "end": goes("end", 2, 11, "j", "j"),
    "page_down": goes("page_down", 0, 10),
    "page_up": goes("page_up", 11, 1, "G"),
    "enter": detail_is_shown,
    "esc": back_from_where_it_was,
    "/": lines_with_a_text,
    "f": events_are_held_and_followed,
    "+": refresh_goes("+", "-", -0.5),
    "-": refresh_goes("-", "-", 0.5),
    "p": entries_are_paused,
    "P": entries_are_resumed,
    "K": kill_switch_asks_for_its_word,
    "r": failed_order_is_sent_again,
    "d": waiting_order_is_cancelled_and_failed_one_is_dropped,
    "ctrl-l": everything_is_painted_again,
    "s": screen_is_saved,
    "ctrl-z": suspending_is_refused,
    "a": alert_is_seen,
    "q": quitting_asks_and_gives_the_terminal_back,
}
"""What each key is put to, in this order: the last ones leave an alert, and nothing, behind."""


def test_every_key_of_the_table_is_put_to_a_trial() -> None:
    assert set(TRIALS) == set(KEYS)


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    """One minute of the morning lasts as long as all the keys: they find the same orders."""
    tmux = Tmux(tmp_path_factory.mktemp("keys"))
    tmux.open(120, 40)
    tmux.run("replay", "--speed", "3", TRADEBOT_ALERT_EVENTS_MIN=str(CANCELLED_FOR_AN_ALERT))
    tmux.until(MORNING)
    yield Screen(tmux)
    tmux.close()


@pytest.mark.parametrize("key", list(TRIALS))
def test_a_key_does_what_the_table_says(key: str, replay: Screen) -> None:
    replay.rest()
    TRIALS[key](replay)
