"""Whatever the broker does wrong: nothing stands twice, nothing is lost, nothing is invented, and doubt is told."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.desks import FACES
from tests.dial_day import Day, play
from tradebot.domain.events import EventName, Level
from tradebot.exchange.dial_box import KINDS

MUTATIONS = "calls=place+modify+cancel"
DIALS = (
    f"answer_lost_before=300,{MUTATIONS}",
    "answer_lost_before=200,calls=order_book+trades+holdings+quote",
    f"answer_lost_after=300,{MUTATIONS}",
    f"timeout_as_400=300,is_carried_out=true,{MUTATIONS}",
    f"timeout_as_400=300,is_carried_out=false,{MUTATIONS}",
    "late=200,delay_s=1.5,calls=place",
    "arrives_late=200,delay_s=1.5",
    "accepted_then_rejected=300",
    f"refused_without_order=300,{MUTATIONS}",
    "stuck_interim=500,stuck_for=90",
    "stale_book=500,age=60",
    "absent_then_present=500,hidden_for=60",
    "empty_book_is_error",
    f"too_many_requests=300,{MUTATIONS}",
    f"unavailable_503=300,is_carried_out=true,{MUTATIONS}",
    f"html_instead=300,is_carried_out=true,{MUTATIONS}",
    "dead_session=30",
    f"wrong_address,{MUTATIONS}",
    "events_missing=500",
    "events_doubled=500",
    "events_reordered=500",
    "events_late_after_final=500",
    "stream_silent",
    "stream_drops,every_s=1",
    "amo_cancel_other_variety",
    "modify_not_taken=500",
    "stops_cancelled",
    "fills_after_cancel=500,delay=60",
    "band_moved=500,percent=5",
    "duplicate_tag_refused",
    "price_zero_filled",
    "ad_hoc_holiday,day=2026-09-16",
)


# The faces take turns; with TRADEBOT_TEST_EVERY_FACE in the environment each dial is turned at both.
EACH_DIAL = [
    (face, dial)
    for number, dial in enumerate(DIALS)
    for turn, face in enumerate(FACES)
    if number % len(FACES) == turn or os.environ.get("TRADEBOT_TEST_EVERY_FACE")
]


def test_every_dial_is_turned() -> None:
    assert {dial.replace("=", ",").partition(",")[0] for dial in DIALS} == set(KINDS)


@pytest.mark.parametrize("face", FACES)
def test_a_day_without_faults_is_busy_and_leaves_nothing_in_doubt(face: str, tmp_path: Path) -> None:
    day = play(face, tmp_path, "")
    assert_honest(day)
    assert len(day.database.attempts) >= 10
    assert len(day.database.fills) >= 5
    assert not [attempt for attempt in day.database.attempts if attempt.status == "unknown"]


@pytest.mark.parametrize(("face", "dial"), EACH_DIAL)
def test_with_a_dial_turned_up_both_books_say_the_same_or_doubt_is_told(face: str, dial: str, tmp_path: Path) -> None:
    assert_honest(play(face, tmp_path, dial))


def assert_honest(day: Day) -> None:
    assert [str(finding) for finding in day.report.findings] == []
    tags = Counter(order.tag for order in day.exchange.orders)
    assert max(tags.values(), default=0) <= 1
    doubtful = {attempt.symbol for attempt in day.database.attempts if attempt.status == "unknown"}
    told = {
        str(event.fields["symbol"])
        for event in day.told(EventName.ORDER_UNCERTAIN)
        if event.level in (Level.WARNING, Level.CRITICAL)
    }
    assert doubtful <= told
    standing = {order.symbol for order in day.exchange.orders if order.tag}
    known = {attempt.coid for attempt in day.database.attempts}
    assert {order.tag for order in day.exchange.orders} <= known, standing
