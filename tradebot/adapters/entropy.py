"""Real chance, for what nobody may guess or repeat: secrets of tokens, ids of requests."""

from __future__ import annotations

import secrets
import uuid


def new_secret() -> str:
    """43 characters, 256 bits."""
    return secrets.token_urlsafe(32)


def new_name() -> str:
    """8 hexadecimal digits, to call a thing by."""
    return secrets.token_hex(4)


def new_id() -> str:
    """A uuid4."""
    return str(uuid.uuid4())
