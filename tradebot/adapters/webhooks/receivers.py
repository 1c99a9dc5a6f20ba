"""The receivers of webhooks as HTTP manages them: one is looked at before it is kept."""

from __future__ import annotations

from collections.abc import Sequence

from tradebot.adapters.webhooks.sending import NotDelivered, UnfitUrl, address_of, check_url
from tradebot.adapters.webhooks.webhook_file import WebhookFile
from tradebot.domain.webhooks import WEBHOOKS_MAX, Webhook


class Receivers:
    """For any thread."""

    def __init__(self, file: WebhookFile, *, allows_private: bool) -> None:
        self._file = file
        self._allows_private = allows_private

    def add(self, webhook: Webhook) -> None:
        """Durable on return; looks its host up. Raises UnfitUrl, TooManyWebhooks and the errors of the disk."""
        parts = check_url(webhook.url, allows_private=self._allows_private)
        try:
            address_of(parts, allows_private=self._allows_private)
        except NotDelivered as cause:
            raise UnfitUrl(f"names a host that is not known: {cause}") from cause
        self._file.add(webhook)

    def is_full(self, account_id: str) -> bool:
        return len(self._file.of_account(account_id)) >= WEBHOOKS_MAX

    def of_account(self, account_id: str) -> Sequence[Webhook]:
        return self._file.of_account(account_id)

    def remove(self, account_id: str, webhook_id: str) -> bool:
        """Durable on return; False when the account has none of that id."""
        return self._file.remove(account_id, webhook_id)
