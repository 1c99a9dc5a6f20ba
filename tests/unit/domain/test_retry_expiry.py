"""Until when a failed order can be retried: the specification's own examples, in the calendar of the repository."""

from __future__ import annotations

from datetime import date, time

import pytest

from tests.simulator.world import market
from tradebot.domain.calendar import ist, retry_expiry

EXAMPLES = [
    ("on Monday evening", date(2026, 11, 16), time(16, 5), date(2026, 11, 17)),
    ("on Friday before the open", date(2026, 11, 20), time(9, 1), date(2026, 11, 23)),
    ("on Friday evening", date(2026, 11, 20), time(16, 5), date(2026, 11, 23)),
    ("on Saturday", date(2026, 11, 21), time(12, 0), date(2026, 11, 23)),
    ("on Sunday", date(2026, 11, 22), time(12, 0), date(2026, 11, 23)),
    ("on the eve of a holiday", date(2026, 11, 23), time(16, 5), date(2026, 11, 25)),
    ("on the holiday", date(2026, 11, 24), time(12, 0), date(2026, 11, 25)),
    ("a minute after midnight", date(2026, 11, 17), time(0, 1), date(2026, 11, 18)),
    ("before a Muhurat session on a Sunday", date(2026, 11, 6), time(16, 5), date(2026, 11, 9)),
    ("on the day of a Muhurat session", date(2026, 11, 8), time(18, 30), date(2026, 11, 9)),
    ("between a Muhurat session and a holiday", date(2026, 11, 9), time(16, 5), date(2026, 11, 11)),
    ("before a short session on a Saturday", date(2024, 3, 1), time(16, 5), date(2024, 3, 4)),
    ("before a full session on a Sunday", date(2026, 1, 30), time(16, 5), date(2026, 2, 1)),
    ("a minute before midnight", date(2026, 11, 16), time(23, 59), date(2026, 11, 17)),
]


@pytest.mark.parametrize(
    ("failed_on", "hour", "day"), [case[1:] for case in EXAMPLES], ids=[case[0] for case in EXAMPLES]
)
def test_an_order_that_failed_can_be_retried_until_the_next_full_days_1530(
    failed_on: date, hour: time, day: date
) -> None:
    failed_at = ist(failed_on, hour)

    assert retry_expiry(failed_at, market().calendar) == ist(day, time(15, 30))


def test_another_hour_is_a_setting() -> None:
    failed_at = ist(date(2026, 11, 16), time(16, 5))

    assert retry_expiry(failed_at, market().calendar, time(15, 0)) == ist(date(2026, 11, 17), time(15, 0))
