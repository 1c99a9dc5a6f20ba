"""The simulated exchange's own parameters: how much of the market's volume our orders get, and the broker's habits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeSettings:
    """What a run is made with; two runs agree only when these agree.

    `print_share_pct`: of one print's quantity, what all our resting orders of one side together may get; drawn anew
    for each print between half and one and a half times this figure.
    `opening_share_bps`, `closing_share_bps`: of the day's volume, what the auctions give us, in 1/100 per cent.
    `depth_share_pct_max`: one level of the book shows at most this much of the last print's quantity.
    `day_ends_at`: IST, when bought shares are delivered and the books are folded; later where the session is.
    `book_turns_at`: IST, when the finished orders of the day before leave the order book.
    `archive_dates_max`: of how many order dates finished orders are kept in memory; the books keep all.
    """

    print_share_pct: int = 20
    opening_share_bps: int = 100
    closing_share_bps: int = 100
    depth_share_pct_max: int = 60
    refuses_duplicate_tag: bool = False
    modifications_max: int = 25
    day_ends_at: time = time(17, 30)
    book_turns_at: time = time(6, 0)
    archive_dates_max: int = 800
