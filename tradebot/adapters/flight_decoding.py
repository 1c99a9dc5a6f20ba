"""Messages out of a flight record: the way back of `flight_encoding`, by the same annotations."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

Decode = Callable[[Any], Any]
T = TypeVar("T")


def decode(kind: type[T], raw: Mapping[str, Any]) -> T:
    """A dataclass from its fields. A field that the record does not have takes its default: the class has grown.
    Raises TypeError, ValueError or KeyError for a record that does not fit."""
    of_any: Any = kind
    decoders = _decoders_of(of_any)
    return kind(**{name: decoders[name](value) for name, value in raw.items() if name in decoders})


@cache
def _decoders_of(kind: type) -> Mapping[str, Decode]:
    hints = get_type_hints(kind)
    return {field.name: decoder(hints[field.name]) for field in fields(kind) if field.init}


@cache
def decoder(annotation: Any) -> Decode:
    """The function that makes a value of this annotation from what JSON gave."""
    if (simple := _SIMPLE.get(annotation)) is not None:
        return simple
    if (supertype := getattr(annotation, "__supertype__", None)) is not None:
        return decoder(supertype)
    origin = get_origin(annotation)
    if origin is not None:
        return _generic(origin, get_args(annotation))
    if isinstance(annotation, type):
        if issubclass(annotation, Enum):
            return annotation
        if is_dataclass(annotation):
            return lambda raw: decode(annotation, raw)
    raise TypeError(f"{annotation}: nothing says how it is read")


def _generic(origin: Any, arguments: tuple[Any, ...]) -> Decode:
    if origin in (Union, types.UnionType):
        members = [member for member in arguments if member is not type(None)]
        if len(members) < len(arguments) and len(members) == 1:
            return _optional(members[0])
        return _tagged(members)
    if issubclass(origin, Mapping):
        of_key, of_value = decoder(arguments[0]), decoder(arguments[1])
        return lambda raw: {of_key(key): of_value(value) for key, value in raw.items()}
    if issubclass(origin, tuple) and arguments[1:] != (...,):
        row = [decoder(argument) for argument in arguments]
        return lambda raw: tuple(each(part) for each, part in zip(row, raw, strict=True))
    of_each = decoder(arguments[0])
    if issubclass(origin, Set):
        return lambda raw: frozenset(map(of_each, raw))
    if issubclass(origin, Sequence):
        return lambda raw: tuple(map(of_each, raw))
    raise TypeError(f"{origin}: nothing says how it is read")


def _optional(member: Any) -> Decode:
    # Looked up at the first value, not now: a class may have fields of its own kind.
    return lambda raw: None if raw is None else decoder(member)(raw)


def _tagged(members: Sequence[Any]) -> Decode:
    by_name = {member.__name__: member for member in members}

    def read(raw: Any) -> Any:
        return None if raw is None else decoder(by_name[raw["type"]])(raw["value"])

    return read


def _same(value: Any) -> Any:
    return value


_SIMPLE: Mapping[Any, Decode] = {
    str: _same,
    int: _same,
    bool: _same,
    type(None): _same,
    float: float,
    Decimal: Decimal,
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    time: time.fromisoformat,
    timedelta: lambda microseconds: timedelta(microseconds=microseconds),
}
