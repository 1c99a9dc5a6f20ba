"""What the keys do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.ui.builders import a_busy_view, a_memory, a_view, an_event, the_order
from tradebot.domain.events import EventName
from tradebot.domain.kill import KillMode, Latch
from tradebot.domain.orders import OrderStatus
from tradebot.engine.commands import CancelOrder, DropOrder, KillSwitch, PauseEntries, RetryOrder
from tradebot.engine.views import DaemonView
from tradebot.interfaces.ui.asking import BY
from tradebot.interfaces.ui.browsing import (
    Browsing,
    Focus,
    Page,
    Step,
    Wish,
    footer,
    press,
    visible_events,
    visible_orders,
)
from tradebot.interfaces.ui.keys import BINDINGS, decode


def pressed(keys: list[str], view: DaemonView | None = None, browsing: Browsing | None = None) -> Step:
    step = Step(browsing or Browsing())
    for key in keys:
        step = press(step.after, key, view or a_busy_view())
    return step


def test_every_key_of_the_table_does_something() -> None:
    view = a_busy_view()
    somewhere = pressed(["tab", "j", "/", "x", "enter"], view).after
    for binding in BINDINGS:
        for key in binding.keys:
            starts = (Browsing(), somewhere, Browsing(selected=view.orders[9].order.id), Browsing(page=Page.HELP))
            steps = [press(start, key, view) for start in starts]
            assert any(
                step.command is not None or step.wish is not None or step.after != start
                for step, start in zip(steps, starts, strict=True)
            ), key


def test_no_key_is_bound_twice() -> None:
    keys = [key for binding in BINDINGS for key in binding.keys]

    assert len(keys) == len(set(keys))


def test_q_asks_and_only_y_stops() -> None:
    asked = pressed(["q"])

    assert asked.wish is None
    assert "y / N" in footer(asked.after)
    assert press(asked.after, "y", a_busy_view()).wish is Wish.QUIT
    assert press(asked.after, "q", a_busy_view()).wish is None
    assert press(asked.after, "enter", a_busy_view()).wish is None


@pytest.mark.parametrize(("key", "status"), list(zip("12345", OrderStatus, strict=True)))
def test_a_digit_shows_the_orders_of_one_status(key: str, status: OrderStatus) -> None:
    view = a_busy_view()

    found = visible_orders(view, pressed([key], view).after)

    assert found
    assert {row.order.status for row in found} == {status}


def test_the_cursor_stays_with_its_order_when_newer_ones_come() -> None:
    first = a_view(a_memory([the_order(1), the_order(2), the_order(3)]))
    chosen = pressed(["j"], first).after

    later = a_view(a_memory([the_order(number) for number in range(1, 7)]))
    detail = press(chosen, "enter", later).after

    assert chosen.selected == "2"
    assert (detail.page, detail.selected) == (Page.DETAIL, "2")


def test_the_cursor_stops_at_both_ends() -> None:
    view = a_view(a_memory([the_order(1), the_order(2)]))

    assert pressed(["G", "j", "page_down"], view).after.selected == "1"
    assert pressed(["j", "g", "k", "page_up"], view).after.selected is None


def test_a_filter_is_typed_and_cleared() -> None:
    view = a_busy_view()

    typed = pressed(["/", *"tcss", "backspace", "enter"], view).after
    cleared = press(typed, "esc", view).after

    assert {row.order.symbol for row in visible_orders(view, typed)} == {"TCS"}
    assert len(visible_orders(view, cleared)) == 40


def test_keys_are_text_while_a_filter_is_typed() -> None:
    step = pressed(["/", "q", "1"])

    assert (step.wish, step.after.typing) == (None, "q1")


def test_a_filter_has_a_bound() -> None:
    assert len(pressed(["/", *("x" * 100)]).after.typing or "") == 40


def test_going_up_holds_the_events_and_coming_down_follows_them_again() -> None:
    ten = [an_event(EventName.ORDER_SENT, f"number {number}") for number in range(10)]
    view, grown = a_view(events=ten), a_view(events=[*ten, an_event(EventName.ORDER_SENT, "number 10")])

    held = pressed(["k", "k"], view, Browsing(focus=Focus.EVENTS)).after
    followed = pressed(["j", "j"], grown, held).after

    assert visible_events(grown, held)[-1].message == "number 9"
    assert held.offset == 2
    assert followed.held_at is None
    assert visible_events(grown, followed)[-1].message == "number 10"


def test_f_holds_and_follows() -> None:
    held = pressed(["f"]).after

    assert held.held_at is not None
    assert pressed(["f"], browsing=held).after.held_at is None


def test_the_page_of_an_order_ends_where_its_story_ends() -> None:
    view = a_busy_view()
    order = next(row.order for row in view.orders if row.order.id == "3")
    browsing = Browsing(page=Page.DETAIL, selected=order.id)

    last = pressed(["G"], view, browsing).after

    assert 15 < last.offset < 30
    assert pressed(["page_down"], view, last).after.offset == last.offset
    assert pressed(["g"], view, last).after.offset == 0


def test_the_refresh_stays_between_half_a_second_and_five() -> None:
    assert pressed(["+"] * 20).after.refresh_s == 0.5
    assert pressed(["-"] * 20).after.refresh_s == 5.0


def test_tab_goes_round_all_panels() -> None:
    browsing, seen = Browsing(), []
    for _ in Focus:
        seen.append(browsing.focus)
        browsing = press(browsing, "tab", a_busy_view()).after

    assert seen == list(Focus)
    assert browsing.focus is Focus.ORDERS


def test_ctrl_z_is_answered_with_a_word() -> None:
    assert "ignored" in footer(pressed(["ctrl-z"]).after)


def test_a_notice_is_gone_after_the_next_key() -> None:
    assert pressed(["x"], browsing=replace(Browsing(), notice="saved")).after.notice == ""


def test_keys_are_read_from_what_terminals_send() -> None:
    data = b"j\x1b[A\x1bOB\x1b[5~\t\r\x0c\x7f\x1b[1;5C\xe2\x82\xb9\x03"

    keys, rest = decode(data, is_all=True)

    assert keys == ["j", "up", "down", "page_up", "tab", "enter", "ctrl-l", "backspace", "₹"]
    assert rest == b""


@pytest.mark.parametrize("sequence", [b"\x1b[5~", b"\x1bOB", "₹".encode()])
def test_a_key_that_comes_in_pieces_is_one_key(sequence: bytes) -> None:
    whole, _ = decode(sequence, is_all=True)
    keys: list[str] = []
    rest = b""
    for at in range(len(sequence)):
        found, rest = decode(rest + sequence[at : at + 1], is_all=False)
        keys += found

    assert (keys, rest) == (whole, b"")


def test_escape_on_its_own_is_a_key_once_nothing_follows() -> None:
    assert decode(b"\x1b", is_all=False) == ([], b"\x1b")
    assert decode(b"\x1b", is_all=True) == (["esc"], b"")


def test_an_endless_sequence_is_not_kept_for_ever() -> None:
    _, rest = decode(b"\x1b[" + b"1" * 100, is_all=False)

    assert rest == b""


def test_one_key_pauses_entries_and_another_resumes_them() -> None:
    view = a_view()
    assert press(Browsing(), "p", view).command == PauseEntries(is_paused=True, correlation_id=BY)
    assert press(Browsing(), "P", view).command == PauseEntries(is_paused=False, correlation_id=BY)


def typed(word: str) -> list[str]:
    return ["K", *word, "enter"]


@pytest.mark.parametrize(
    ("word", "mode"), [("STOP", KillMode.STOP), ("KILL", KillMode.CANCEL_ENTRIES), ("FLATTEN", KillMode.FLATTEN)]
)
def test_the_kill_switch_wants_its_word_and_the_word_says_what_it_does(word: str, mode: KillMode) -> None:
    command = pressed(typed(word)).command

    assert isinstance(command, KillSwitch)
    assert command.mode is mode


@pytest.mark.parametrize("keys", [typed("kill"), typed("KIL"), typed(""), ["K", *"KILL", "esc"], ["K", "y"]])
def test_nothing_but_the_whole_word_kills(keys: list[str]) -> None:
    assert pressed(keys).command is None


def test_a_mistyped_word_can_be_mended() -> None:
    command = pressed(["K", *"STIP", "backspace", "backspace", *"OP", "enter"]).command

    assert isinstance(command, KillSwitch)
    assert command.mode is KillMode.STOP


def test_a_kill_switch_that_is_on_is_released_by_its_own_word() -> None:
    view = a_view(a_memory(latch=Latch(mode=KillMode.STOP)))

    assert pressed(typed("KILL"), view).command is None
    assert pressed(typed("RELEASE"), view).command == KillSwitch(
        mode=None, reason="released from the dashboard", correlation_id=BY
    )


def test_r_says_what_would_be_sent_and_only_y_sends_it() -> None:
    order = the_order(1, status=OrderStatus.FAILED)
    view = a_view(a_memory([order]))

    asked = pressed(["r"], view)

    assert footer(asked.after).startswith(f"Send again: buy {order.quantity} {order.symbol} at {order.price}?")
    assert press(asked.after, "y", view).command == RetryOrder(order_id=order.id, correlation_id=BY)
    assert press(asked.after, "r", view).command is None


def test_d_drops_what_failed_and_cancels_what_stands() -> None:
    failed, pending = the_order(1, status=OrderStatus.FAILED), the_order(1, status=OrderStatus.PENDING)

    dropped = pressed(["d", "y"], a_view(a_memory([failed]))).command
    cancelled = pressed(["d", "y"], a_view(a_memory([pending]))).command

    assert dropped == DropOrder(order_id=failed.id, correlation_id=BY)
    assert isinstance(cancelled, CancelOrder)


@pytest.mark.parametrize("key", ["r", "d"])
def test_a_finished_order_is_neither_retried_nor_dropped_and_the_line_says_why(key: str) -> None:
    view = a_view(a_memory([the_order(1, status=OrderStatus.CLOSED)]))

    step = pressed([key], view)

    assert step.after.question is None
    assert "closed" in step.after.notice


@pytest.mark.parametrize("key", ["q", "p", "P", "K", "r", "d", "a"])
def test_read_only_refuses_every_key_that_changes_something(key: str) -> None:
    view = a_view(a_memory([the_order(1, status=OrderStatus.FAILED)]))

    step = press(Browsing(is_read_only=True), key, view)

    assert (step.command, step.wish, step.after.question) == (None, None, None)
    assert "read-only" in step.after.notice
