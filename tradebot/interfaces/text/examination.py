"""What the doctor has found, for people: one line for each check, then the particulars of those that are not well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tradebot.interfaces.text.table import table

LINES_MAX = 50


class Level(StrEnum):
    """`warn` needs a look and stops nothing; `bad` must be mended before tradebot can be trusted or started."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


class Area(StrEnum):
    """What a finding is about; it decides how the process ends when one is bad."""

    CONFIGURATION = "configuration"
    FOLDERS = "folders"
    BOOKS = "books"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check has found. `todo` is what the operator can do, `lines` the particulars, a table mostly."""

    level: Level
    area: Area
    what: str
    detail: str
    todo: str = ""
    lines: tuple[str, ...] = ()


def examination(findings: Sequence[Finding]) -> str:
    """The table of all checks, and below it each with its particulars: those that are not ok, or that have some."""
    overview = table(("check", "", "found"), [(f.what, f.level, f.detail) for f in findings])
    told = [finding for finding in findings if finding.level is not Level.OK or finding.lines]
    return "\n\n".join([overview, *(_particulars(finding) for finding in told), _verdict(findings)])


def _particulars(finding: Finding) -> str:
    lines = [f"{finding.level} {finding.what}: {finding.detail}"]
    lines += [f"    {line}" for line in finding.lines[:LINES_MAX]]
    if len(finding.lines) > LINES_MAX:
        lines.append(f"    and {len(finding.lines) - LINES_MAX} more")
    if finding.todo:
        lines.append(f"  do: {finding.todo}")
    return "\n".join(lines)


def _verdict(findings: Sequence[Finding]) -> str:
    count = {level: sum(finding.level is level for finding in findings) for level in Level}
    return f"{len(findings)} checks: {count[Level.OK]} ok, {count[Level.WARN]} warn, {count[Level.BAD]} bad"
