"""The session with a broker as a file that its owner alone can read: a restart within the day needs no new login."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tradebot.adapters.disk import write_file
from tradebot.ports import Disk


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """`tokens` are the broker's own, by name; `account` is whose they are; `began` is when the login was made."""

    account: str
    began: datetime
    tokens: Mapping[str, str] = field(repr=False)


class SessionFile:
    """One broker's session. What cannot be read counts as none: it costs a login, and nothing else."""

    def __init__(self, disk: Disk, path: Path) -> None:
        self._disk = disk
        self._path = path

    def read(self) -> Session | None:
        data = self._disk.read(self._path)
        if data is None:
            return None
        try:
            found = json.loads(data)
            began = datetime.fromisoformat(found["began"])
            tokens = {str(name): str(token) for name, token in found["tokens"].items()}
            session = Session(account=str(found["account"]), began=began, tokens=tokens)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        return session if began.tzinfo is not None else None

    def write(self, session: Session) -> None:
        """For its owner alone, and complete or not at all."""
        content = {"account": session.account, "began": session.began.isoformat(), "tokens": dict(session.tokens)}
        write_file(self._disk, self._path, json.dumps(content).encode() + b"\n")
