"""All fault dials by name: how they are written down, and how they are read from words and from JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeGuard, get_type_hints

from tradebot.exchange import dials, event_dials, gateway_dials, house_dials, order_dials
from tradebot.exchange.edge import Dial
from tradebot.exchange.events_edge import EventDial

HouseDial = house_dials.AdHocHoliday | house_dials.BandMoved | house_dials.ArrivesLate | house_dials.StreamDrops
AnyDial = Dial | EventDial | HouseDial

KINDS: Mapping[str, type[Any]] = {
    str(next(f.default for f in fields(kind) if f.name == "name")): kind
    for kind in (
        dials.AnswerLostBefore,
        dials.AnswerLostAfter,
        dials.StaleBook,
        dials.AbsentThenPresent,
        dials.EmptyBookIsError,
        dials.AcceptedThenRejected,
        dials.FillsAfterCancel,
        dials.DuplicateTagRefused,
        gateway_dials.TimeoutAsBadRequest,
        gateway_dials.Unavailable,
        gateway_dials.RefusedWithoutOrder,
        gateway_dials.TooManyRequests,
        gateway_dials.HtmlInstead,
        gateway_dials.DeadSession,
        gateway_dials.WrongAddress,
        gateway_dials.Late,
        order_dials.StuckInterim,
        order_dials.StopsCancelled,
        order_dials.ModifyNotTaken,
        order_dials.AmoCancelOtherVariety,
        order_dials.PriceZeroFilled,
        event_dials.EventsMissing,
        event_dials.EventsDoubled,
        event_dials.EventsReordered,
        event_dials.EventsLateAfterFinal,
        event_dials.StreamSilent,
        house_dials.AdHocHoliday,
        house_dials.BandMoved,
        house_dials.ArrivesLate,
        house_dials.StreamDrops,
    )
}


class UnknownDial(ValueError):
    """A dial, or one of its parameters, that does not exist or makes no sense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialBox:
    """Dials sorted by where they act."""

    edge: tuple[Dial, ...] = ()
    events: tuple[EventDial, ...] = ()
    house: tuple[HouseDial, ...] = ()

    @classmethod
    def of(cls, chosen: Sequence[AnyDial]) -> DialBox:
        return cls(
            edge=tuple(dial for dial in chosen if _is_of_edge(dial)),
            events=tuple(dial for dial in chosen if _is_of_events(dial)),
            house=tuple(dial for dial in chosen if isinstance(dial, HouseDial)),
        )


def _is_of_edge(dial: AnyDial) -> TypeGuard[Dial]:
    return hasattr(dial, "through")


def _is_of_events(dial: AnyDial) -> TypeGuard[EventDial]:
    return hasattr(dial, "pass_on")


def dial_in(data: Mapping[str, object]) -> AnyDial:
    """A dial from `{"name": ..., parameter: value}`. What has no default is struck always: 1000 per mille."""
    name = str(data.get("name", ""))
    if name not in KINDS:
        raise UnknownDial(f"there is no dial {name!r}; there are {', '.join(sorted(KINDS))}")
    kind, hints = KINDS[name], get_type_hints(KINDS[name])
    given = {key: value for key, value in data.items() if key != "name"}
    if unknown := set(given) - set(hints):
        raise UnknownDial(f"the dial {name} has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(hints))}")
    values = {key: _read(f"{name}.{key}", value, hints[key]) for key, value in given.items()}
    if "per_mille" in hints:
        values.setdefault("per_mille", 1000)
    missing = [f.name for f in fields(kind) if f.default is MISSING and f.name not in values]
    if missing:
        raise UnknownDial(f"the dial {name} needs {', '.join(missing)}")
    made: AnyDial = kind(**values)
    return made


def dial_of(text: str) -> AnyDial:
    """A dial as it is typed: `name`, `name=30` (30 per mille), `name=30,hold_s=2,calls=place+cancel`."""
    first, *others = text.split(",")
    name, _, per_mille = first.partition("=")
    data: dict[str, object] = {"name": name.strip()}
    if per_mille:
        data["per_mille"] = per_mille
    for other in others:
        key, _, value = other.partition("=")
        data[key.strip()] = value.strip()
    return dial_in(data)


def dial_out(dial: AnyDial) -> dict[str, object]:
    """What `dial_in` reads."""
    values = {f.name: _written(getattr(dial, f.name)) for f in fields(dial)}  # type: ignore[arg-type]
    return {"name": values.pop("name"), **values}


def _read(place: str, value: object, kind: object) -> object:
    try:
        return _value(value, kind)
    except (ValueError, TypeError, InvalidOperation):
        raise UnknownDial(f"{place}: {value!r} is no {getattr(kind, '__name__', kind)}") from None


def _value(value: object, kind: object) -> object:
    if kind is bool:
        return {"true": True, "false": False}[str(value).lower()] if str(value).lower() in ("true", "false") else _no()
    if kind is int:
        number = int(str(value))
        return number if number >= 0 else _no()
    if kind is float:
        return float(str(value))
    if kind is Decimal:
        return Decimal(str(value))
    if kind is timedelta:
        return timedelta(seconds=float(str(value)))
    if kind is date:
        return date.fromisoformat(str(value))
    if kind is str:
        return str(value)
    calls = frozenset(value.split("+") if isinstance(value, str) else map(str, value))  # type: ignore[call-overload]
    return calls if calls <= gateway_dials.ALL_CALLS else _no()


def _no() -> object:
    raise ValueError


def _written(value: object) -> object:
    match value:
        case date():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case frozenset():
            return sorted(value)
        case Decimal():
            return str(value)
        case _:
            return value
