"""Every flag has a test that shows its effect, and the operator's table is what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.keys import Key
from config.settings import KEYS
from docs.flags import TESTS, flags_page, marked_tests, switches
from docs.generate import FOLDER

MARKED = marked_tests(TESTS)


@pytest.mark.parametrize("key", list(switches()), ids=lambda key: key.name)
def test_a_flag_has_a_test_that_shows_its_effect(key: Key) -> None:
    assert MARKED.get(key.name), f'no test carries @pytest.mark.flag("{key.name}")'


def test_no_test_is_marked_with_what_is_no_key() -> None:
    assert set(MARKED) <= {key.name for key in KEYS}


def test_every_key_stands_in_the_table_once() -> None:
    page = flags_page()
    for key in KEYS:
        assert page.count(f"\n| `{key.name}` |") == 1, key.name


def test_the_committed_table_is_what_the_code_makes() -> None:
    assert (FOLDER / "FEATURE_FLAGS.md").read_text(encoding="utf-8") == flags_page(), "run `python -m docs.generate`"


def test_a_flag_without_a_test_is_noticed(tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "test_one.py").write_text('import pytest\n\n@pytest.mark.flag("ONE")\ndef test_one() -> None: ...\n')
    (tests / "test_two.py").write_text('# pytest.mark.flag("TWO") in a comment marks nothing\n')

    assert marked_tests(tests) == {"ONE": ("tests/test_one.py",)}
