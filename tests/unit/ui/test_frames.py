"""What stands on the screen, at each size and in each look."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.unit.ui.builders import a_busy_view, a_memory, a_view, an_event, the_order
from tests.unit.ui.frames import FOLDER, MOMENT, as_text, scenes, written
from tradebot.domain.events import EventName
from tradebot.engine.views import BlockCount
from tradebot.interfaces.ui.asking import about_killing
from tradebot.interfaces.ui.browsing import Browsing, Focus, Page
from tradebot.interfaces.ui.keys import BINDINGS, HINTS
from tradebot.interfaces.ui.layout import frame
from tradebot.interfaces.ui.look import Line, Look, encoded

_STYLES = re.compile(r"\x1b\[([\d;]*)m")


def text_of(lines: list[Line]) -> str:
    return as_text(lines, Look())


def bytes_of(lines: list[Line], look: Look) -> str:
    return "\n".join(encoded(line, look).decode() for line in lines)


@pytest.mark.parametrize("name", list(scenes()))
def test_a_frame_is_as_it_was_accepted(name: str) -> None:
    accepted = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")

    assert written(scenes()[name]) == accepted, "if this is wanted: python -m tests.unit.ui.frames, and read the diff"


def test_no_accepted_frame_is_left_from_before() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(scenes())


@settings(deadline=None, max_examples=60)
@given(
    columns=st.integers(1, 260),
    lines=st.integers(1, 80),
    focus=st.sampled_from(Focus),
    page=st.sampled_from(Page),
    reason=st.text(max_size=60),
)
def test_every_frame_fills_its_screen_exactly_and_moves_no_cursor(
    columns: int, lines: int, focus: Focus, page: Page, reason: str
) -> None:
    order = the_order(1, reason=reason, symbol=reason[:20] or "X")
    view = a_view(a_memory([order]), events=[an_event(EventName.ORDER_SENT, reason)])
    browsing = Browsing(focus=focus, page=page, selected=order.id, offset=1)

    found = frame(view, browsing, (columns, lines), MOMENT)

    assert len(found) == lines
    for line in found:
        text = "".join(segment.text for segment in line)
        assert cell_len(text) == columns
        assert text.isprintable()


def test_without_colour_every_word_and_every_mark_is_still_there() -> None:
    lines = frame(a_busy_view(), Browsing(), (120, 40), MOMENT)

    coloured, plain = bytes_of(lines, Look()), bytes_of(lines, Look(is_coloured=False))

    colours = {code for codes in _STYLES.findall(plain) for code in codes.split(";") if re.match(r"[349]\d$", code)}
    assert not colours
    assert "▲ +180.50" in plain
    assert "8!" in plain
    assert _STYLES.sub("", coloured) == _STYLES.sub("", plain)
    assert re.search(r"\x1b\[94m", coloured), "a gain is blue"
    assert re.search(r"\x1b\[33m", coloured), "a loss is orange"


def test_ascii_keeps_the_width_of_every_line() -> None:
    lines = frame(a_busy_view(), Browsing(), (120, 40), MOMENT)

    found = _STYLES.sub("", bytes_of(lines, Look(is_ascii=True)))

    assert found.isascii()
    assert {len(line) for line in found.split("\n")} == {120}


def test_the_failure_of_one_panel_is_a_line_in_that_panel() -> None:
    busy = a_busy_view()
    broken = replace(busy, tail=replace(busy.tail, blocks=(BlockCount(reason="X", count=1, symbol="", at=None),)))

    found = text_of(frame(broken, Browsing(), (200, 60), MOMENT))

    assert "cannot be shown: AttributeError" in found
    assert "Orders 40" in found
    assert "Positions 2/6" in found


def test_stopped_entries_put_the_whole_header_in_reverse() -> None:
    view = a_view(a_memory(entries_stopped="disk full"))

    lines = frame(view, Browsing(), (80, 24), MOMENT)

    assert all(segment.style is not None and segment.style.reverse for line in lines[:3] for segment in line)
    assert "CRITICAL  entries stopped: disk full" in text_of(lines)


def test_an_old_view_says_how_old_it_is() -> None:
    lines = frame(a_busy_view(), Browsing(), (80, 24), replace(MOMENT, age_s=12.0))

    assert "the state of 12 s ago" in text_of(lines)


def test_the_clock_goes_on_between_views_but_never_past_the_next_job() -> None:
    real_time = a_view(facts=replace(a_view().facts, rate=1.0))
    fast = a_view(facts=replace(a_view().facts, rate=1000.0))

    assert "12:00:03 IST" in text_of(frame(real_time, Browsing(), (80, 24), replace(MOMENT, age_s=3.0)))
    assert "12:01:00 IST" in text_of(frame(fast, Browsing(), (80, 24), replace(MOMENT, age_s=3.0)))


def test_columns_are_dropped_in_a_fixed_order() -> None:
    narrow, middle, wide = (
        text_of(frame(a_busy_view(), Browsing(), size, MOMENT)) for size in ((60, 24), (80, 24), (200, 60))
    )

    assert all(title in wide for title in ("made", "avg", "kind", "reason"))
    assert "filled" in middle
    assert "reason" in middle
    assert "kind" not in middle
    assert "filled" not in narrow
    assert "symbol" in narrow


def test_the_detail_names_every_id_of_the_order_and_the_figures_of_its_decision() -> None:
    busy = a_busy_view()
    row = busy.orders[2]
    found = text_of(frame(busy, Browsing(page=Page.DETAIL, selected=row.order.id), (120, 60), MOMENT))

    assert row.decision is not None
    assert len(row.ids) == 3
    assert all(entry.lifecycle_id in found and f"{entry.id_type} {entry.status}" in found for entry in row.ids)
    assert "replaced by MOD358479864791040001  price 998.40" in found
    assert all(re.search(rf"{name} +{value}", found) for name, value in row.decision.figures.items())


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_each_gate_of_the_rollout_stands_there_with_its_figure_and_threshold(size: tuple[int, int]) -> None:
    busy = a_busy_view()
    shown = [
        text_of(frame(busy, Browsing(focus=Focus.ROLLOUT, offset=offset), size, MOMENT))
        for offset in range(len(busy.gates))
    ]

    assert [check.name for check in busy.gates][-2:] == ["fill rate", "average slippage"]
    assert "Rollout 2/5 entry guards" in shown[0]
    for check, found in zip(busy.gates, shown, strict=True):
        assert re.search(rf"{'go' if check.is_go else 'NO-GO'} +{re.escape(check.name)}", found)
        assert check.found in found
        assert check.wanted[:14] in found


@pytest.mark.parametrize("columns", [80, 100, 120, 160, 200])
def test_the_last_line_names_as_many_keys_as_it_holds(columns: int) -> None:
    last = text_of(frame(a_busy_view(), Browsing(), (columns, 40), MOMENT)).splitlines()[-1]
    known = " ".join(binding.shown for binding in BINDINGS)

    assert last.startswith("? help  q quit  tab panel")
    assert ("s save" in last) == (columns >= 160)
    assert all(part in known for key, _ in HINTS if key != "0-5" for part in key.split())


def test_on_the_smallest_screen_a_question_stands_there_whole() -> None:
    question = about_killing(is_killed=False)

    found = text_of(frame(a_busy_view(), Browsing(question=question), (40, 12), MOMENT))

    assert " ".join(found.split("\n", 1)[1].split()) == " ".join(question.shown.split())


@pytest.mark.parametrize("page", [Page.HELP, Page.DETAIL])
def test_a_page_that_goes_on_below_says_so_until_its_end_is_seen(page: Page) -> None:
    busy = a_busy_view()
    place = Browsing(page=page, selected=busy.orders[2].order.id)

    def at(offset: int) -> list[str]:
        return text_of(frame(busy, replace(place, offset=offset), (80, 24), MOMENT)).splitlines()[3:-1]

    first = at(0)
    (told,) = [line for line in first if "more lines below" in line]
    hidden = int(told.split()[2])
    assert first.index(told) == len(first) - 2
    assert not any("more lines below" in line for line in at(hidden))
    assert any(f"{hidden - 1} more lines below" in line for line in at(1))


def test_the_help_names_every_key_of_the_table() -> None:
    found = text_of(frame(a_busy_view(), Browsing(page=Page.HELP), (80, 40), MOMENT))

    assert all(binding.shown in found and binding.does in found for binding in BINDINGS)


def test_an_escape_sequence_in_a_reason_does_not_reach_the_terminal() -> None:
    view = a_view(a_memory([the_order(1, reason="\x1b[2Jgone\u202e")]))

    found = bytes_of(frame(view, Browsing(), (120, 40), MOMENT), Look())

    assert "?[2Jgone?" in found
    assert "\x1b[2J" not in found
