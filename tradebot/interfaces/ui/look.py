"""How everything looks: styles, cells of one line, tables whose columns drop in a fixed order, and boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style

from tradebot.interfaces.ui.printable import ascii_only, printable

Line = list[Segment]
Cell = str | tuple[str, Style]

# Blue and orange are told apart by almost everybody; both are of the user's own palette.
PLAIN = Style()
BOLD = Style(bold=True)
DIM = Style(dim=True)
GOOD = Style(color="bright_blue")
BAD = Style(color="yellow")
ALARM = Style(color="yellow", bold=True)
REVERSE = Style(reverse=True, bold=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the terminal can show."""

    is_coloured: bool = True
    is_ascii: bool = False

    @classmethod
    def of(cls, environ: Mapping[str, str], *, is_ascii: bool = False) -> Look:
        """No colours under NO_COLOR (https://no-color.org); ASCII also where the locale is not one of UTF-8."""
        locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
        is_utf8 = "utf-8" in locale.lower() or "utf8" in locale.lower()
        return cls(is_coloured=not environ.get("NO_COLOR"), is_ascii=is_ascii or not is_utf8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table. The one with `grows` takes what is left; `width` is its least then.

    Where there is no room, the column with the highest `drop` goes first; 0 stays.
    """

    title: str
    width: int
    drop: int = 0
    is_right: bool = False
    grows: bool = False


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int, selected: int | None = None
) -> list[Line]:
    """A line of titles and one line a row, each `width` cells long."""
    widths = _widths(columns, width)
    lines = [_row([(column.title, DIM) for column in columns], columns, widths, None)]
    lines += [_row(row, columns, widths, REVERSE if at == selected else None) for at, row in enumerate(rows)]
    return [fitted(line, width) for line in lines]


def words(*cells: Cell, gap: str = "   ") -> Line:
    """Cells one after the other with a gap between them; empty ones are left out."""
    line: Line = []
    for cell in cells:
        text, style = cell if isinstance(cell, tuple) else (cell, PLAIN)
        if text:
            line += [Segment(gap, PLAIN)] if line else []
            line.append(Segment(printable(text), style))
    return line


def from_line(lines: Sequence[Line], first: int, width: int, height: int) -> list[Line]:
    """What of a page there is room for, from a line on; its last line says how many there are below."""
    first = min(first, max(0, len(lines) - 1))
    below = len(lines) - first - height
    if below <= 0 or height < 2:
        return [fitted(line, width) for line in lines[first : first + height]]
    shown = [fitted(line, width) for line in lines[first : first + height - 1]]
    return [*shown, fitted(words((f"... {below + 1} more lines below: j, PgDn, G", DIM)), width)]


def fitted(line: Line, width: int, style: Style = PLAIN) -> Line:
    """The line at exactly `width` cells: cut with an ellipsis, or filled up with spaces."""
    result: Line = []
    left = width
    for text, own, _ in line:
        length = _cells(text)
        if length > left:
            result.append(Segment(_cut(text, left), own))
            return result
        result.append(Segment(text, own))
        left -= length
    if left:
        result.append(Segment(" " * left, style))
    return result


def boxed(title: str, lines: Sequence[Line], width: int, height: int, *, is_focused: bool = False) -> list[Line]:
    """A frame of `width` x `height` cells around as many of the lines as it holds."""
    edge = BOLD if is_focused else DIM
    inner = width - 4
    title = _cut(printable(title), inner - 2) if _cells(title) > inner - 2 else printable(title)
    top = [
        Segment("╭─ ", edge),
        Segment(title, BOLD),
        Segment(" " + "─" * (inner - 1 - _cells(title)) + "╮", edge),
    ]
    side, other = Segment("│ ", edge), Segment(" │", edge)
    body = [[side, *fitted(line, inner), other] for line in lines[: height - 2]]
    body += [[side, Segment(" " * inner, PLAIN), other]] * (height - 2 - len(body))
    return [top, *body, [Segment("╰" + "─" * (width - 2) + "╯", edge)]]


def encoded(line: Line, look: Look) -> bytes:
    """The line as a terminal takes it: neighbours of one style together, and nothing but text and colours."""
    parts: list[str] = []
    run, style = "", PLAIN
    for text, own, _ in line:
        own = own or PLAIN
        if own is not style and own != style:
            parts.append(_styled(run, style, look))
            run, style = "", own
        run += text
    parts.append(_styled(run, style, look))
    return "".join(parts).encode()


def plain_text(line: Line, look: Look) -> str:
    text = "".join(segment.text for segment in line)
    return (ascii_only(text) if look.is_ascii else text).rstrip()


def _styled(text: str, style: Style, look: Look) -> str:
    text = ascii_only(text) if look.is_ascii else text
    style = style if look.is_coloured else style.without_color
    return style.render(text, color_system=ColorSystem.STANDARD)


def _widths(columns: Sequence[Column], width: int) -> list[int]:
    """The width of each column, 0 for one that is dropped."""
    kept = list(range(len(columns)))
    while True:
        needed = sum(columns[at].width for at in kept) + len(kept) - 1
        droppable = [at for at in kept if columns[at].drop]
        if needed <= width or not droppable:
            break
        kept.remove(max(droppable, key=lambda at: columns[at].drop))
    widths = [column.width if at in kept else 0 for at, column in enumerate(columns)]
    growing = [at for at in kept if columns[at].grows]
    if growing and needed < width:
        widths[growing[0]] += width - needed
    return widths


def _row(row: Sequence[Cell], columns: Sequence[Column], widths: Sequence[int], over: Style | None) -> Line:
    line: Line = []
    for cell, column, width in zip(row, columns, widths, strict=True):
        if not width:
            continue
        text, style = cell if isinstance(cell, tuple) else (cell, PLAIN)
        if line:
            line.append(Segment(" ", over or PLAIN))
        line.append(Segment(_aligned(printable(text), width, column.is_right), over or style))
    return line


def _aligned(text: str, width: int, is_right: bool) -> str:
    missing = width - _cells(text)
    if missing < 0:
        return _cut(text, width)
    return " " * missing + text if is_right else text + " " * missing


def _cut(text: str, width: int) -> str:
    return set_cell_size(text, width - 1) + "…" if width > 0 else ""


def _cells(text: str) -> int:
    return len(text) if text.isascii() else cell_len(text)
