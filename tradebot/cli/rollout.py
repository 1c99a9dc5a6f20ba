"""`main.py rollout`: where the staged rollout stands, each gate's figure, and the steps forward and back."""

from __future__ import annotations

import argparse
import os
import sys

from tradebot.adapters.disk import RealDisk
from tradebot.adapters.timekeeping.real import RealClock
from tradebot.app.configuration import ConfigSource
from tradebot.app.rollout import Edit, NotGo, Outlook, Rollout
from tradebot.cli.exit_codes import ExitCode
from tradebot.domain.rollout import PHASES, phase_of
from tradebot.interfaces.text.table import table


def show_rollout(options: argparse.Namespace) -> int:
    """The phase at hand, each line of its gate, and go or no-go."""
    disk = RealDisk()
    outlook = _rollout(options, disk).outlook()
    disk.close()
    print("\n".join(_told(outlook)))
    return ExitCode.OK


def step(options: argparse.Namespace) -> int:
    """One step; what it changed in the file, and the copy of the file as it was."""
    disk = RealDisk()
    rollout = _rollout(options, disk)
    try:
        if options.step == "start":
            edit = rollout.start()
        elif options.step == "next":
            edit = rollout.next(options.force)
        else:
            edit = rollout.back(options.group)
    except NotGo as error:
        print(f"tradebot: {error}", file=sys.stderr)
        return ExitCode.REFUSED
    finally:
        disk.close()
    print("\n".join(_done(edit)))
    return ExitCode.OK


def _rollout(options: argparse.Namespace, disk: RealDisk) -> Rollout:
    source = ConfigSource(folder=options.config.absolute().parent, environ=dict(os.environ))
    return Rollout(source, options.home.absolute(), disk, RealClock())


def _told(outlook: Outlook | None) -> list[str]:
    if outlook is None:
        return [
            f"no rollout was begun: all flags are as the file says (phase {len(PHASES)}, {PHASES[-1].name})",
            "`main.py rollout start` begins with phase 1, which only observes for an hour",
        ]
    standing, phase = outlook.standing, phase_of(outlook.standing.phase)
    observing = ", observing only" if outlook.is_observing else ""
    lines = [
        f"phase {phase.number} of {len(PHASES)}: {phase.name}{observing}, since {standing.since:%Y-%m-%d %H:%M} UTC"
    ]
    forced = [step for step in standing.steps if step.forced]
    if forced:
        lines.append(f"forced on {forced[-1].at:%Y-%m-%d %H:%M} UTC: {forced[-1].forced}")
    if phase.number == len(PHASES) and not outlook.is_observing:
        return [*lines, "the rollout is complete"]
    rows = [("go" if check.is_go else "NO-GO", check.name, check.found, check.wanted) for check in outlook.checks]
    lines += ["", table(("", "gate", "found", "wanted"), rows), ""]
    if outlook.is_go:
        return [*lines, "go: `main.py rollout next` is your yes"]
    return [*lines, "no-go"]


def _done(edit: Edit) -> list[str]:
    phase = phase_of(edit.standing.phase)
    lines = [f"phase {phase.number}: {phase.name}"]
    lines += [f"  {name}: {old} -> {new}" for name, old, new in edit.changes] or ["  nothing had to be changed"]
    if edit.restart:
        lines.append(f"a restart is needed for {', '.join(edit.restart)}")
    return [*lines, f"the file as it was: {edit.backup}"]
