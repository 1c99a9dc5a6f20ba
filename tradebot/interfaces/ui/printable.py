"""Text that a terminal can be given: no control characters, and ASCII alone where that is all it can show."""

from __future__ import annotations

from rich.cells import cell_len

_ASCII = str.maketrans(
    {
        "╭": "+",
        "╮": "+",
        "╰": "+",
        "╯": "+",
        "─": "-",
        "│": "|",
        "▲": "^",
        "▼": "v",
        "●": "*",
        "▮": "#",
        "▯": ".",
        "…": "~",
        "·": "|",
        "–": "-",
        "−": "-",
        "→": ">",
        "×": "x",
        "█": "#",
    }
)


def printable(text: str) -> str:
    """The text in one line, with a `?` for each character that moves the cursor, turns the direction of writing, or is
    not seen; of any kind of space only a plain one is left.

    What is shown comes from brokers and files: an escape sequence in an order's reason must not reach the terminal.
    """
    if text.isprintable():
        return text
    return "".join(_seen(character) for character in text)


def ascii_only(text: str) -> str:
    """The text in ASCII, with as many cells as before: `?` stands where there is no likeness."""
    if text.isascii():
        return text
    text = text.translate(_ASCII)
    return "".join(c if c.isascii() else "?" * cell_len(c) for c in text)


def _seen(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else "?"
