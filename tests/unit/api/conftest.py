"""One daemon behind HTTP for a whole file of tests, or a fresh one for a test that changes what others look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.api.rig import Rig, a_rig
from tradebot.interfaces.api.services import Limits


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with a_rig(tmp_path) as fresh:
        yield fresh


@pytest.fixture(scope="module")
def shared_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    # A program that makes its calls up is quicker than anybody for whom the limit was made.
    with a_rig(tmp_path_factory.mktemp("rig"), limits=Limits(requests_per_s=100_000)) as shared:
        yield shared
