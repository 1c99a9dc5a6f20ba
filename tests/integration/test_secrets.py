"""A password that is planted in the settings and looked for everywhere: in every file, and in all that is printed."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from config.loading import load_settings
from tests.builders import NOON
from tests.simulator.killing import ROOT, environment, run_main
from tests.unit.config.homes import a_home
from tradebot.adapters.disk import RealDisk
from tradebot.adapters.event_file import EventFile
from tradebot.adapters.masked_disk import MaskedDisk
from tradebot.adapters.masking import MASK
from tradebot.cli.exit_codes import ExitCode
from tradebot.domain.events import Event, EventName
from tradebot.domain.positions import Position
from tradebot.domain.signals import Signal
from tradebot.ports import History

CANARY = "canary-7f3a91d2"
# A path that has the form of a password: a URL of SQLite holds no real one.
SQLITE = f"sqlite:///state/tradebot:{CANARY}@here.db"
SERVERS = (
    f"postgresql+psycopg://tradebot:{CANARY}@127.0.0.1:1/tradebot",
    f"postgresql+psycopg://tradebot@127.0.0.1:1/tradebot?password={CANARY}",
)
VARIABLES = {
    "DATABASE_URL": SQLITE,
    "STRATEGIES": '[{ name = "generator", signals_per_day = 12 }, { name = "tests.integration.test_secrets:Leaky" }]',
}
DEADLINE_S = 120.0


class Leaky:
    """A strategy of the operator's own that says in its errors how it wanted to connect."""

    name = "leaky"

    def signals(self, trading_day: date, history: History, held: Sequence[Position]) -> Sequence[Signal]:
        raise ConnectionError(f"no answer from {os.environ['TRADEBOT_DATABASE_URL']}")

    def target(self, position: Position, as_of: date, history: History) -> Decimal | None:
        return None


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A seeded day on which the password is in an error of a strategy; every event is printed too."""
    home = tmp_path_factory.mktemp("canary") / "home"
    ended = subprocess.run(
        [sys.executable, "main.py", "replay", "--home", str(home), "--speed", "0", "--ui", "line"],
        cwd=ROOT,
        env=environment(VARIABLES),
        text=True,
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )
    return home, ended


def test_the_password_would_have_been_everywhere(day: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    home, ended = day
    assert ended.returncode == 0, ended.stderr
    said = f"tradebot:{MASK}@here.db"
    assert said in ended.stdout
    for pattern in ("logs/*.jsonl", "sessions/*/events.jsonl", "sessions/*/flight.jsonl", "sessions/*/settings.json"):
        (path,) = home.glob(pattern)
        assert said in path.read_text(), pattern


def test_the_password_is_nowhere(day: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    home, ended = day
    assert CANARY not in ended.stdout + ended.stderr
    files = [path for path in home.rglob("*") if path.is_file()]
    assert len(files) > 8
    assert [str(path) for path in files if CANARY.encode() in contents(path)] == []


@pytest.mark.parametrize("words", [("orders", "list"), ("config", "show"), ("config", "check")], ids=" ".join)
def test_no_command_prints_the_password(
    words: tuple[str, ...], day: tuple[Path, subprocess.CompletedProcess[str]]
) -> None:
    home, _ = day
    ended = run_main(*words, "--home", home, variables=VARIABLES)

    assert ended.returncode == 0, ended.stderr
    assert CANARY not in ended.stdout + ended.stderr


@pytest.mark.parametrize("url", SERVERS, ids=["in the authority", "in the query"])
@pytest.mark.parametrize(
    "words", [("replay",), ("orders", "list"), ("config", "show"), ("config", "check")], ids=" ".join
)
def test_a_server_that_does_not_answer_costs_no_password(words: tuple[str, ...], url: str, tmp_path: Path) -> None:
    ended = run_main(*words, "--home", tmp_path / "home", variables={"DATABASE_URL": url})

    assert CANARY not in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    if words[0] != "config":
        assert ended.returncode in (ExitCode.CONFIGURATION, ExitCode.STATE_CORRUPT)
    for path in (tmp_path / "home").rglob("*"):
        assert path.is_dir() or CANARY.encode() not in contents(path)


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("sqlite:///state/tradebot.db", ()),
        ("postgresql+psycopg://t@host/name", ()),
        ("postgresql+psycopg://t:p%40ss-word@host:5432/name", ("p%40ss-word", "p@ss-word")),
        ("postgresql+psycopg://t@host/name?password=abc-def&sslmode=require", ("abc-def",)),
    ],
)
def test_the_secrets_of_the_settings_are_the_passwords_of_their_urls(
    url: str, secrets: tuple[str, ...], tmp_path: Path
) -> None:
    assert load_settings(a_home(tmp_path), {"TRADEBOT_DATABASE_URL": url}).secrets() == secrets


@pytest.mark.parametrize("secret", [CANARY, 'with"quote', "back\\slash", "événement", "message", "p@ss/word"])
def test_a_secret_is_taken_out_of_the_texts_of_a_line_and_the_line_stays_whole(secret: str, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    disk = RealDisk(durability="process")
    file = EventFile(MaskedDisk(disk, [secret]), path)
    file(Event(name=EventName.LIBRARY, at=NOON, message=f"said {secret}.", fields={"logger": secret, "lines": 3}))
    assert file.close()
    disk.close()

    line = json.loads(path.read_text())
    assert (line["message"], line["fields"]) == (f"said {MASK}.", {"logger": MASK, "lines": 3})


def test_lines_without_a_secret_are_written_as_they_are(tmp_path: Path) -> None:
    disk = RealDisk(durability="process")
    masked = MaskedDisk(disk, [CANARY])
    masked.append(tmp_path / "a.jsonl", b'{"a":"b"}\n')
    masked.append(tmp_path / "a.jsonl", b'{"a":1}\n')

    assert masked.read(tmp_path / "a.jsonl") == b'{"a":"b"}\n{"a":1}\n'
    disk.close()


def contents(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data
