"""Addresses that hold secrets: their name for people, and what of them nobody may see."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import unquote, urlsplit

_NAME_LENGTH = 8
_SHORT = 4
# Behind these stands a host that everybody may know; elsewhere the first word is a token.
_WITH_HOST = frozenset({"json", "jsons", "xml", "xmls", "form", "forms", "mailto", "mailtos", "http", "https"})


def address_name(url: str) -> str:
    """The kind of address, with a few signs that tell two of one kind apart."""
    kind = re.sub(r"[^a-z0-9]", "", url.partition(":")[0].lower())[:24]
    return f"{kind}-{hashlib.sha256(url.encode()).hexdigest()[:_NAME_LENGTH]}"


def secret_parts(url: str) -> list[str]:
    """The whole, who and password, and each word behind the host, as written and as meant."""
    found = urlsplit(url)
    words = [found.username, found.password, *re.split(r"[/?&=;,]", f"{found.path}?{found.query}")]
    if found.scheme.lower() not in _WITH_HOST:
        words += [found.netloc, found.netloc.rpartition("@")[2].partition(":")[0]]
    return [url, *(form for word in words if word and len(word) >= _SHORT for form in (word, unquote(word)))]
