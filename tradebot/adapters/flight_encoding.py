"""How a message becomes JSON without losing anything: encoders made once per class from its annotations.

The annotation says what a value is, so the text does not have to. Read back with the same annotations it is:

| annotation | text |
|---|---|
| str, int, bool, None, and NewTypes of them | the same in JSON |
| float | a number with all its digits; "nan", "inf", "-inf" |
| Decimal | a string with its digits and exponent as they are |
| datetime, date, time | a string in ISO 8601, with the offset |
| timedelta | a number: whole microseconds |
| an Enum | its value |
| a dataclass | an object of its fields in their order |
| tuple, list, Sequence | an array; a set is sorted by its texts |
| Mapping, dict | an object in its order; a key that is no string is the string of its text |
| X or None | X, or null |
| any other union, object, Any | {"type": name of the class, "value": as above}, null for None |

The elements of a container in such a union are told with their types too, and its dict is an array of pairs.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from math import isfinite
from operator import attrgetter, call
from typing import Any, Union, get_args, get_origin, get_type_hints

from tradebot.adapters.json_lines import json_string

Encode = Callable[[Any], str]

_MICROSECOND = timedelta(microseconds=1)


@cache
def encoders_of(kind: type) -> Mapping[str, Encode]:
    """The encoder of each field of a dataclass, in order. TypeError for what cannot be encoded without loss."""
    hints = get_type_hints(kind)
    return {field.name: encoder(hints[field.name]) for field in fields(kind)}


@cache
def large_fields_of(kind: type) -> frozenset[str]:
    """The fields that can hold much: containers and dataclasses, also where they may be None."""
    hints = get_type_hints(kind)
    return frozenset(field.name for field in fields(kind) if _is_large(hints[field.name]))


@cache
def element_encoders_of(kind: type) -> Mapping[str, Encode]:
    """For each field that is a tuple of dataclasses, the encoder of one of them."""
    hints = get_type_hints(kind)
    found: dict[str, Encode] = {}
    for name in (field.name for field in fields(kind)):
        element: Any = next(iter(get_args(hints[name])), None)
        is_many = get_origin(hints[name]) is tuple and get_args(hints[name])[1:] == (...,)
        if is_many and is_dataclass(element):
            one: Any = element
            found[name] = encoder(one)
    return found


@cache
def encoder(annotation: Any) -> Encode:
    """The function that turns a value of this annotation into JSON text."""
    if (simple := _SIMPLE.get(annotation)) is not None:
        return simple
    if (supertype := getattr(annotation, "__supertype__", None)) is not None:
        return encoder(supertype)
    origin = get_origin(annotation)
    if origin is not None:
        return _generic(origin, get_args(annotation), annotation)
    if isinstance(annotation, type):
        if issubclass(annotation, Enum):
            return _of_enum(annotation)
        if is_dataclass(annotation):
            return _of_dataclass(annotation)
    if annotation in (Any, object):
        return _tagged
    raise TypeError(f"{annotation}: nothing says how it is encoded")


def _generic(origin: Any, arguments: tuple[Any, ...], annotation: Any) -> Encode:
    if origin in (Union, types.UnionType):
        members = [member for member in arguments if member is not type(None)]
        if len(members) < len(arguments) and len(members) == 1:
            return _optional(encoder(members[0]))
        return _tagged
    if issubclass(origin, Mapping):
        return _of_mapping(encoder(arguments[0]), encoder(arguments[1]))
    if issubclass(origin, tuple) and arguments[1:] != (...,):
        return _of_row([encoder(argument) for argument in arguments])
    if issubclass(origin, Set):
        return _of_set(encoder(arguments[0]))
    if issubclass(origin, Sequence):
        return _of_sequence(encoder(arguments[0]))
    raise TypeError(f"{annotation}: nothing says how it is encoded")


def _optional(encode: Encode) -> Encode:
    return lambda value: "null" if value is None else encode(value)


def _of_enum(kind: type[Enum]) -> Encode:
    return {member: _by_type(member.value) for member in kind}.__getitem__


def _by_type(value: Any) -> str:
    kind: Any = type(value)
    return encoder(kind)(value)


def _of_dataclass(kind: type) -> Encode:
    # Looked up at the first value, not now: a class may have fields of its own kind.
    def encode(value: Any) -> str:
        template, encoders, get = _plan(kind)
        return template % tuple(map(call, encoders, get(value)))

    return encode


@cache
def _plan(kind: type) -> tuple[str, Sequence[Encode], Callable[[Any], Sequence[Any]]]:
    encoders = encoders_of(kind)
    names = list(encoders)
    template = "{" + ",".join([f"{json_string(name)}:%s" for name in names]) + "}"
    if len(names) > 1:
        return template, list(encoders.values()), attrgetter(*names)
    # For one name alone, attrgetter gives the value and not a tuple.
    return template, list(encoders.values()), lambda value: [getattr(value, name) for name in names]


def _of_mapping(encode_key: Encode, encode_value: Encode) -> Encode:
    def key_text(key: Any) -> str:
        text = encode_key(key)
        return text if text.startswith('"') else json_string(text)

    def encode(value: Mapping[Any, Any]) -> str:
        return "{" + ",".join([f"{key_text(key)}:{encode_value(each)}" for key, each in value.items()]) + "}"

    return encode


def _of_row(encoders: Sequence[Encode]) -> Encode:
    def encode(value: Sequence[Any]) -> str:
        return "[" + ",".join([each(part) for each, part in zip(encoders, value, strict=True)]) + "]"

    return encode


def _of_set(encode_each: Encode) -> Encode:
    return lambda value: "[" + ",".join(sorted([encode_each(each) for each in value])) + "]"


def _of_sequence(encode_each: Encode) -> Encode:
    return lambda value: "[" + ",".join([encode_each(each) for each in value]) + "]"


def _tagged(value: Any) -> str:
    match value:
        case None:
            return "null"
        case tuple() | list():
            text = _of_sequence(_tagged)(value)
        case set() | frozenset():
            text = _of_set(_tagged)(value)
        case dict():
            text = "[" + ",".join([f"[{_tagged(key)},{_tagged(each)}]" for key, each in value.items()]) + "]"
        case _:
            text = _by_type(value)
    return f'{{"type":{json_string(type(value).__name__)},"value":{text}}}'


def _is_large(annotation: Any) -> bool:
    members = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    return any(
        is_dataclass(member) or issubclass(get_origin(member) or type(None), Sequence | Mapping | Set)
        for member in members
    )


def _of_float(value: float) -> str:
    return float.__repr__(value) if isfinite(value) else f'"{value}"'


_SIMPLE: dict[Any, Encode] = {
    str: json_string,
    int: int.__repr__,
    bool: {True: "true", False: "false"}.__getitem__,
    type(None): {None: "null"}.__getitem__,
    float: _of_float,
    Decimal: '"%s"'.__mod__,
    datetime: lambda value: f'"{value.isoformat()}"',
    date: lambda value: f'"{value.isoformat()}"',
    time: lambda value: f'"{value.isoformat()}"',
    timedelta: lambda value: str(value // _MICROSECOND),
}
