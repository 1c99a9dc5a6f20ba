"""The HTTP face of a run: opened beside the engine when it is switched on, and gone when the run ends."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from config.problems import ConfigError, Problem
from config.settings import Settings
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.token_file import TokenFile
from tradebot.app.live import Live
from tradebot.app.paper import Paper
from tradebot.app.replay import Replay

if TYPE_CHECKING:
    from tradebot.app.http_parts import HttpParts

_log = logging.getLogger("tradebot.http")

TOKENS = Path("state") / "api_tokens.json"


def check_http(settings: Settings, home: Path) -> None:
    """Raises ConfigError for an address that others can reach while there is no token."""
    http = settings.http
    if not http.enable_http_api or _is_local(http.http_host):
        return
    if TokenFile(RealDisk(), home / TOKENS).grants():
        return
    text = "others can reach this address, and there is no token: make one with `main.py token create`, or listen on"
    problem = Problem(
        place=settings.origins["HTTP_HOST"], key="HTTP_HOST", value=http.http_host, text=f"{text} 127.0.0.1"
    )
    raise ConfigError([problem])


class HttpFace:
    """Around a run: serves as long as it lasts. What it is made of is imported only when it is switched on."""

    def __init__(self, settings: Settings, home: Path) -> None:
        self._settings = settings
        self._home = home
        self._parts: HttpParts | None = None

    def turn(self) -> None:
        """On the engine's thread, whenever something may have changed."""
        if self._parts is not None:
            self._parts.turn()

    @contextmanager
    def beside(self, run: Replay | Paper | Live, say: Callable[[str], None]) -> Iterator[None]:
        """A port that cannot be had is told by `say`, and the run goes on. Raises StateCorrupt for a file of tokens or
        webhooks that cannot be trusted."""
        http = self._settings.http
        if not http.enable_http_api:
            yield
            return
        from tradebot.app.http_parts import HttpParts
        from tradebot.interfaces.api.server import CannotListen, HttpServer

        try:
            server = HttpServer(http.http_host, http.http_port)
        except CannotListen as cause:
            _log.warning("there is no HTTP interface: %s", cause)
            say(f"there is no HTTP interface: {cause}")
            yield
            return
        tokens = TokenFile(RealDisk(), self._home / TOKENS)
        with HttpParts(self._settings, self._home, run, tokens) as self._parts:
            server.start(self._parts.application)
            note = "" if tokens.grants() else " (no token is made: programs of this machine have all rights)"
            say(f"the orders page is at http://{_shown(http.http_host)}:{server.port}/{note}")
            try:
                yield
            finally:
                server.stop()


def _is_local(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
