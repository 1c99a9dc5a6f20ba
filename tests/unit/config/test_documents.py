"""What people read about the keys is what the code says; the operator's one-line check."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from config.loading import load_settings
from config.reference import default_file, example_variables, page
from config.settings import KEYS
from tests.unit.config.homes import ROOT, a_home

CHECK = "import config; config.validate_config_schema(); print('Config validation: PASSED')"


@pytest.mark.parametrize(
    ("path", "make"),
    [
        ("config/tradebot.toml", default_file),
        (".env.example", example_variables),
        ("docs/configuration.md", page),
    ],
)
def test_a_document_is_what_the_code_makes(path: str, make: object) -> None:
    assert callable(make)
    assert (ROOT / path).read_text(encoding="utf-8") == make(), "python3 -m config.reference prints it anew"


def test_every_key_is_in_every_document() -> None:
    file, variables, tables = default_file(), example_variables(), page()
    for key in KEYS:
        assert f"\n{key.in_file} = " in file or key.name == "strategies"
        assert f"\n# {key.variable}=" in variables
        assert f"\n| `{key.in_file}` |" in tables


def test_every_line_of_the_example_can_be_switched_on(tmp_path: Path) -> None:
    lines = [line[2:] for line in example_variables().splitlines() if line.startswith("# TRADEBOT_")]
    with_password, defaults = lines[0], lines[1:]
    assert [line.split("=")[0] for line in defaults] == [key.variable for key in KEYS]

    settings = load_settings(a_home(tmp_path, "[run]\n", dotenv="\n".join(defaults)), {})
    assert set(settings.origins.values()) == {".env"}
    assert all(settings.value(key.name) == key.default for key in KEYS)
    assert "PASSWORD" in load_settings(a_home(tmp_path, dotenv=with_password), {}).run.database_url


def test_the_operators_check_passes_on_the_delivered_files() -> None:
    assert _run("-c", CHECK).stdout.splitlines()[-1] == "Config validation: PASSED"


def test_the_operators_check_names_what_is_wrong() -> None:
    found = _run("-c", CHECK, environ={"TRADEBOT_SPED": "1"})

    assert found.returncode == 1
    assert "environment: TRADEBOT_SPED: is no variable of tradebot; did you mean TRADEBOT_SPEED?" in found.stderr


def test_the_package_alone_loads_no_library() -> None:
    code = "import sys, config; print([name for name in sys.modules if name.startswith(('pydantic', 'tradebot'))])"

    assert _run("-c", code).stdout.strip() == "[]"


def test_the_delivered_file_can_be_printed() -> None:
    assert _run("-m", "config.reference").stdout == default_file()
    assert _run("-m", "config.reference", "pages").returncode != 0


def _run(*arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TRADEBOT_")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**inherited, **(environ or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
