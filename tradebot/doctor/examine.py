"""All checks, in the order in which they are shown; each stands alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tradebot.doctor import books, broker, ground, rules
from tradebot.doctor.evidence import Evidence, gather
from tradebot.doctor.findings import bad
from tradebot.doctor.place import Place
from tradebot.interfaces.text.examination import Area, Finding

Check = Callable[[Evidence], Finding]

CHECKS: tuple[Check, ...] = (
    rules.settings,
    rules.market_files,
    rules.calendar_horizon,
    rules.corporate_actions,
    ground.folders,
    ground.modes,
    ground.disk_space,
    ground.sync_cost,
    ground.clock,
    ground.daemon,
    books.database,
    books.registry,
    books.exchange,
    books.books_agree,
    books.unanswered_requests,
    books.unknown_attempts,
    books.failed_orders,
    books.scheduler,
)


def examine(place: Place) -> Sequence[Finding]:
    """Every check's finding; nothing in the home is changed but a file of our own, which is removed again."""
    evidence = gather(place)
    checks = (*CHECKS, *broker.CHECKS) if broker.is_live(evidence) else CHECKS
    return [_run(check, evidence) for check in checks]


def _run(check: Check, evidence: Evidence) -> Finding:
    """A home that is broken in a way nobody foresaw must not keep the other checks from being told."""
    what = check.__name__.replace("_", " ")
    try:
        return check(evidence)
    except OSError as error:
        todo = "give the home to the user who runs tradebot, and run the doctor as that user"
        return bad(Area.FOLDERS, what, f"could not be looked at: {error}", todo)
    except Exception as error:
        detail = f"could not be looked at: {type(error).__name__}: {error}"
        return bad(Area.BOOKS, what, detail, "a defect of the doctor itself: report it with this line")
