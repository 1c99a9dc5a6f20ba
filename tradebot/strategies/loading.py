"""Makes a strategy from what the configuration says: a built-in name, or a class of the operator's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from inspect import Parameter, signature

from tradebot.domain.errors import TradebotError
from tradebot.ports import Strategy
from tradebot.strategies.csv_signals import CsvSignals
from tradebot.strategies.dip import Dip
from tradebot.strategies.generator import Generator

BUILT_IN: Mapping[str, Callable[..., Strategy]] = {"csv": CsvSignals, "dip": Dip, "generator": Generator}
# The calls of ports.Strategy with the number of their arguments.
_METHODS = {"signals": 3, "target": 3}


class StrategyNotLoaded(TradebotError):
    """The configuration names a strategy that cannot be used as it says; the message says what is allowed."""


def load_strategy(name: str, parameters: Mapping[str, object]) -> Strategy:
    """The strategy `name`, made with the parameters as keyword arguments.

    `name` is csv, dip or generator, or `package.module:Class` for a class that is a `ports.Strategy`. Raises
    StrategyNotLoaded for a name, a module, a class or a parameter that does not fit.
    """
    make = BUILT_IN[name] if name in BUILT_IN else _own_class(name)
    _check_parameters(name, make, parameters)
    try:
        made = make(**parameters)
    except ValueError as error:
        raise StrategyNotLoaded(f"strategy {name}: {error}") from error
    except Exception as error:
        # The operator's code runs here and can raise anything; whatever it is, this strategy cannot be had.
        raise StrategyNotLoaded(f"strategy {name}: making it raises {_said(error)}") from error
    _check_methods(name, made)
    return made


def _own_class(name: str) -> Callable[..., Strategy]:
    if not re.fullmatch(r"\w+(\.\w+)*:\w+", name):
        raise StrategyNotLoaded(f"strategy {name!r} is unknown; {_hint(name)}")
    module_name, class_name = name.split(":")
    try:
        module = import_module(module_name)
    except Exception as error:
        # As above: the module's code runs when it is imported.
        raise StrategyNotLoaded(f"strategy {name}: {_import_problem(module_name, error)}") from error
    found: object = getattr(module, class_name, None)
    if isinstance(found, type):
        return found
    classes = sorted(key for key, value in vars(module).items() if isinstance(value, type))
    raise StrategyNotLoaded(f"strategy {name}: {module_name} has no class {class_name}; it has {_listed(classes)}")


def _hint(name: str) -> str:
    allowed = f"allowed are {', '.join(BUILT_IN)}, or package.module:Class"
    close = get_close_matches(name, BUILT_IN, n=1)
    return f"did you mean {close[0]}? ({allowed})" if close else allowed


def _import_problem(module_name: str, error: Exception) -> str:
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing is not None and f"{module_name}.".startswith(f"{missing}."):
        return f"there is no module {missing}; it must be importable from the folder where tradebot is started"
    return f"importing {module_name} raises {_said(error)}"


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"


def _check_parameters(name: str, make: Callable[..., Strategy], parameters: Mapping[str, object]) -> None:
    taken = _parameters(make)
    if any(parameter.kind is Parameter.VAR_KEYWORD for parameter in taken):
        return
    named = {p.name: p for p in taken if p.kind in (Parameter.KEYWORD_ONLY, Parameter.POSITIONAL_OR_KEYWORD)}
    problems = [f"{key} is no parameter of it" for key in parameters if key not in named]
    problems += [
        f"the parameter {key} is missing"
        for key, parameter in named.items()
        if parameter.default is Parameter.empty and key not in parameters
    ]
    if problems:
        raise StrategyNotLoaded(f"strategy {name}: {'; '.join(problems)}; it takes {_listed(list(named))}")


def _parameters(make: Callable[..., Strategy]) -> Sequence[Parameter]:
    try:
        return tuple(signature(make).parameters.values())
    except ValueError:
        # Some classes that are not written in Python do not say what they take.
        return ()


def _check_methods(name: str, made: object) -> None:
    problems = [] if isinstance(getattr(made, "name", None), str) else ["it has no name (a text)"]
    problems += [
        f"it has no {method} that takes what ports.Strategy says"
        for method, arguments in _METHODS.items()
        if not _takes(getattr(made, method, None), arguments)
    ]
    if problems:
        raise StrategyNotLoaded(f"strategy {name} is no strategy: {'; '.join(problems)}")


def _takes(method: object, arguments: int) -> bool:
    if not callable(method):
        return False
    try:
        signature(method).bind(*range(arguments))
    except (TypeError, ValueError):
        return False
    return True
