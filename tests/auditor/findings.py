"""What an audit says: findings with a kind and a sentence, figures, and what could not be checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is wrong, in words for people."""

    DUPLICATE_ORDER = "duplicate order"
    LOST_ORDER = "lost order"
    UNREGISTERED_ORDER = "unregistered order"
    INVENTED_ORDER = "invented order"
    INVENTED_FILL = "invented fill"
    FORGOTTEN_FILL = "forgotten fill"
    WRONG_STATUS = "wrong status"
    WRONG_EXECUTION = "wrong execution"
    WRONG_POSITION = "wrong position"
    WRONG_PROFIT = "wrong profit"
    WRONG_HOLDING = "wrong holding"
    WRONG_CASH = "wrong cash"
    BROKEN_STORY = "broken story"
    ILLEGAL_TRANSITION = "illegal transition"
    MISSING_REASON = "missing reason"
    WRONG_ID = "wrong client order id"
    REGISTRY_DISAGREES = "registry disagrees"
    WRONG_LOG = "wrong log"
    WRONG_STREAM = "wrong stream"
    WRONG_BATCH = "wrong batch"
    SECOND_LIVE_SELL = "second live sell"
    UNANSWERED_REQUEST = "unanswered request"
    CONTRADICTORY_BOOKS = "contradictory books"
    DAMAGED_FILE = "damaged file"


LOST = frozenset({Kind.LOST_ORDER, Kind.UNREGISTERED_ORDER, Kind.FORGOTTEN_FILL})
INVENTED = frozenset({Kind.INVENTED_ORDER, Kind.INVENTED_FILL})


class Unreadable(Exception):
    """A file or a row that is not in its documented format; says where and what."""


@dataclass(frozen=True, slots=True)
class Finding:
    kind: Kind
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`not_checked` names the checks that had nothing to check against: they are no proof of anything."""

    findings: tuple[Finding, ...]
    counts: Mapping[str, int]
    not_checked: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.findings

    @property
    def kinds(self) -> frozenset[Kind]:
        return frozenset(finding.kind for finding in self.findings)

    @property
    def duplicates(self) -> int:
        return self._number_of(frozenset({Kind.DUPLICATE_ORDER}))

    @property
    def lost(self) -> int:
        return self._number_of(LOST)

    @property
    def invented(self) -> int:
        return self._number_of(INVENTED)

    def __str__(self) -> str:
        verdict = "nothing is wrong" if self.ok else f"{len(self.findings)} findings"
        lines = [f"{self.duplicates} duplicates, {self.lost} lost, {self.invented} invented: {verdict}"]
        lines += [f"  {name:<34}{count:>12,}" for name, count in self.counts.items()]
        lines += [f"  ! {finding}" for finding in self.findings]
        lines += [f"  ? not checked: {what}" for what in self.not_checked]
        return "\n".join(lines)

    def _number_of(self, kinds: frozenset[Kind]) -> int:
        return sum(finding.kind in kinds for finding in self.findings)
