"""The tokens of the HTTP interface in `state/api_tokens.json`: hashed, private to the user, read anew when changed."""

from __future__ import annotations

import hashlib
import hmac
import json
import stat
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from tradebot.adapters.disk import write_file
from tradebot.domain.access import Grant, Scope
from tradebot.domain.errors import StateCorrupt
from tradebot.ports import Disk

TOKENS_MAX = 100
PREFIX = "tb"
_READABLE_BY_OTHERS = stat.S_IRWXG | stat.S_IRWXO

Signature = tuple[int, int, int]


class TooManyTokens(ValueError):
    """There are TOKENS_MAX already."""


class TokenFile:
    """One process writes at a time (the command line); any number read. A token is `tb_<id>_<secret>`."""

    def __init__(self, disk: Disk, path: Path) -> None:
        self._disk = disk
        self._path = path
        self._seen: Signature | None = None
        self._grants: dict[str, Grant] = {}

    def grants(self) -> Sequence[Grant]:
        """The oldest first. Raises StateCorrupt for a file that cannot be trusted, or that others may read."""
        self._refresh()
        return list(self._grants.values())

    def find(self, token: str) -> Grant | None:
        """What the token grants; takes as long for a wrong one as for a right one. Raises StateCorrupt."""
        self._refresh()
        parts = token.split("_", 2)
        grant = self._grants.get(parts[1]) if len(parts) == 3 else None
        expected = grant.sha256 if grant is not None else "0" * 64
        is_right = hmac.compare_digest(hashed(token), expected)
        return grant if is_right else None

    def add(self, grant: Grant) -> None:
        """Durable on return. Raises TooManyTokens, StateCorrupt and the errors of the disk."""
        self._refresh()
        if len(self._grants) >= TOKENS_MAX:
            raise TooManyTokens(f"there are {TOKENS_MAX} tokens already: revoke one first")
        self._write([*self._grants.values(), grant])

    def remove(self, token_id: str) -> bool:
        """Durable on return; False when there is none of that id."""
        self._refresh()
        if token_id not in self._grants:
            return False
        self._write([grant for grant in self._grants.values() if grant.token_id != token_id])
        return True

    def _write(self, grants: Sequence[Grant]) -> None:
        rows = [{**asdict(grant), "created_at": grant.created_at.isoformat()} for grant in grants]
        write_file(self._disk, self._path, (json.dumps({"tokens": rows}, indent=1) + "\n").encode())
        self._seen = None
        self._refresh()

    def _refresh(self) -> None:
        signature = self._signature()
        if signature == self._seen and signature is not None:
            return
        self._grants = {} if signature is None else {grant.token_id: grant for grant in self._read()}
        self._seen = signature

    def _signature(self) -> Signature | None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        if found.st_mode & _READABLE_BY_OTHERS:
            raise StateCorrupt(str(self._path), "can be read by others", mend=f"chmod 600 {self._path}")
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> list[Grant]:
        try:
            rows = json.loads(self._path.read_bytes())["tokens"]
            return [_grant(row) for row in rows]
        except (OSError, ValueError, KeyError, TypeError) as fault:
            mend = "restore it, or remove it and make the tokens anew with `main.py token create`"
            raise StateCorrupt(str(self._path), f"cannot be read ({fault})", mend=mend) from fault


def token_of(token_id: str, secret: str) -> str:
    return f"{PREFIX}_{token_id}_{secret}"


def hashed(token: str) -> str:
    """A token has 256 random bits: a plain hash of it cannot be tried out."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _grant(row: dict[str, object]) -> Grant:
    accounts, scopes = row["account_ids"], row["scopes"]
    if not isinstance(accounts, list) or not isinstance(scopes, list):
        raise TypeError("account_ids and scopes must be lists")
    return Grant(
        token_id=str(row["token_id"]),
        name=str(row["name"]),
        user_id=str(row["user_id"]),
        account_ids=tuple(str(account) for account in accounts),
        scopes=tuple(Scope(scope) for scope in scopes),
        sha256=str(row["sha256"]),
        created_at=datetime.fromisoformat(str(row["created_at"])),
    )
