"""The staged rollout: which flags each phase switches on, and the gate that has to be passed before the next one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

OBSERVE_ONLY = "OBSERVE_ONLY"
OBSERVED_FIRST = timedelta(hours=1)
"""So long the first phase only observes."""

QUIET = timedelta(hours=24)
"""So long there must have been no critical error before any gate."""

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the bot's own records say of a span of time; None where nothing was recorded."""

    since: datetime
    until: datetime
    duplicates: int = 0
    silences: int = 0
    last_critical_at: datetime | None = None
    entries_finished: int = 0
    entries_filled: int = 0
    slippage_bps: Decimal | None = None
    memory_mb: Decimal | None = None
    ui_cpu_pct: Decimal | None = None

    @property
    def fill_rate_pct(self) -> Decimal | None:
        if not self.entries_finished:
            return None
        return (Decimal(self.entries_filled) * 100 / self.entries_finished).quantize(_CENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of a gate: what was found, what is wanted, and whether that is a go."""

    name: str
    found: str
    wanted: str
    is_go: bool


Condition = Callable[[Figures, Figures | None], Check]
"""From the figures of this phase and of the one before; None where there was none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    number: int
    name: str
    flags: tuple[str, ...]
    lasts: timedelta = timedelta(0)
    conditions: Sequence[Condition] = field(default=())


def no_duplicate(now: Figures, before: Figures | None) -> Check:  # noqa: ARG001 (a condition's shape)
    return Check(name="duplicates", found=str(now.duplicates), wanted="0", is_go=now.duplicates == 0)


def no_deadlock(now: Figures, before: Figures | None) -> Check:  # noqa: ARG001 (a condition's shape)
    return Check(name="silences of the engine", found=str(now.silences), wanted="0", is_go=now.silences == 0)


def fill_rate_holds(now: Figures, before: Figures | None) -> Check:
    was = before.fill_rate_pct if before is not None else None
    found = now.fill_rate_pct
    wanted = "a figure of the phase before" if was is None else f"more than {was * Decimal('0.9'):.2f} % (was {was} %)"
    is_go = was is not None and found is not None and found > was * Decimal("0.9")
    return Check(name="fill rate", found=_shown(found, "%"), wanted=wanted, is_go=is_go)


def slippage_falls(now: Figures, before: Figures | None) -> Check:
    was = before.slippage_bps if before is not None else None
    wanted = "a figure of the phase before" if was is None else f"less than {was} bps"
    is_go = was is not None and now.slippage_bps is not None and now.slippage_bps < was
    return Check(name="average slippage", found=_shown(now.slippage_bps, "bps"), wanted=wanted, is_go=is_go)


def memory_holds(now: Figures, before: Figures | None) -> Check:
    was = before.memory_mb if before is not None else None
    wanted = "a figure of the phase before" if was is None else f"less than {was + 10} MB (was {was} MB)"
    is_go = was is not None and now.memory_mb is not None and now.memory_mb < was + 10
    return Check(name="memory", found=_shown(now.memory_mb, "MB"), wanted=wanted, is_go=is_go)


def processor_holds(now: Figures, before: Figures | None) -> Check:
    was = (before.ui_cpu_pct if before is not None else None) or Decimal(0)
    is_go = now.ui_cpu_pct is not None and now.ui_cpu_pct < was + 5
    return Check(
        name="processor of the terminal",
        found=_shown(now.ui_cpu_pct, "%"),
        wanted=f"less than {was + 5} %",
        is_go=is_go,
    )


PHASES = (
    Phase(
        number=1,
        name="core safety",
        flags=(
            "ENABLE_ORDER_FLOW_HARDENING",
            "ENABLE_COID_MANAGER",
            "ENABLE_STARTUP_RECONCILE",
            "USE_FIRST_FILL_TS_FOR_TTL",
            "ENABLE_SYMBOL_LOCKS",
        ),
        lasts=timedelta(hours=24),
        conditions=(no_duplicate, no_deadlock),
    ),
    Phase(
        number=2,
        name="entry guards",
        flags=(
            "ENABLE_ENTRY_SLIPPAGE_GUARD",
            "ENABLE_SPREAD_GUARD_ENTRY",
            "ENABLE_DEPTH_GUARD_ENTRY",
            "ENABLE_CONSOLIDATED_ENTRY_GUARDS",
        ),
        lasts=timedelta(hours=48),
        conditions=(fill_rate_holds, slippage_falls),
    ),
    Phase(
        number=3,
        name="telemetry and exits",
        flags=("ENABLE_FILL_TELEMETRY", "ENABLE_CONSOLIDATED_EXITS"),
        lasts=timedelta(hours=48),
        conditions=(memory_holds,),
    ),
    Phase(
        number=4,
        name="terminal UI",
        flags=("ENABLE_RICH_LOGGING", "ENABLE_LIVE_MONITORS", "ENABLE_LIVE_HEARTBEAT", "ENABLE_LIVE_DASHBOARD"),
        lasts=timedelta(hours=48),
        conditions=(processor_holds,),
    ),
    Phase(number=5, name="full", flags=("ENABLE_RATE_LIMITING", "ENABLE_COALESCING", "ENABLE_SOFT_TTL_CACHE")),
)

GROUPS: Mapping[str, tuple[str, ...]] = {
    "guards": PHASES[1].flags,
    "telemetry": ("ENABLE_FILL_TELEMETRY",),
    "ui": PHASES[3].flags,
}
"""What `rollout back` switches off by a word."""

_PHASE_OF = {"guards": 1, "telemetry": 2, "ui": 3}


def phase_of(number: int) -> Phase:
    return PHASES[number - 1]


def flags_in(number: int) -> dict[str, bool]:
    """Every flag of the rollout as it stands in a phase."""
    return {flag: phase.number <= number for phase in PHASES for flag in phase.flags}


def phase_after(group: str, current: int) -> int:
    """Where the rollout stands when a group is switched off."""
    return min(current, _PHASE_OF[group])


def gate(phase: Phase, now: Figures, before: Figures | None, *, is_observing: bool) -> list[Check]:
    """Everything that has to be a go before the next phase; while it only observes, before it sends."""
    lasted = now.until - now.since
    wanted = OBSERVED_FIRST if is_observing else phase.lasts
    quiet_since = now.until - QUIET
    is_quiet = now.last_critical_at is None or now.last_critical_at <= quiet_since
    checks = [
        Check(
            name="observed" if is_observing else "time in this phase",
            found=f"{lasted.total_seconds() / 3600:.1f} h",
            wanted=f"{wanted.total_seconds() / 3600:.0f} h",
            is_go=lasted >= wanted,
        ),
        Check(
            name="last critical error",
            found="none" if now.last_critical_at is None else f"{now.last_critical_at:%Y-%m-%d %H:%M} UTC",
            wanted="none for 24 h",
            is_go=is_quiet,
        ),
    ]
    if is_observing:
        return checks
    return [*checks, *(condition(now, before) for condition in phase.conditions)]


def _shown(figure: Decimal | None, unit: str) -> str:
    return "nothing recorded" if figure is None else f"{figure} {unit}"
