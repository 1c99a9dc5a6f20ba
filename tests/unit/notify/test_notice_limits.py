"""Never more messages than allowed, and nothing critical that is lost by it."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOON, later
from tradebot.domain.notice_limits import NoticeLimits, is_given_up, is_quiet, next_messages
from tradebot.domain.notices import Notice, Topic
from tradebot.domain.outbox import OutboxEntry, OutboxKind, outbox_entry

LIMITS = NoticeLimits()


def an_entry(number: int, *, is_critical: bool = False, at: datetime = NOON, body: str = "body") -> OutboxEntry:
    notice = Notice(topic=Topic.EXECUTED, key=str(number), is_critical=is_critical, title=f"title {number}", body=body)
    return outbox_entry(
        OutboxKind.NOTIFICATION,
        target="mail",
        topic=notice.topic,
        key=notice.key,
        payload=notice.payload(),
        at=at,
        is_critical=is_critical,
    )


def test_a_few_messages_go_out_one_by_one() -> None:
    entries = [an_entry(number) for number in range(3)]

    messages = next_messages(entries, [], NOON, LIMITS)

    assert [message.title for message in messages] == ["title 0", "title 1", "title 2"]


def test_what_is_over_the_limit_comes_in_one_digest() -> None:
    messages = next_messages([an_entry(number) for number in range(30)], [], NOON, LIMITS)

    assert len(messages) == 8  # ten, two of them kept for what is critical
    assert messages[-1].title == "23 messages in one"
    assert messages[-1].body.splitlines()[0] == "- title 7"
    assert len(messages[-1].entries) == 23


def test_a_critical_one_finds_room_when_the_others_have_used_theirs() -> None:
    sent = [later(seconds=-1)] * 8

    messages = next_messages([an_entry(1), an_entry(2, is_critical=True)], sent, NOON, LIMITS)

    assert [message.title for message in messages] == ["title 2"]


def test_a_digest_of_critical_ones_has_every_word_of_them() -> None:
    entries = [an_entry(number, is_critical=True, body=f"reason {number}") for number in range(40)]

    messages = next_messages(entries, [], NOON, LIMITS)

    assert len(messages) == 10
    said = "\n".join(f"{message.title}\n{message.body}" for message in messages)
    assert all(f"title {number}\n" in said and f"reason {number}" in said for number in range(40))


def test_what_has_no_place_in_a_digest_waits_for_the_next() -> None:
    entries = [an_entry(number, is_critical=True, body="x" * 1_000) for number in range(40)]

    messages = next_messages(entries, [], NOON, LIMITS)

    told = [entry for message in messages for entry in message.entries]
    assert told == entries[: len(told)]
    assert len(told) < 40
    assert messages[-1].title == f"{len(messages[-1].entries)} of 31 messages"


def test_at_the_limit_everything_waits() -> None:
    sent = [later(seconds=-30)] * 10

    assert next_messages([an_entry(1, is_critical=True)], sent, NOON, LIMITS) == []
    assert next_messages([an_entry(1, is_critical=True)], [later(-30)] * 100, NOON, LIMITS) == []


@pytest.mark.parametrize(
    ("begin", "end", "quiet", "loud"),
    [
        (time(22, 0), time(7, 0), ["22:00", "23:59", "00:00", "06:59"], ["07:00", "12:00", "21:59"]),
        (time(12, 0), time(13, 0), ["12:00", "12:59"], ["11:59", "13:00"]),
        (time(0, 0), time(0, 0), [], ["00:00", "12:00", "23:59"]),
    ],
)
def test_quiet_hours_are_indian_and_may_go_over_midnight(
    begin: time, end: time, quiet: list[str], loud: list[str]
) -> None:
    limits = NoticeLimits(quiet_from=begin, quiet_until=end)

    found = {word: is_quiet(_at(word), limits) for word in quiet + loud}

    assert found == dict.fromkeys(quiet, True) | dict.fromkeys(loud, False)


def test_quiet_hours_hold_back_what_is_not_critical() -> None:
    limits = NoticeLimits(quiet_from=time(11, 0), quiet_until=time(13, 0))

    messages = next_messages([an_entry(1), an_entry(2, is_critical=True)], [], NOON, limits)

    assert [message.title for message in messages] == ["title 2"]


def test_what_waits_is_given_up_after_a_day_and_critical_ones_after_a_week() -> None:
    assert is_given_up(an_entry(1), later(24 * 60))
    assert not is_given_up(an_entry(1, is_critical=True), later(6 * 24 * 60))
    assert is_given_up(an_entry(1, is_critical=True), later(7 * 24 * 60))


@given(
    st.lists(st.tuples(st.integers(0, 7_200), st.booleans()), max_size=200),
    st.integers(1, 12),
    st.integers(5, 60),
)
def test_no_minute_and_no_hour_has_more_than_allowed_and_all_critical_ones_arrive(
    arrivals: list[tuple[int, bool]], per_minute: int, per_hour: int
) -> None:
    limits = NoticeLimits(per_minute=per_minute, per_hour=per_hour)
    coming = sorted(
        (an_entry(n, is_critical=critical, at=later(seconds=s)) for n, (s, critical) in enumerate(arrivals)),
        key=lambda entry: entry.created_at,
    )
    waiting: list[OutboxEntry] = []
    sent: list[datetime] = []
    told: list[OutboxEntry] = []
    now = NOON
    while coming or (waiting and now < later(seconds=7_200 + 4 * 3_600)):
        while coming and coming[0].created_at <= now:
            waiting.append(coming.pop(0))
        for message in next_messages(waiting, sent, now, limits):
            sent.append(now)
            told += message.entries
            waiting = [entry for entry in waiting if entry not in message.entries]
        now += timedelta(seconds=20)

    assert not [entry for entry in waiting if entry.is_critical]
    assert len({entry.id for entry in told}) == len(told)
    for at in sent:
        assert sum(timedelta(0) <= at - other < timedelta(minutes=1) for other in sent) <= per_minute
        assert sum(timedelta(0) <= at - other < timedelta(hours=1) for other in sent) <= per_hour


def _at(word: str) -> datetime:
    hour, minute = word.split(":")
    return datetime.fromisoformat(f"2026-11-16T{hour}:{minute}:00+05:30")
