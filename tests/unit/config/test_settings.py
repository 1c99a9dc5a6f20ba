"""The settings as a value: what decisions get of them, their hash, and that nothing is lost on the way round."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, time, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from config.checks import CHECKS, is_broken
from config.keys import Key
from config.kinds import Durability, StrategyUse, in_file
from config.layers import Given
from config.loading import load_settings
from config.reference import in_variable
from config.settings import KEYS, Settings
from tests.unit.config.homes import a_home
from tradebot.domain.policy import GuardMode, Policy

# What the composition root, the replay and the log take directly; everything else must reach the decisions.
OUTSIDE_THE_POLICY = {
    "mode", "database_url", "durability", "ui", "LIVE_MONITOR_REFRESH_S", "opening_cash",
    "WATCHLIST", "ENABLE_LIVE_MONITORS", "ENABLE_LIVE_DASHBOARD", "ENABLE_LIVE_HEARTBEAT", "ENABLE_RICH_LOGGING",
    "data", "from", "to", "speed", "seed", "strategies",
    "ENABLE_RATE_LIMITING", "RATE_LIMIT_ORDERS_PER_S", "RATE_LIMIT_QUOTES_PER_S", "RATE_LIMIT_REST_PER_S",
    "ENABLE_COALESCING", "ENABLE_SOFT_TTL_CACHE", "QUOTE_FRESH_S", "QUOTE_STALE_S", "QUOTE_CACHE_SYMBOLS_MAX",
    "LOG_CACHE_EVENTS_IN_REPLAY",
    "ENABLE_FILL_TELEMETRY", "FILL_TELEMETRY_MAX_HISTORY",
    "HEARTBEAT_INTERVAL_S", "ALERT_WINDOW_MIN", "ALERT_EVENTS_MIN", "ALERT_MEMORY_WINDOW_H",
    "LOG_FILE_MB_MAX", "LOG_ARCHIVE_FILES_MAX", "LOG_ARCHIVE_MB_MAX",
    "ARCHIVE_AFTER_YEARS",
    "REDIS_URL",
    "ENABLE_HTTP_API", "HTTP_HOST", "HTTP_PORT", "HTTP_NAMES", "HTTP_REQUESTS_PER_S", "HTTP_BODY_KB_MAX",
    "DEAD_MAN_URL", "DEAD_MAN_EVERY_S", "ORDER_TRACKER_MODE",
    "WEBHOOKS_ALLOW_PRIVATE",
} | {key.name for key in KEYS if key.section in ("broker", "notifications")}  # fmt: skip


def some_settings(values: Mapping[str, object]) -> Settings:
    return Settings.of([{name: Given(value=value, origin="x", place="x") for name, value in values.items()}])


def test_the_default_settings_are_the_default_policy() -> None:
    assert some_settings({}).policy() == Policy()


@pytest.mark.parametrize("key", [key for key in KEYS if key.name not in OUTSIDE_THE_POLICY], ids=lambda key: key.name)
def test_every_other_key_changes_what_decisions_see(key: Key) -> None:
    assert some_settings({key.name: _another(key)}).policy() != Policy()


@pytest.mark.parametrize("key", [key for key in KEYS if key.name in OUTSIDE_THE_POLICY], ids=lambda key: key.name)
def test_the_policy_has_nothing_of_the_rest(key: Key) -> None:
    assert some_settings({key.name: _another(key)}).policy() == Policy()


def test_every_field_of_the_policy_has_a_key_but_for_the_ones_that_nothing_reads() -> None:
    everything = some_settings({key.name: _another(key) for key in KEYS}).policy()

    assert set(_unchanged(everything, Policy(), "")) == set()


@pytest.mark.parametrize("key", list(KEYS), ids=lambda key: key.name)
def test_a_default_is_a_value_that_is_allowed(key: Key) -> None:
    assert key.read(key.default) == key.default
    assert type(key.read(key.default)) is type(key.default)


def test_units_arrive_as_they_are_named() -> None:
    policy = some_settings(
        {"COOLDOWN_MIN": 7, "VERIFY_AFTER_S": 12, "REGISTRY_KEEP_DAYS": 3, "TRADE_TTL_MIN": 60}
    ).policy()

    assert (policy.cooldown, policy.times.verify_after) == (timedelta(minutes=7), timedelta(seconds=12))
    assert (policy.registry_keep, policy.exits.ttl) == (timedelta(days=3), timedelta(hours=1))


def test_settings_and_their_sections_cannot_be_changed() -> None:
    settings = some_settings({})

    with pytest.raises(ValidationError):
        settings.run = settings.run  # type: ignore[misc]
    with pytest.raises(ValidationError):
        settings.risk.max_positions = 7  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.origins["MAX_POSITIONS"] = "me"  # type: ignore[index]


@pytest.mark.parametrize(
    ("mode", "durability", "in_force"),
    [
        ("replay", "auto", "process"),
        ("paper", "auto", "power"),
        ("replay", "power", "power"),
        ("paper", "process", "process"),
    ],
)
def test_only_a_replay_leaves_out_the_disk_by_itself(mode: str, durability: str, in_force: str, tmp_path: Path) -> None:
    settings = load_settings(a_home(tmp_path), {}, {"mode": mode, "durability": durability})

    assert settings.run.durability_in_force == in_force


def test_effective_values_are_in_the_order_of_the_file_with_their_origin(tmp_path: Path) -> None:
    effective = load_settings(a_home(tmp_path, "[risk]\nMAX_POSITIONS = 5\n"), {"TRADEBOT_SPEED": "0"}).effective()

    assert list(effective) == [key.name for key in KEYS]
    assert effective["MAX_POSITIONS"] == (5, "config/tradebot.toml:2")
    assert effective["speed"] == (0, "environment")
    assert effective["MAX_EXPOSURE_PCT"] == ("80", "default")
    assert effective["ENABLE_DEPTH_GUARD_ENTRY"] == (True, "default")
    assert effective["strategies"].value == [
        {"name": "dip"},
        {"name": "generator", "signals_per_day": 12},
        {"name": "csv", "path": "config/signals.csv"},
    ]


def test_the_hash_is_of_the_values_and_not_of_where_they_come_from(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    delivered = load_settings(home, {})

    assert load_settings(home, {"TRADEBOT_MAX_EXPOSURE_PCT": "80.00"}).hash() == delivered.hash()
    assert load_settings(a_home(tmp_path, "[run]\n"), {}).hash() == delivered.hash()
    assert delivered.hash() == some_settings({}).hash()


@pytest.mark.parametrize("key", list(KEYS), ids=lambda key: key.name)
def test_the_hash_changes_with_every_key(key: Key) -> None:
    assert some_settings({key.name: _another(key)}).hash() != some_settings({}).hash()


def test_the_hash_does_not_depend_on_a_password() -> None:
    one, other = (some_settings({"database_url": f"postgresql+psycopg://a:{word}@h/d"}) for word in ("x", "y"))

    assert one.hash() == other.hash()


def _values_of(key: Key) -> st.SearchStrategy[object]:
    default, low, high = key.default, key.low, key.high
    match default:
        case bool():
            return st.booleans()
        case int():
            return st.integers(low, high)  # type: ignore[arg-type]
        case Decimal():
            return st.decimals(low, high, places=2)  # type: ignore[arg-type]
        case time():
            return st.times(low, high).map(lambda at: at.replace(second=0, microsecond=0))  # type: ignore[arg-type]
        case date():
            return st.dates(date(2000, 1, 1), date(2100, 1, 1))
        case StrEnum():
            return st.sampled_from(list(type(default)))
        case _:
            texts = {
                "account_id": st.one_of(
                    st.sampled_from(["true", "1", "nan", "-"]), st.from_regex(r"[A-Za-z0-9_-]{1,32}", fullmatch=True)
                ),
                "data": st.just(""),
                "WATCHLIST": st.sampled_from(["", "INFY", "INFY,M&M"]),
                "broker_url": st.sampled_from(["", "http://127.0.0.1:8800", "http://localhost:1"]),
                "BROKER_STATIC_IP": st.sampled_from(["", "10.20.30.40"]),
                "database_url": st.sampled_from(["sqlite:///x.db", "sqlite:////a.db", "postgresql+psycopg://u@h:1/d"]),
                "MANUAL_POLICY_OF": st.sampled_from(["", "INFY=halt", "INFY=halt, M&M=ignore TCS=adopt"]),
                "HTTP_HOST": st.sampled_from(["127.0.0.1", "::1", "desk.example"]),
                "REDIS_URL": st.sampled_from(["", "redis://localhost:6379/0"]),
                "HTTP_NAMES": st.sampled_from(["", "desk.example", "a,b-c.d"]),
                "strategies": st.lists(_strategies(), max_size=4, unique_by=lambda use: use.name).map(tuple),
            }
            return texts["account_id" if key.name == "user_id" else key.name]


def _strategies() -> st.SearchStrategy[StrategyUse]:
    words = st.text(st.characters(codec="utf-8"), max_size=8)
    decimals = st.decimals(-1000, 1000, places=3)
    single = st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), words, decimals)
    values = st.one_of(single, st.lists(single, max_size=3).map(tuple))
    names = words.filter(lambda name: name != "name")
    parameters = st.dictionaries(names, values, max_size=3).map(lambda found: tuple(found.items()))
    return st.builds(
        StrategyUse, name=st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,3}:[A-Z]{1,3})?", fullmatch=True), parameters=parameters
    )


@settings(max_examples=50, deadline=None)
@given(values=st.fixed_dictionaries({}, optional={key.name: _values_of(key) for key in KEYS if not key.is_credential}))
def test_what_is_effective_can_be_written_down_and_read_again(values: dict[str, object]) -> None:
    wanted = some_settings(values)
    if any(is_broken(check, wanted) for check in CHECKS):
        wanted = some_settings({name: value for name, value in values.items() if not _is_in_a_rule(name)})
    lines = [
        line
        for section, keys in KEYS.sections().items()
        for line in (f"[{section}]", *(f"{key.in_file} = {in_file(wanted.value(key.name))}" for key in keys.values()))
    ]
    with TemporaryDirectory() as folder:
        from_file = load_settings(a_home(Path(folder), "\n".join(lines)), {})
        environ = {key.variable: in_variable(wanted.value(key.name)) for key in KEYS}
        from_environment = load_settings(a_home(Path(folder), "[run]\n"), environ)
        again = {name: found.value for name, found in from_file.effective().items() if name != "strategies"}
        from_effective = load_settings(a_home(Path(folder)), {}, again)

    for name in (key.name for key in KEYS):
        assert from_file.value(name) == wanted.value(name) == from_environment.value(name), name
        assert type(from_file.value(name)) is type(wanted.value(name)), name
        assert name == "strategies" or from_effective.in_force(name) == wanted.in_force(name), name
    assert from_file.hash() == from_environment.hash() == wanted.hash()
    assert from_file.policy() == wanted.policy()


def _is_in_a_rule(name: str) -> bool:
    return any(name in check.keys for check in CHECKS)


def _another(key: Key) -> object:
    """A value that is allowed and is not the default."""
    match key.default:
        case bool():
            return not key.default
        case GuardMode():
            return GuardMode.SHADOW
        case Durability():
            return Durability.POWER
        case StrEnum():
            return next(word for word in type(key.default) if word is not key.default)
        case int() | Decimal():
            return key.high if key.high != key.default else key.low
        case time():
            return key.high
        case date():
            return date(2026, 9, 17)
        case _:
            return {
                "account_id": "other",
                "user_id": "other",
                "data": "bars.csv",
                "WATCHLIST": "INFY",
                "database_url": "sqlite:///other.db",
                "MANUAL_POLICY_OF": "INFY=halt",
                "DEAD_MAN_URL": "http://127.0.0.1:1/ping",
                "HTTP_HOST": "::1",
                "REDIS_URL": "redis://localhost:6379/0",
                "HTTP_NAMES": "desk.example",
                "strategies": (),
                "broker_url": "http://127.0.0.1:8800",
                "BROKER_STATIC_IP": "10.0.0.1",
                "NOTIFY_URLS": "json://127.0.0.1:9/s3cret",
            }.get(key.name, "s3cret")


def _unchanged(found: object, default: object, path: str) -> list[str]:
    names = []
    for field in fields(found):  # type: ignore[arg-type]
        mine, theirs = getattr(found, field.name), getattr(default, field.name)
        if hasattr(mine, "__dataclass_fields__"):
            names += _unchanged(mine, theirs, f"{path}{field.name}.")
        elif mine == theirs:
            names.append(f"{path}{field.name}")
    return names
