"""The kinds of values that a key can have: how each is read, and how it is written back."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, TypeVar

from pydantic import BeforeValidator

from tradebot.domain.manual import ManualPolicy
from tradebot.domain.policy import GuardMode, OffHours, UnknownPolicy

E = TypeVar("E", bound=StrEnum)

_STRATEGY_NAME = re.compile(r"[A-Za-z]\w{0,63}|\w+(\.\w+)*:\w+", re.ASCII)
_STRATEGIES_MAX = 20
_NUMBER_MAX = Decimal(10**15)
_SHOWN_CHARACTERS_MAX = 80
_DIGITS_UNGROUPED = 4


class Mode(StrEnum):
    """Where quotes come from and which clock runs; orders go to the embedded exchange in all but `live`."""

    REPLAY = "replay"
    PAPER = "paper"
    LIVE = "live"


class BrokerName(StrEnum):
    """Where orders go: the embedded exchange, Zerodha's Kite Connect, Kotak Neo."""

    PAPER = "paper"
    KITE = "kite"
    KOTAK = "kotak"


class Durability(StrEnum):
    """What a write has reached before it counts: the disk (`power`), or the operating system (`process`)."""

    AUTO = "auto"
    POWER = "power"
    PROCESS = "process"


class TrackerMode(StrEnum):
    """Where pending orders are kept: in the database, or in the file of older versions as well."""

    DB = "db"
    DUAL = "dual"


class Ui(StrEnum):
    """What the terminal shows: a dashboard (only where it can), a line for each change, or nothing."""

    AUTO = "auto"
    FULL = "full"
    LINE = "line"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyUse:
    """A strategy by its name, the parameters for its constructor (pairs of name and value), and who asks for it."""

    name: str
    parameters: tuple[tuple[str, object], ...] = ()
    place: str = field(default="default", compare=False)


def _a_number(value: object) -> Decimal:
    """Exact: a whole number, a decimal number (never a binary float) or either as text."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,9})?", value):
        value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("no number")
    number = Decimal(value)
    # The bound comes first: beyond the context's precision `quantize` does not answer, it raises.
    if not number.is_finite() or abs(number) > _NUMBER_MAX or number != number.quantize(Decimal("0.01")):
        raise ValueError("no number with at most two decimals")
    return number


def _a_time(value: object) -> time:
    if isinstance(value, str) and re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        return time.fromisoformat(value)
    if not isinstance(value, time) or value.tzinfo is not None or value.second or value.microsecond:
        raise ValueError("no time of day in whole minutes")
    return value


def _a_date(value: object) -> date:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return date.fromisoformat(value)
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError("no date")
    return value


def _a_guard(value: object) -> GuardMode:
    if isinstance(value, bool):
        return GuardMode.ON if value else GuardMode.OFF
    if isinstance(value, GuardMode) or value == GuardMode.SHADOW.value:
        return GuardMode(value)
    raise ValueError("neither true, false nor shadow")


def _a_word_of(words: type[E]) -> Callable[[object], E]:
    def read(value: object) -> E:
        if not isinstance(value, str):
            raise ValueError("no word")
        return words(value)

    return read


def _the_strategies(value: object) -> tuple[StrategyUse, ...]:
    if not isinstance(value, list | tuple) or len(value) > _STRATEGIES_MAX:
        raise ValueError("no list of strategies")
    uses = tuple(one if isinstance(one, StrategyUse) else _a_strategy(one) for one in value)
    if any(use in uses[:index] for index, use in enumerate(uses)):
        raise ValueError("a strategy is listed twice with the same parameters")
    return uses


def _a_strategy(table: object) -> StrategyUse:
    name = table.get("name") if isinstance(table, dict) else None
    if not isinstance(table, dict) or not isinstance(name, str) or not _STRATEGY_NAME.fullmatch(name):
        raise ValueError("no table with the name of a strategy")
    return StrategyUse(
        name=name,
        parameters=tuple((key, _a_parameter(one)) for key, one in table.items() if key != "name"),
    )


def _a_parameter(value: object) -> object:
    """A value that cannot be changed afterwards: lists become tuples, tables are refused."""
    if isinstance(value, list | tuple):
        return tuple(_a_parameter(one) for one in value)
    if isinstance(value, bool | int | str) or (isinstance(value, Decimal) and value.is_finite()):
        return value
    raise ValueError("no parameter of a strategy")


Number = Annotated[Decimal, BeforeValidator(_a_number)]
ClockTime = Annotated[time, BeforeValidator(_a_time)]
Day = Annotated[date, BeforeValidator(_a_date)]
Guard = Annotated[GuardMode, BeforeValidator(_a_guard)]
BrokerWord = Annotated[BrokerName, BeforeValidator(_a_word_of(BrokerName))]
ModeWord = Annotated[Mode, BeforeValidator(_a_word_of(Mode))]
DurabilityWord = Annotated[Durability, BeforeValidator(_a_word_of(Durability))]
UiWord = Annotated[Ui, BeforeValidator(_a_word_of(Ui))]
OffHoursWord = Annotated[OffHours, BeforeValidator(_a_word_of(OffHours))]
UnknownWord = Annotated[UnknownPolicy, BeforeValidator(_a_word_of(UnknownPolicy))]
TrackerWord = Annotated[TrackerMode, BeforeValidator(_a_word_of(TrackerMode))]
ManualWord = Annotated[ManualPolicy, BeforeValidator(_a_word_of(ManualPolicy))]
Strategies = Annotated[tuple[StrategyUse, ...], BeforeValidator(_the_strategies)]


def from_text(text: str) -> object:
    """A variable's text as the value it would be in the file: `5`, `true`, `2026-09-16`; anything else is a text."""
    try:
        read = tomllib.loads(f"value = {text}", parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError):
        return text
    return read["value"] if len(read) == 1 else text


