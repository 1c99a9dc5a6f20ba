"""Flags of what lies outside the order flow: the HTTP interface, webhooks, the confirmation of live trading."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.problems import ConfigError
from config.settings import Settings
from tests.unit.config.homes import a_home, problems_of
from tradebot.adapters.webhooks.sending import UnfitUrl, address_of, check_url
from tradebot.app.http import check_http


@pytest.mark.flag("ENABLE_HTTP_API")
def test_an_open_address_without_a_token_is_refused_only_where_there_is_an_interface(tmp_path: Path) -> None:
    open_to_all = {"HTTP_HOST": '"0.0.0.0"'}

    check_http(Settings.of_words({**open_to_all, "ENABLE_HTTP_API": "false"}), tmp_path)
    with pytest.raises(ConfigError, match="there is no token"):
        check_http(Settings.of_words({**open_to_all, "ENABLE_HTTP_API": "true"}), tmp_path)


@pytest.mark.flag("WEBHOOKS_ALLOW_PRIVATE")
def test_a_webhook_into_the_own_network_is_sent_only_where_that_is_allowed() -> None:
    is_allowed = Settings.of_words({"WEBHOOKS_ALLOW_PRIVATE": "true"}).http.webhooks_allow_private
    parts = check_url("https://127.0.0.1/hook", allows_private=is_allowed)
    assert address_of(parts, allows_private=is_allowed) == ("127.0.0.1", 443)

    is_allowed = Settings.of_words({}).http.webhooks_allow_private
    with pytest.raises(UnfitUrl, match="private network"):
        address_of(check_url("https://127.0.0.1/hook", allows_private=is_allowed), allows_private=is_allowed)


@pytest.mark.flag("confirm_live")
@pytest.mark.parametrize(("word", "is_refused"), [("true", False), ("false", True)])
def test_live_trading_starts_only_where_it_is_confirmed(word: str, is_refused: bool, tmp_path: Path) -> None:
    environ = {"TRADEBOT_MODE": "live", "TRADEBOT_BROKER": "kite", "TRADEBOT_CONFIRM_LIVE": word}
    named = {problem.key for problem in problems_of(a_home(tmp_path), environ)}
    assert ("confirm_live" in named) is is_refused
