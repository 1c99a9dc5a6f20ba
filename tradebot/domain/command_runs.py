"""What became of a command that is carried out at most once: kept in the transaction of its effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

COMMAND_ID_LENGTH_MAX = 64
"""An id of a command is a key of the database and the name of a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRun:
    """The end of one command, by its correlation id: the same command again gets this answer and is not done again.

    `outcome` is the word of the answer; `order_ids` are parted by spaces.
    """

    correlation_id: str
    command: str
    outcome: str
    text: str
    order_ids: str
    figures: Mapping[str, str] = field(default_factory=dict)
    at: datetime
