"""Secrets in text: found wherever they stand, and replaced before the text leaves the process."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from urllib.parse import quote, quote_plus

MASK = "***"

_SHORT = 6


def masking(secrets: Iterable[str]) -> Callable[[str], str]:
    """A function that replaces every secret, also in the form in which it stands in a URL.

    One of fewer than six characters is replaced only where it stands alone: as a part of other numbers and words it
    would make the text useless.
    """
    forms = {form for secret in secrets if secret for form in (secret, quote(secret, safe=""), quote_plus(secret))}
    if not forms:
        return str
    found = re.compile("|".join(_pattern(form) for form in sorted(forms, key=lambda form: (-len(form), form))))
    return lambda text: found.sub(MASK, text)


def _pattern(form: str) -> str:
    return re.escape(form) if len(form) >= _SHORT else rf"(?<!\w){re.escape(form)}(?!\w)"
