"""`main.py notify test`, and a start with an address that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.notify.receivers import a_mail_server, a_webhook
from tradebot.cli import main


def test_each_channel_is_tried_and_named_without_its_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with a_webhook() as (hook, taken), a_mail_server() as (mail, refused):
        refused.refuses = True
        monkeypatch.setenv("TRADEBOT_NOTIFY_URLS", f"{hook} {mail}")

        code = main(["notify", "test"])

    said = capsys.readouterr().out
    assert code == 78
    assert [title for title, _ in taken.messages] == ["tradebot: a test"]
    first, second = said.splitlines()
    assert first.startswith("json-") and first.endswith(": taken")
    assert second.startswith("mailto-") and ": not taken: " in second
    assert not [word for word in ("hook-pass", "hook-token", "operator@") if word in said]


def test_without_an_address_there_is_nobody_to_tell(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notify", "test"]) == 78
    assert "nobody to tell" in capsys.readouterr().out


def test_nothing_starts_with_an_address_that_is_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("TRADEBOT_MODE", "paper")
    monkeypatch.setenv("TRADEBOT_ENABLE_NOTIFICATIONS", "true")
    monkeypatch.setenv("TRADEBOT_NOTIFY_URLS", "nonsense://secret-word-5d1")

    code = main(["--home", str(tmp_path), "--ui", "off"])

    said = capsys.readouterr().err
    assert code == 78
    assert "environment: NOTIFY_URLS: address 1: nonsense-" in said
    assert "secret-word" not in said
    assert not (tmp_path / "state").exists()
