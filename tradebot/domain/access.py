"""Who may do what over HTTP: scopes, and what one token grants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Scope(StrEnum):
    """`read`: look; `trade`: orders, batches, pause; `admin`: kill switch, resume, release, webhooks."""

    READ = "read"
    TRADE = "trade"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a token stands for; of the token itself only the SHA-256 is kept."""

    token_id: str
    name: str
    user_id: str
    account_ids: tuple[str, ...]
    scopes: tuple[Scope, ...]
    sha256: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks. `name` is a token's id, or "local" for a program of this machine while there is no token."""

    name: str
    user_id: str
    account_ids: tuple[str, ...]
    scopes: tuple[Scope, ...]

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes

    def owns(self, account_id: str) -> bool:
        return account_id in self.account_ids

    @classmethod
    def of(cls, grant: Grant) -> Caller:
        return cls(name=grant.token_id, user_id=grant.user_id, account_ids=grant.account_ids, scopes=grant.scopes)

    @classmethod
    def local(cls, user_id: str, account_ids: Sequence[str]) -> Caller:
        """A program of this machine, where no token was made: it has all rights."""
        return cls(name="local", user_id=user_id, account_ids=tuple(account_ids), scopes=tuple(Scope))
