"""How a command that came as JSON becomes a value again: `flight_encoding` backwards, and strict.

A key that nobody knows, a word that no enum has, a number where text belongs: each is a ValueError that says where. A
field that is left out has its default, if it has one.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

Decode = Callable[[Any], Any]


@cache
def decoder(annotation: Any) -> Decode:
    """The function that turns what JSON gave into a value of this annotation. TypeError for one that is not known."""
    if (simple := _SIMPLE.get(annotation)) is not None:
        return simple
    if (supertype := getattr(annotation, "__supertype__", None)) is not None:
        return decoder(supertype)
    origin = get_origin(annotation)
    if origin is not None:
        return _generic(origin, get_args(annotation), annotation)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return annotation
    if isinstance(annotation, type) and is_dataclass(annotation):
        return _of_dataclass(annotation)
    raise TypeError(f"{annotation}: nothing says how it is read")


def _generic(origin: Any, arguments: tuple[Any, ...], annotation: Any) -> Decode:
    if origin in (Union, types.UnionType):
        (member,) = [member for member in arguments if member is not type(None)]
        decode = decoder(member)
        return lambda value: None if value is None else decode(value)
    if issubclass(origin, tuple | Sequence) and (origin is not tuple or arguments[1:] == (...,)):
        return _of_sequence(decoder(arguments[0]))
    if issubclass(origin, Mapping):
        return _of_mapping(decoder(arguments[0]), decoder(arguments[1]))
    raise TypeError(f"{annotation}: nothing says how it is read")


def _of_sequence(decode: Decode) -> Decode:
    return lambda value: tuple(decode(each) for each in _a(list, value))


def _of_mapping(decode_key: Decode, decode: Decode) -> Decode:
    return lambda value: {decode_key(key): decode(each) for key, each in _a(dict, value).items()}


def _of_dataclass(kind: type) -> Decode:
    hints = get_type_hints(kind)
    decoders = {field.name: decoder(hints[field.name]) for field in fields(kind)}
    needed = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}

    def decode(value: Any) -> Any:
        given = _a(dict, value)
        if missing := sorted(needed - given.keys()):
            raise ValueError(f"{kind.__name__} has no {missing[0]}")
        if unknown := sorted(given.keys() - decoders.keys()):
            raise ValueError(f"{kind.__name__} knows no {unknown[0]}")
        return kind(**{name: _field(kind, name, decoders[name], each) for name, each in given.items()})

    return decode


def _field(kind: type, name: str, decode: Decode, value: Any) -> Any:
    try:
        return decode(value)
    except ValueError as error:
        raise ValueError(f"{kind.__name__}.{name}: {error}") from error


def _a(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise ValueError(f"{value!r} is no {kind.__name__}")
    return value


def _plain(kind: type) -> Decode:
    return lambda value: _a(kind, value)


def _decimal(value: Any) -> Decimal:
    try:
        found = Decimal(_a(str, value))
    except InvalidOperation:
        raise ValueError(f"{value!r} is no number") from None
    if not found.is_finite():
        raise ValueError(f"{value!r} is no finite number")
    return found


def _instant(value: Any) -> datetime:
    found = datetime.fromisoformat(_a(str, value))
    if found.tzinfo is None:
        raise ValueError(f"{value!r} has no zone")
    return found


_SIMPLE: dict[Any, Decode] = {
    str: _plain(str),
    int: _plain(int),
    bool: _plain(bool),
    Decimal: _decimal,
    datetime: _instant,
    date: lambda value: date.fromisoformat(_a(str, value)),
}
