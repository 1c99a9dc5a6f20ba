"""Keys: what a terminal sends for them, and the one table of what each of them does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    HELP = "help"
    QUIT = "quit"
    ALL = "all"
    PENDING = "pending"
    ONGOING = "ongoing"
    CLOSED = "closed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    NEXT_PANEL = "next_panel"
    DOWN = "down"
    UP = "up"
    TOP = "top"
    BOTTOM = "bottom"
    PAGE_DOWN = "page_down"
    PAGE_UP = "page_up"
    DETAIL = "detail"
    BACK = "back"
    FILTER = "filter"
    FOLLOW = "follow"
    FASTER = "faster"
    SLOWER = "slower"
    REPAINT = "repaint"
    SCREENSHOT = "screenshot"
    SUSPEND = "suspend"
    PAUSE = "pause"
    RESUME = "resume"
    KILL = "kill"
    RETRY = "retry"
    DROP = "drop"
    ACKNOWLEDGE = "acknowledge"


@dataclass(frozen=True, slots=True)
class Binding:
    """`keys` are names as `decode` gives them; the first word of `shown` stands in the help."""

    keys: tuple[str, ...]
    shown: str
    does: str
    action: Action


BINDINGS = (
    Binding(("?",), "?", "this help", Action.HELP),
    Binding(("q",), "q", "stop tradebot gracefully (asks)", Action.QUIT),
    Binding(("0",), "0", "orders of every status", Action.ALL),
    Binding(("1",), "1", "pending orders", Action.PENDING),
    Binding(("2",), "2", "ongoing orders", Action.ONGOING),
    Binding(("3",), "3", "closed orders", Action.CLOSED),
    Binding(("4",), "4", "failed orders", Action.FAILED),
    Binding(("5",), "5", "cancelled orders", Action.CANCELLED),
    Binding(("tab",), "tab", "next panel", Action.NEXT_PANEL),
    Binding(("j", "down"), "j, arrow down", "one line down", Action.DOWN),
    Binding(("k", "up"), "k, arrow up", "one line up", Action.UP),
    Binding(("g", "home"), "g, Home", "to the first line", Action.TOP),
    Binding(("G", "end"), "G, End", "to the last line", Action.BOTTOM),
    Binding(("page_down",), "PgDn", "ten lines down", Action.PAGE_DOWN),
    Binding(("page_up",), "PgUp", "ten lines up", Action.PAGE_UP),
    Binding(("enter",), "enter", "everything about the order", Action.DETAIL),
    Binding(("esc",), "esc", "back; clears the filter", Action.BACK),
    Binding(("/",), "/", "show only lines with a text", Action.FILTER),
    Binding(("f",), "f", "follow the events, or hold them", Action.FOLLOW),
    Binding(("+",), "+", "refresh more often", Action.FASTER),
    Binding(("-",), "-", "refresh less often", Action.SLOWER),
    Binding(("p",), "p", "pause entries; exits go on", Action.PAUSE),
    Binding(("P",), "P", "resume entries", Action.RESUME),
    Binding(("K",), "K", "kill switch, or its release (asks for a word)", Action.KILL),
    Binding(("r",), "r", "send the failed order again (asks)", Action.RETRY),
    Binding(("d",), "d", "drop the failed, cancel the pending order (asks)", Action.DROP),
    Binding(("a",), "a", "acknowledge the alert that stands first", Action.ACKNOWLEDGE),
    Binding(("ctrl-l",), "ctrl-l", "paint everything again", Action.REPAINT),
    Binding(("s",), "s", "save this screen as text", Action.SCREENSHOT),
    Binding(("ctrl-z",), "ctrl-z", "ignored: orders would be left alone", Action.SUSPEND),
)
ACTING = frozenset(
    {Action.QUIT, Action.PAUSE, Action.RESUME, Action.KILL, Action.RETRY, Action.DROP, Action.ACKNOWLEDGE}
)
"""What changes something outside of the screen: refused with --read-only."""

HINTS = (
    ("?", "help"),
    ("q", "quit"),
    ("tab", "panel"),
    ("0-5", "status"),
    ("enter", "detail"),
    ("/", "filter"),
    ("p", "pause"),
    ("K", "KILL"),
    ("r", "retry"),
    ("d", "drop"),
    ("a", "acknowledge"),
    ("f", "follow"),
    ("s", "save"),
    ("+ -", "refresh"),
)
"""Keys and words of the last line, as many as it holds."""

ACTION_OF: Mapping[str, Action] = {key: binding.action for binding in BINDINGS for key in binding.keys}

_SEQUENCES: Mapping[bytes, str] = {
    b"\x1b[A": "up",
    b"\x1bOA": "up",
    b"\x1b[B": "down",
    b"\x1bOB": "down",
    b"\x1b[H": "home",
    b"\x1bOH": "home",
    b"\x1b[1~": "home",
    b"\x1b[7~": "home",
    b"\x1b[F": "end",
    b"\x1bOF": "end",
    b"\x1b[4~": "end",
    b"\x1b[8~": "end",
    b"\x1b[5~": "page_up",
    b"\x1b[6~": "page_down",
}
_CONTROLS: Mapping[int, str] = {
    0x09: "tab",
    0x0A: "enter",
    0x0D: "enter",
    0x08: "backspace",
    0x7F: "backspace",
    0x0C: "ctrl-l",
    0x1A: "ctrl-z",
}
_SEQUENCE_BYTES_MAX = 16


def decode(data: bytes, *, is_all: bool) -> tuple[list[str], bytes]:
    """The keys in what was read, and what is left of an unfinished one.

    `is_all`: nothing more has come for a while, so that an escape on its own is the key `esc`. A character is its own
    name; sequences that mean nothing here are left out, as is what is not UTF-8.
    """
    keys: list[str] = []
    while data:
        if data[0] == 0x1B:
            length = _sequence_length(data)
            if length is None:
                if not is_all:
                    return keys, data
                length = len(data) if len(data) > 1 else 1
            keys += _sequence_key(data[:length])
        else:
            length = _character_length(data[0])
            if len(data) < length and not is_all:
                return keys, data
            keys += _character_key(data[:length])
        data = data[length:]
    return keys, b""


def _sequence_length(data: bytes) -> int | None:
    """How long the sequence at the start is; None when its end has not come yet."""
    if len(data) == 1:
        return None
    if data[1:2] == b"O":
        return 3 if len(data) >= 3 else None
    if data[1:2] != b"[":
        return 1
    for at, byte in enumerate(data[2:_SEQUENCE_BYTES_MAX], start=3):
        if 0x40 <= byte <= 0x7E:
            return at
    return _SEQUENCE_BYTES_MAX if len(data) >= _SEQUENCE_BYTES_MAX else None


def _sequence_key(sequence: bytes) -> list[str]:
    if sequence == b"\x1b":
        return ["esc"]
    return [_SEQUENCES[sequence]] if sequence in _SEQUENCES else []


def _character_length(first: int) -> int:
    if first >= 0xF0:
        return 4
    if first >= 0xE0:
        return 3
    return 2 if first >= 0xC0 else 1


def _character_key(data: bytes) -> list[str]:
    if data[0] in _CONTROLS:
        return [_CONTROLS[data[0]]]
    text = data.decode(errors="ignore")
    return [text] if text.isprintable() and text else []
