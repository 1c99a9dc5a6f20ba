"""A day of the campaign, and a death on it, as words that make exactly the same again on any machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from tests.simulator.campaign import Death, Report, Unbroken, die_so, live_through
from tests.simulator.days import DAYS, SIGNALS_PER_DAY
from tests.simulator.disk import CRASH_KINDS
from tests.simulator.faults import FAULTS, Faults
from tests.simulator.sabotage import Sabotage
from tests.simulator.world import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`day` and `faults` by name. `dials` and `acts` are what is left of them, None for all; `minutes` is how long the
    day is, None for the whole of it; `sabotage` is the name of a rule that is broken on purpose."""

    day: str
    faults: str
    seed: int
    signals: int = SIGNALS_PER_DAY
    dials: tuple[str, ...] | None = None
    acts: tuple[str, ...] | None = None
    minutes: int | None = None
    sabotage: str = ""

    def __str__(self) -> str:
        words = [f"{self.day}:{self.faults}:{self.seed}"]
        words += [f"signals={self.signals}"] if self.signals != SIGNALS_PER_DAY else []
        words += [f"dials={'+'.join(self.dials)}"] if self.dials is not None else []
        words += [f"acts={'+'.join(self.acts)}"] if self.acts is not None else []
        words += [f"minutes={self.minutes}"] if self.minutes is not None else []
        words += [f"sabotage={self.sabotage}"] if self.sabotage else []
        return " ".join(words)

    @classmethod
    def named(cls, text: str) -> Case:
        """Raises ValueError, with what is allowed, for a text that names none."""
        name, _, more = text.partition(" ")
        day, faults, seed = (*name.split(":"), "", "", "")[:3]
        if day not in DAYS or faults not in FAULTS or not seed.isdigit():
            raise ValueError(f"{text}: day:faults:seed, a day of {', '.join(DAYS)}, faults of {', '.join(FAULTS)}")
        given = _given(more)
        return cls(
            day=day,
            faults=faults,
            seed=int(seed),
            signals=int(given.get("signals", SIGNALS_PER_DAY)),
            dials=_several(given.get("dials")),
            acts=_several(given.get("acts")),
            minutes=int(given["minutes"]) if "minutes" in given else None,
            sabotage=given.get("sabotage", ""),
        )

    @property
    def scenario(self) -> Scenario:
        made = DAYS[self.day](self.seed, self._faults(), self.signals)
        if self.acts is not None:
            made = replace(made, acts=[act for act in made.acts if act.name in self.acts])
        if self.minutes is not None:
            made = replace(made, end=made.start + timedelta(minutes=self.minutes))
        return replace(made, sabotage=Sabotage[self.sabotage]) if self.sabotage else made

    @property
    def unbroken(self) -> Scenario:
        """The same day under the rules of the house."""
        return replace(self.scenario, sabotage=None)

    def _faults(self) -> Faults:
        faults = FAULTS[self.faults]
        if self.dials is None:
            return faults
        return replace(faults, dials=[dial for dial in faults.dials if dial.name in self.dials])


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One death on one day."""

    case: Case
    death: Death

    def __str__(self) -> str:
        again = f" again={'+'.join(map(str, self.death.again))}" if self.death.again else ""
        return f"{self.case} effect={self.death.effect} kind={self.death.kind}{again}"

    @classmethod
    def named(cls, text: str) -> Point:
        """Raises ValueError, with what is allowed, for a text that names none."""
        given = _given(text)
        kind = next((kind for kind in CRASH_KINDS if kind == given.get("kind")), None)
        if kind is None or not given.get("effect", "").isdigit():
            raise ValueError(f"{text}: effect=NUMBER kind={'|'.join(CRASH_KINDS)}")
        again = tuple(int(number) for number in _several(given.get("again")) or ())
        return cls(case=Case.named(text), death=Death(effect=int(given["effect"]), kind=kind, again=again))

    def die(self) -> Report:
        """That death once more."""
        unbroken, _ = live_through(self.case.unbroken, lambda _: False)
        return self.die_beside(unbroken)

    def die_beside(self, unbroken: Unbroken) -> Report:
        _, moments = live_through(self.case.scenario, lambda index: index == self.death.effect)
        report = Report()
        for moment in moments:
            die_so(self.case.scenario, moment, unbroken, self.death, report)
        return report


def _given(text: str) -> Mapping[str, str]:
    pairs = (word.partition("=") for word in text.split(" ") if "=" in word)
    return {name: value for name, _, value in pairs}


def _several(words: str | None) -> tuple[str, ...] | None:
    return None if words is None else tuple(word for word in words.split("+") if word)
