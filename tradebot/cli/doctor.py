"""`main.py doctor`: what is wrong with a home, without changing it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from tradebot.adapters.timekeeping.real import RealClock
from tradebot.cli.exit_codes import ExitCode
from tradebot.doctor import Place, examine
from tradebot.interfaces.text.examination import Area, Finding, Level, examination

_WORST_FIRST = (
    (Area.BOOKS, ExitCode.STATE_CORRUPT),
    (Area.FOLDERS, ExitCode.FOLDER),
    (Area.CONFIGURATION, ExitCode.CONFIGURATION),
)


def doctor(options: argparse.Namespace) -> int:
    """0 when nothing is bad; warnings are told and change nothing about that."""
    place = Place(
        home=options.home.absolute(),
        folder=options.config.absolute().parent,
        environ=os.environ,
        clock=RealClock(),
    )
    findings = examine(place)
    print(examination(findings))
    return exit_code_of(findings)


def exit_code_of(findings: Sequence[Finding]) -> ExitCode:
    """Books that cannot be trusted are worse than a folder that cannot be used, and that than a wrong setting."""
    wrong = {finding.area for finding in findings if finding.level is Level.BAD}
    return next((code for area, code in _WORST_FIRST if area in wrong), ExitCode.OK)
