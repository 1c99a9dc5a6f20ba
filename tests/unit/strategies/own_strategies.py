"""Strategies of an operator's own, good ones and such as must be refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from tradebot.domain.positions import Position
from tradebot.domain.signals import Signal
from tradebot.ports import History

NOT_A_CLASS = "text"


class Patient:
    """Never buys, and sells at its one price."""

    def __init__(self, *, price: Decimal, label: str = "patient") -> None:
        if price <= 0:
            raise ValueError(f"price is {price}; allowed is a price above 0")
        self._price = price
        self._label = label

    @property
    def name(self) -> str:
        return self._label

    def signals(self, trading_day: date, history: History, held: Sequence[Position]) -> Sequence[Signal]:
        return ()

    def target(self, position: Position, as_of: date, history: History) -> Decimal | None:
        return self._price


class TakesAnything(Patient):
    def __init__(self, **parameters: object) -> None:
        super().__init__(price=Decimal(len(parameters) + 1))


class WithoutTarget:
    name = "without-target"

    def signals(self, trading_day: date, history: History, held: Sequence[Position]) -> Sequence[Signal]:
        return ()


class WithoutName(Patient):
    name = None  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__(price=Decimal(1))


class WithOtherArguments(WithoutTarget):
    def target(self, position: Position) -> Decimal | None:
        return None


class Unmakeable(Patient):
    def __init__(self) -> None:
        raise OSError("no such model")
