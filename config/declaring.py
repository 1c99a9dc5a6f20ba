"""How a key of the configuration is declared: once, with everything that validation and documents need of it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

RUPEES = "rupees"
PER_CENT = "per cent"
BASIS_POINTS = "basis points"
MINUTES = "minutes"
SECONDS = "seconds"
IST_CLOCK = "IST"


class Section(BaseModel):
    """One table of the file; its docstring stands above the table."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def key(  # noqa: PLR0913 (each is a fact about the key, and has no other place)
    name: str,
    default: object,
    meaning: str,
    *,
    unit: str = "",
    low: Any = None,
    high: Any = None,
    live: bool = False,
    allowed: str = "",
    pattern: str | None = None,
    is_secret: bool = False,
    is_credential: bool = False,
    under_master: bool = False,
    known_as: str = "",
) -> Any:
    """A key as it is written in the file. `low` and `high` are inside the range; `live`: a change counts at once.

    `allowed` says in words what the kind and the range do not say; `known_as` is the name outside of the section where
    the one inside is not unique. `under_master`: a switch that is off wherever the master switch is off.
    """
    about: dict[str, Any] = {
        "unit": unit,
        "low": low,
        "high": high,
        "live": live,
        "allowed": allowed,
        "is_secret": is_secret or is_credential,
        "is_credential": is_credential,
        "under_master": under_master,
        "known_as": known_as or name,
    }
    return Field(
        default=default,
        alias=name,
        ge=low,
        le=high,
        pattern=pattern,
        repr=not (is_secret or is_credential),
        description=meaning,
        json_schema_extra={"about": about},
    )
