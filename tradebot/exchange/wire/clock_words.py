"""How brokers write an instant: naive IST in several forms."""

from __future__ import annotations

from datetime import datetime

from tradebot.domain.calendar import IST


def full(at: datetime) -> str:
    """2026-09-16 09:15:00"""
    return f"{at.astimezone(IST):%Y-%m-%d %H:%M:%S}"


def clock(at: datetime) -> str:
    """09:15:00"""
    return f"{at.astimezone(IST):%H:%M:%S}"


def dated(at: datetime) -> str:
    """16-Sep-2026 09:15:00"""
    return f"{at.astimezone(IST):%d-%b-%Y %H:%M:%S}"


def slashed(at: datetime) -> str:
    """2026/09/16 09:15:00"""
    return f"{at.astimezone(IST):%Y/%m/%d %H:%M:%S}"
