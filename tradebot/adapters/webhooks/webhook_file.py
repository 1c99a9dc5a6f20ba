"""The receivers of webhooks in `state/webhooks.json`, private to the user: it holds the secrets that sign."""

from __future__ import annotations

import json
import stat
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from threading import Lock

from tradebot.adapters.disk import write_file
from tradebot.domain.errors import StateCorrupt
from tradebot.domain.webhooks import WEBHOOKS_MAX, Webhook, WebhookEvent
from tradebot.ports import Disk


class TooManyWebhooks(ValueError):
    """The account has WEBHOOKS_MAX already."""


class WebhookFile:
    """For any thread. Only the daemon writes it, so it is read once."""

    def __init__(self, disk: Disk, path: Path) -> None:
        """Raises StateCorrupt for a file that cannot be read, or that others can."""
        self._disk = disk
        self._path = path
        self._lock = Lock()
        self._webhooks = tuple(_read(path))

    def all(self) -> Sequence[Webhook]:
        return self._webhooks

    def of_account(self, account_id: str) -> Sequence[Webhook]:
        return [webhook for webhook in self._webhooks if webhook.account_id == account_id]

    def find(self, webhook_id: str) -> Webhook | None:
        return next((webhook for webhook in self._webhooks if webhook.id == webhook_id), None)

    def add(self, webhook: Webhook) -> None:
        """Durable on return. Raises TooManyWebhooks and the errors of the disk."""
        with self._lock:
            if len(self.of_account(webhook.account_id)) >= WEBHOOKS_MAX:
                raise TooManyWebhooks(f"account {webhook.account_id} has {WEBHOOKS_MAX} webhooks already")
            self._write((*self._webhooks, webhook))

    def remove(self, account_id: str, webhook_id: str) -> bool:
        """Durable on return; False when the account has none of that id."""
        with self._lock:
            left = tuple(w for w in self._webhooks if (w.account_id, w.id) != (account_id, webhook_id))
            if len(left) == len(self._webhooks):
                return False
            self._write(left)
            return True

    def _write(self, webhooks: tuple[Webhook, ...]) -> None:
        rows = [{**asdict(webhook), "created_at": webhook.created_at.isoformat()} for webhook in webhooks]
        write_file(self._disk, self._path, (json.dumps({"webhooks": rows}, indent=1) + "\n").encode())
        self._webhooks = webhooks


def _read(path: Path) -> list[Webhook]:
    if not path.exists():
        return []
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise StateCorrupt(str(path), "can be read by others", mend=f"chmod 600 {path}")
    try:
        return [_webhook(row) for row in json.loads(path.read_bytes())["webhooks"]]
    except (OSError, ValueError, KeyError, TypeError) as fault:
        mend = "restore it, or remove it and add the webhooks anew over HTTP"
        raise StateCorrupt(str(path), f"cannot be read ({fault})", mend=mend) from fault


def _webhook(row: dict[str, object]) -> Webhook:
    events = row["events"]
    if not isinstance(events, list):
        raise TypeError("events must be a list")
    return Webhook(
        id=str(row["id"]),
        account_id=str(row["account_id"]),
        url=str(row["url"]),
        events=tuple(WebhookEvent(event) for event in events),
        secret=str(row["secret"]),
        created_at=datetime.fromisoformat(str(row["created_at"])),
    )
