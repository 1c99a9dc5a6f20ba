"""Where tables and keys stand in a TOML file, however it is written."""

from __future__ import annotations

import tomllib
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from config.kinds import in_file
from config.toml_places import Place, read_toml

TEXT = '''\
# a comment with [a.table] and key = 1
top = 1

[a]
plain = 5 # trailing
"quoted key" = "text with # and [brackets]"
dotted.inner = 0.1
many = [
  "x = 1",  # a comment with ]
  "[a.b]",
]
long = """
[not.a.table]
key = 2
"""
literal = \'\'\'
also = "nothing" \'\'\'
inline = { one = 1 }

  [a.b]
  deep = true

[[list]]
name = "first"
[list.below]
x = 1
[[list]]
name = "second"
[list.below]
x = 2
[[list.inner]]
[[list.inner]]
y = 3
'''


def test_every_table_and_key_has_the_line_on_which_it_begins() -> None:
    toml = read_toml(TEXT.encode())
    places: dict[Place, int] = {
        ("top",): 2,
        ("a",): 4,
        ("a", "plain"): 5,
        ("a", "quoted key"): 6,
        ("a", "dotted", "inner"): 7,
        ("a", "many"): 8,
        ("a", "long"): 12,
        ("a", "literal"): 16,
        ("a", "inline", "one"): 18,
        ("a", "b"): 20,
        ("a", "b", "deep"): 21,
        ("list", 0): 23,
        ("list", 0, "name"): 24,
        ("list", 0, "below", "x"): 26,
        ("list", 1): 27,
        ("list", 1, "name"): 28,
        ("list", 1, "below"): 29,
        ("list", 1, "inner", 0): 31,
        ("list", 1, "inner", 1, "y"): 33,
    }
    assert {place: toml.line(*place) for place in places} == places


def test_what_has_no_line_of_its_own_has_the_one_around_it() -> None:
    toml = read_toml(TEXT.encode())

    assert toml.line("a", "many", 1) == 8
    assert toml.line("list", 1, "missing") == 27
    assert toml.line("nowhere") == 1


def test_decimal_numbers_are_exact() -> None:
    assert read_toml(b"x = 0.1").values == {"x": Decimal("0.1")}


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=5)
VALUES = st.one_of(st.integers(0, 99), st.booleans(), NAMES, st.lists(NAMES, max_size=2))
TABLES = st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, max_size=4), min_size=1, max_size=4)


@settings(deadline=None)
@given(tables=TABLES, gap=st.integers(0, 2))
def test_any_key_is_found_on_its_line(tables: dict[str, dict[str, object]], gap: int) -> None:
    lines: list[str] = []
    expected: dict[Place, int] = {}
    for name, table in tables.items():
        lines += ["# x = 1"] * gap + [f"[{in_file(name)}]"]
        expected[name,] = len(lines)
        for key, value in table.items():
            lines.append(f"{in_file(key)} = {in_file(value)}")
            expected[name, key] = len(lines)

    toml = read_toml("\n".join(lines).encode())

    assert toml.values == tomllib.loads("\n".join(lines)) == tables
    assert {place: toml.line(*place) for place in expected} == expected
