"""The days of the campaign: what happens on them without any death, by name. Each is made from a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal

from tests.simulator.baskets import a_basket_trader
from tests.simulator.faults import NO_FAULTS, Faults
from tests.simulator.protected import a_careful_holder
from tests.simulator.script import a_meddling_operator, a_trading_operator
from tests.simulator.world import Edit, Scenario, history
from tradebot.domain.calendar import ist
from tradebot.domain.policy import DayTimes, ExitRules, GuardMode, Policy, QuoteLimits, RiskLimits
from tradebot.strategies.generator import Generator

EVENING, DAY = date(2026, 9, 9), date(2026, 9, 10)
SIGNALS_PER_DAY = 16
DAYS_IN_A_MARKET = 4


def busy_day(seed: int = 1, faults: Faults = NO_FAULTS, signals: int = SIGNALS_PER_DAY) -> Scenario:
    """About 30 orders from one evening to the next: entries, fills in the auction and later, targets, exits, ends."""
    return Scenario(
        start=ist(EVENING, time(16, 0)),
        end=ist(DAY, time(18, 30)),
        policy=_policy(),
        strategies=lambda: [Generator(seed=seed, signals_per_day=signals)],
        seed=seed,
        market_seed=1 + seed // DAYS_IN_A_MARKET,
        faults=faults,
    )


def meddled_day(seed: int = 1, faults: Faults = NO_FAULTS, signals: int = SIGNALS_PER_DAY) -> Scenario:
    """The busy day with an operator who cancels, pauses, resumes, drops, and gives orders."""
    return replace(busy_day(seed, faults, signals), acts=a_meddling_operator(_at(9, 15)))


def traded_day(seed: int = 1, faults: Faults = NO_FAULTS, signals: int = SIGNALS_PER_DAY) -> Scenario:
    """The busy day with an operator who modifies, tries failed orders again, protects, closes and exits."""
    return replace(busy_day(seed, faults, signals), acts=a_trading_operator(_at(9, 15)), is_alike=False)


def edited_day(seed: int = 1, faults: Faults = NO_FAULTS, signals: int = SIGNALS_PER_DAY) -> Scenario:
    """The busy day on which the configuration is edited: before the placement, after the open, and at noon."""
    smaller = replace(_policy(), capital_per_trade=Decimal(12_000))
    closer = replace(smaller, exits=ExitRules(stop_floor_pct=Decimal("0.2"), trail_arm_pct=Decimal("0.2")))
    fewer = replace(closer, risk=replace(closer.risk, positions_max=1))
    edits = (
        Edit(at=ist(EVENING, time(16, 2)), policy=smaller),
        Edit(at=_at(9, 20), policy=closer),
        Edit(at=_at(12, 0), policy=fewer),
    )
    return replace(busy_day(seed, faults, signals), edits=edits)


def restarted_day(seed: int = 1, faults: Faults = NO_FAULTS, signals: int = SIGNALS_PER_DAY) -> Scenario:
    """The busy day with orderly stops: around the placement, in the morning, and while orders stand."""
    evening = [ist(EVENING, at) for at in (time(16, 3), time(16, 5), time(16, 20))]
    return replace(
        busy_day(seed, faults, signals), stops=(*evening, _at(8, 30), _at(9, 16), _at(11, 1), _at(15, 35), _at(18, 1))
    )


def basket_morning(seed: int = 1, faults: Faults = NO_FAULTS, _signals: int = 0) -> Scenario:
    """A morning of baskets; the operator's limits are wide, so that the exchange is the one that refuses."""

    def close(symbol: str) -> Decimal:
        return history(seed).bars(symbol, DAY, 1)[-1].close

    end = _at(10, 30) if faults is NO_FAULTS else _at(12, 0)
    return replace(_by_hand(seed, faults), end=end, acts=a_basket_trader(_at(9, 15), close))


def protected_day(seed: int = 1, faults: Faults = NO_FAULTS, _signals: int = 0, *, closes: bool = False) -> Scenario:
    """A day of three holdings with stops, and an order that is changed. A close sells at the price of the minute in
    which it comes to it: then no two lives are alike."""
    scenario = _by_hand(seed, faults)
    close = history(scenario.market_seed).bars("TCS", DAY, 1)[-1].close
    return replace(scenario, acts=a_careful_holder(_at(9, 15), close, closes=closes), is_alike=not closes)


def closed_day(seed: int = 1, faults: Faults = NO_FAULTS, _signals: int = 0) -> Scenario:
    """The day with stops, and a close of what stands behind one."""
    return protected_day(seed, faults, closes=True)


def _by_hand(seed: int, faults: Faults) -> Scenario:
    wide = Decimal(10) ** 12
    return Scenario(
        start=_at(9, 20),
        end=_at(15, 50),
        policy=Policy(
            risk=RiskLimits(
                positions_max=50,
                trades_per_day_max=500,
                exposure_pct_max=wide,
                symbol_exposure_pct_max=wide,
                order_notional_max=wide,
                gross_per_day_max=wide,
                cash_reserve_min=-wide,
            ),
            quotes=QuoteLimits(spread=GuardMode.OFF, depth=GuardMode.OFF, slippage=GuardMode.OFF),
            exits=ExitRules(use_stop=False, use_trailing=False),
            times=DayTimes(cycle_minutes=15),
        ),
        strategies=list,
        seed=seed,
        market_seed=seed,
        faults=faults,
    )


Make = Callable[[int, Faults, int], Scenario]

DAYS: dict[str, Make] = {
    "busy": busy_day,
    "meddled": meddled_day,
    "traded": traded_day,
    "baskets": basket_morning,
    "protected": protected_day,
    "closed": closed_day,
    "edited": edited_day,
    "restarted": restarted_day,
}


def _policy() -> Policy:
    return Policy(
        capital_per_trade=Decimal(20_000),
        risk=RiskLimits(positions_max=50, trades_per_day_max=500),
        times=DayTimes(cycle_minutes=15),
    )


def _at(hour: int, minute: int) -> datetime:
    return ist(DAY, time(hour, minute))
