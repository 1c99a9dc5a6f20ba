"""One way to reach people, through apprise: an address that is a URL, and that holds secrets."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from tradebot.adapters.masking import masking
from tradebot.domain.addresses import address_name, secret_parts


class ChannelFailed(Exception):
    """The message was not taken; the text says why, without any secret."""


class Channel(Protocol):
    """Takes a message within seconds, or fails."""

    @property
    def name(self) -> str:
        """For people and for the outbox; it does not give the address away."""
        ...

    def send(self, title: str, body: str) -> None:
        """Raises ChannelFailed."""
        ...


class AppriseChannel:
    """An address in apprise's form (https://github.com/caronc/apprise/wiki): tgram://, mailtos://, json://, ..."""

    def __init__(self, url: str) -> None:
        """Raises ValueError, which does not name the address, for one that apprise does not understand."""
        import apprise  # heavy, and wanted only where notifications are switched on

        # Its lines hold parts of addresses: they are read here, and told without them.
        logging.getLogger("apprise").propagate = False
        self.name = address_name(url)
        self._capture: Callable[..., AbstractContextManager[io.StringIO]] = apprise.LogCapture
        self._app = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False, app_id="tradebot"))
        self._mask = masking(secret_parts(url))
        if not self._app.add(url):
            raise ValueError(f"{self.name} is no address that apprise understands")
        for plugin in self._app:
            # It would sleep 5.5 s between two mails, while the other channels wait: the limits are ours.
            plugin.request_rate_per_sec = 0

    def send(self, title: str, body: str) -> None:
        try:
            with self._capture(level=logging.WARNING, fmt="%(message)s") as log:
                is_taken = self._app.notify(title=title, body=body)
                said = log.getvalue().strip().splitlines()
        except Exception as error:  # whatever a plugin raises, the message was not taken
            raise ChannelFailed(self._mask(f"{type(error).__name__}: {error}")) from None
        if not is_taken:
            raise ChannelFailed(self._mask(" ".join(said[-3:])) or "not taken")
