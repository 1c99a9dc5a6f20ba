"""One webhook sent: to an address that was looked at first, signed, within ten seconds from start to end."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from contextlib import suppress
from threading import Timer
from urllib.parse import SplitResult, urlsplit

from tradebot.domain.webhooks import Webhook, signature

TIMEOUT_S = 10.0
URL_LENGTH_MAX = 500


class NotDelivered(Exception):
    """It did not arrive, or was not taken: to be sent again."""


class UnfitUrl(ValueError):
    """No webhook is sent there."""


def check_url(url: str, *, allows_private: bool) -> SplitResult:
    """The parts of an address that a webhook may have, its host not looked up yet. Raises UnfitUrl."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as cause:
        raise UnfitUrl(f"is no address: {cause}") from cause
    if len(url) > URL_LENGTH_MAX or not url.isascii() or any(ord(letter) <= 32 for letter in url):
        raise UnfitUrl(f"must be at most {URL_LENGTH_MAX} plain characters")
    allowed = ("https", "http") if allows_private else ("https",)
    if parts.scheme not in allowed or not host:
        raise UnfitUrl(f"must begin with {' or '.join(f'{scheme}://' for scheme in allowed)} and name a host")
    if parts.username is not None or parts.password is not None:
        raise UnfitUrl("must not hold a password")
    return parts


def address_of(parts: SplitResult, *, allows_private: bool) -> tuple[str, int]:
    """Where its host is now. Raises UnfitUrl for an address of this machine or its network, unless that is allowed, and
    NotDelivered for a host that is not known."""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except OSError as cause:
        raise NotDelivered(f"{parts.hostname}: {cause}") from cause
    addresses = [str(entry[4][0]) for entry in found]
    if not allows_private and not all(_is_public(address) for address in addresses):
        raise UnfitUrl(f"{parts.hostname} is in a private network; WEBHOOKS_ALLOW_PRIVATE allows that")
    return addresses[0], port


def send(webhook: Webhook, event_id: str, body: bytes, timestamp: int, *, allows_private: bool) -> str:
    """How it was taken, such as `204`. Raises NotDelivered, and UnfitUrl when it must not be sent there any more."""
    parts = check_url(webhook.url, allows_private=allows_private)
    connection = _Pinned(parts, address_of(parts, allows_private=allows_private))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "tradebot",
        "X-Tradebot-Event-ID": event_id,
        "X-Tradebot-Timestamp": str(timestamp),
        "X-Tradebot-Signature": signature(webhook.secret, timestamp, body),
    }
    # A receiver that drips keeps each single read in time: the whole has an end of its own.
    deadline = Timer(TIMEOUT_S, connection.cut)
    deadline.start()
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as cause:
        raise NotDelivered(f"{type(cause).__name__}: {cause}") from cause
    finally:
        deadline.cancel()
        connection.close()
    if not 200 <= status < 300:
        raise NotDelivered(f"answered {status}")
    return str(status)


class _Pinned(http.client.HTTPConnection):
    """Connects to the address that was looked at, so that a name cannot change in between; TLS checks the name."""

    def __init__(self, parts: SplitResult, address: tuple[str, int]) -> None:
        super().__init__(parts.netloc.rpartition("@")[2], timeout=TIMEOUT_S)
        self._name = parts.hostname or ""
        self._is_tls = parts.scheme == "https"
        self._address = address

    def connect(self) -> None:
        plain = socket.create_connection(self._address, TIMEOUT_S)
        self.sock = plain
        if self._is_tls:
            self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self._name)

    def cut(self) -> None:
        """From another thread: whatever waits for the socket ends now."""
        with suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)


def _is_public(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_global
