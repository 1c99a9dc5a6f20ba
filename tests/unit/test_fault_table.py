"""The page of the fault classes: each of the fifty has its row, and every test that a row names is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLASSES = 50
_ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
ROWS = {int(number): cells for number, *cells in _ROW.findall((ROOT / "docs" / "faults.md").read_text("utf-8"))}


def test_every_class_has_one_row() -> None:
    assert list(ROWS) == list(range(1, CLASSES + 1))


@pytest.mark.parametrize("number", ROWS)
def test_the_tests_of_a_class_are_there(number: int) -> None:
    _, tests, _, found = ROWS[number]
    named = _TEST.findall(tests)

    assert named or "does not apply" in found, "neither a test nor why there is none"
    assert tests.count("`") == 2 * len(named), "something in backticks is no test"
    assert [f"{file}::{name}" for file, name in named if name not in _tests_in(file)] == []


@cache
def _tests_in(file: str) -> set[str]:
    path = ROOT / file
    if not path.exists():
        return set()
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
