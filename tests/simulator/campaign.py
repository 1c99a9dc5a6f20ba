"""Deaths at every effect of a day: each one restored, restarted, settled and compared with the unbroken day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time
from decimal import Decimal

from tests.simulator.audited import findings
from tests.simulator.baskets import a_basket_trader
from tests.simulator.disk import CRASH_KINDS, CrashKind, seeded
from tests.simulator.faults import NO_FAULTS, Faults
from tests.simulator.outcome import Outcome, outcome
from tests.simulator.protected import a_careful_holder
from tests.simulator.script import a_meddling_operator
from tests.simulator.standing import Standings
from tests.simulator.witness import missing_witnesses
from tests.simulator.world import Moment, Scenario, Tracer, World, history
from tradebot.domain.calendar import ist
from tradebot.domain.policy import DayTimes, ExitRules, GuardMode, Policy, QuoteLimits, RiskLimits
from tradebot.strategies.generator import Generator

SIGNALS_PER_DAY = 16
TO_THE_END_EVERY = 20
"""Every so many points one lives to the end of the day, even where it stands like the unbroken one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """A point: where the process died, what the power cut did to the disk, and where it died again, if it did."""

    effect: int
    kind: CrashKind
    again: int | None = None

    def __str__(self) -> str:
        again = "" if self.again is None else f", again at effect {self.again} of the recovery"
        return f"death at effect {self.effect} ({self.kind}){again}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbroken:
    """The day without a death: how it ends, and how it stands at each instant on the way."""

    outcome: Outcome
    standings: Standings


@dataclass(slots=True)
class Report:
    """How many points were tried, and what went wrong at which."""

    points: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, death: Death, effect: str, differences: Sequence[str]) -> None:
        self.points += 1
        if differences:
            self.failures.append(f"{death}, before '{effect}': " + " | ".join(differences))


def busy_day(seed: int = 1, faults: Faults = NO_FAULTS) -> Scenario:
    """About 30 orders from one evening to the next: entries, fills in the auction and later, targets, exits, ends."""
    return Scenario(
        start=ist(date(2026, 9, 9), time(16, 0)),
        end=ist(date(2026, 9, 10), time(18, 30)),
        policy=Policy(
            capital_per_trade=Decimal(20_000),
            risk=RiskLimits(positions_max=50, trades_per_day_max=500),
            times=DayTimes(cycle_minutes=15),
        ),
        strategies=lambda: [Generator(seed=seed, signals_per_day=SIGNALS_PER_DAY)],
        seed=seed,
        faults=faults,
    )


def meddled_day(seed: int = 1, faults: Faults = NO_FAULTS) -> Scenario:
    """The busy day with an operator who cancels, pauses, resumes, drops, and gives orders."""
    return replace(busy_day(seed, faults), acts=a_meddling_operator(ist(date(2026, 9, 10), time(9, 15))))


def basket_morning(seed: int = 1) -> Scenario:
    """A morning of baskets, and no signals; the operator's limits are wide, so that the exchange is the one that
    refuses."""
    day = date(2026, 9, 10)

    def close(symbol: str) -> Decimal:
        return history(seed).bars(symbol, day, 1)[-1].close

    morning = _by_hand(seed, day)
    return replace(morning, end=ist(day, time(10, 30)), acts=a_basket_trader(ist(day, time(9, 15)), close))


def protected_day(seed: int = 1, *, closes: bool = False) -> Scenario:
    """A day of three holdings with stops, and no signals. A close sells at the price of the minute in which it comes
    to it: then no two lives are alike."""
    day = date(2026, 9, 10)
    acts = a_careful_holder(ist(day, time(9, 15)), closes=closes)
    return replace(_by_hand(seed, day), acts=acts, is_alike=not closes)


def _by_hand(seed: int, day: date) -> Scenario:
    wide = Decimal(10) ** 12
    return Scenario(
        start=ist(day, time(9, 20)),
        end=ist(day, time(15, 50)),
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
    )


def live_through(scenario: Scenario, wants: Callable[[int], bool] = lambda _: True) -> tuple[Unbroken, list[Moment]]:
    """The unbroken day, and the moment before each effect that is wanted."""
    tracer = Tracer(wants)
    world = World(scenario, tracer, keeps_standings=True)
    world.run()
    return Unbroken(outcome=outcome(world), standings=world.standings), tracer.moments


def die_at(scenario: Scenario, moments: Sequence[Moment], unbroken: Unbroken, kinds: Sequence[CrashKind]) -> Report:
    """Every moment with every kind of power cut: checked as it lies there, then restarted and settled."""
    report = Report()
    for moment, kind in _each(moments, kinds):
        death = Death(effect=moment.index, kind=kind)
        restored = replace(moment, disk=moment.disk.crash(kind, seeded(moment.index)))
        differences = missing_witnesses(restored) + _settle(scenario, restored, unbroken, death)
        report.add(death, moment.effect, differences)
    return report


def die_twice(
    scenario: Scenario, moments: Sequence[Moment], unbroken: Unbroken, kind: CrashKind, again_every: int
) -> Report:
    """The same, and the restarted process dies too, at each `again_every`-th of its first effects."""
    report = Report()
    for moment in moments:
        restored = replace(moment, disk=moment.disk.crash(kind, seeded(moment.index)))
        tracer = Tracer(lambda index: index < RECOVERY_EFFECTS and index % again_every == 0)
        World(scenario, tracer, restored).run(unbroken.standings)
        for second in tracer.moments:
            death = Death(effect=moment.index, kind=kind, again=second.index)
            cut = replace(second, disk=second.disk.crash(kind, seeded(second.index)))
            report.add(death, second.effect, _settle(scenario, cut, unbroken, death))
    return report


RECOVERY_EFFECTS = 40


def alternating(index: int) -> tuple[CrashKind, ...]:
    """A kill, and one kind of power cut that differs from effect to effect: for runs that have little time."""
    cuts = CRASH_KINDS[1:]
    return ("process", cuts[index % len(cuts)])


def _settle(scenario: Scenario, moment: Moment, unbroken: Unbroken, death: Death) -> list[str]:
    """What differs at the end of the day; one that stands like the unbroken day ends there, and is audited there.

    Where no two lives are alike, as under faults, the auditor alone judges, at the end of the day."""
    world = World(scenario, Tracer(), moment)
    is_alike = scenario.is_alike and not scenario.faults.dials
    lives_on = not is_alike or (death.effect + (death.again or 0)) % TO_THE_END_EVERY == 0
    try:
        is_at_end = world.run(None if lives_on else unbroken.standings)
    except Exception as error:
        return [f"the restart fails: {type(error).__name__}: {error}"]
    differences = outcome(world).differences(unbroken.outcome) if is_at_end and is_alike else []
    return differences + findings(world)


def _each(moments: Sequence[Moment], kinds: Sequence[CrashKind]) -> Iterator[tuple[Moment, CrashKind]]:
    return ((moment, kind) for moment in moments for kind in kinds)
