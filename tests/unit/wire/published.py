"""The answers that Kite publishes (github.com/zerodha/kiteconnect-mocks), where they are at hand."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "data" / "kite-responses"


def published(name: str) -> Any:
    """A JSON answer, or the bytes of a packet; skips the test where they are missing."""
    if not FOLDER.exists():
        pytest.skip(f"Kite's published answers are not on this machine ({FOLDER})")
    text = (FOLDER / name).read_text()
    return json.loads(text) if name.endswith(".json") else base64.b64decode(text)
