"""A disk that takes secrets out of JSON lines before they are written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from tradebot.adapters.json_lines import json_string
from tradebot.adapters.masking import masking
from tradebot.ports import Disk

# With the colon behind it where it is a key.
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"(:?)')


class MaskedDisk:
    """`ports.Disk` in front of another one, for files whose every append is whole lines of JSON in ASCII."""

    def __init__(self, disk: Disk, secrets: Sequence[str]) -> None:
        self._disk = disk
        self._mask = masking([*secrets, *(json_string(secret)[1:-1] for secret in secrets)])

    def append(self, path: Path, data: bytes) -> None:
        text = data.decode("ascii")
        if self._mask(text) != text:
            data = _TEXT.sub(self._masked, text).encode("ascii")
        self._disk.append(path, data)

    def sync(self, path: Path) -> None:
        self._disk.sync(path)

    def replace(self, source: Path, target: Path) -> None:
        self._disk.replace(source, target)

    def sync_dir(self, folder: Path) -> None:
        self._disk.sync_dir(folder)

    def truncate(self, path: Path, size: int) -> None:
        self._disk.truncate(path, size)

    def remove(self, path: Path) -> None:
        self._disk.remove(path)

    def read(self, path: Path) -> bytes | None:
        return self._disk.read(path)

    def names(self, folder: Path) -> Sequence[str]:
        return self._disk.names(folder)

    def lock(self, path: Path) -> AbstractContextManager[None]:
        return self._disk.lock(path)

    def _masked(self, found: re.Match[str]) -> str:
        """Keys stay: they are ours, and a password that is spelled like one must not damage the line."""
        return found[0] if found[1] else self._mask(found[0])