def plain(value: object) -> object:
    """The value as JSON can carry it, exactly: decimal numbers, dates and times are texts."""
    if _is_switch(value):
        return value is GuardMode.ON
    if isinstance(value, StrategyUse):
        return {"name": value.name} | {key: plain(one) for key, one in value.parameters}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value if isinstance(value, bool | int) else _text(value)


def in_file(value: object) -> str:
    """The value as it stands in a TOML file."""
    if _is_switch(value) or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | Decimal | date):
        return _text(value)
    if isinstance(value, StrategyUse):
        return in_file({"name": value.name, **dict(value.parameters)})
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_bare(key)} = {in_file(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(in_file(one) for one in value) + "]"
    return _quoted(_text(value))


def grouped(value: object) -> str:
    """As in a file, large numbers with their thousands set apart."""
    text = in_file(value)
    return f"{int(text):_}" if text.isdigit() and len(text) > _DIGITS_UNGROUPED else text


def shown(value: object) -> str:
    """The value in a message: as in a file, and not longer than a line."""
    text = in_file(value)
    return text if len(text) <= _SHOWN_CHARACTERS_MAX else text[:_SHOWN_CHARACTERS_MAX] + "..."


def listed(words: Sequence[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def _is_switch(value: object) -> bool:
    """Not by equality: the text "true" equals the mode that is written as true."""
    return isinstance(value, GuardMode) and value is not GuardMode.SHADOW


def _text(value: object) -> str:
    """The same text for every way of writing the same value: numbers in plain digits, times in whole minutes."""
    if isinstance(value, time):
        return value.isoformat("minutes" if not value.second and not value.microsecond else "auto")
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, Decimal) or not value.is_finite() or abs(value.adjusted()) > _SHOWN_CHARACTERS_MAX:
        return str(value)
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _bare(key: object) -> str:
    return str(key) if re.fullmatch(r"[A-Za-z0-9_-]+", str(key)) else _quoted(str(key))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
