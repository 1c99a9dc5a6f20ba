"""The master switch: what stands under it counts only while it is on, and everybody is told the value that counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.checks import CHECKS, is_broken
from config.flags import MASTER
from config.keys import Key
from config.layers import Given
from config.loading import load_settings
from config.settings import KEYS, Settings
from tests.unit.config.homes import a_home
from tradebot.app.flags import flags_told
from tradebot.domain.events import Level
from tradebot.domain.policy import FlowFlags, GuardMode

AT = datetime(2026, 9, 14, 3, 45, tzinfo=UTC)
UNDER_MASTER = [key for key in KEYS if key.under_master]
ALWAYS = [key for key in KEYS if not key.under_master and key.name != MASTER]


def some_settings(**values: object) -> Settings:
    return Settings.of([{name: Given(value=value, origin="x", place="x") for name, value in values.items()}])


@pytest.mark.flag("ENABLE_ORDER_FLOW_HARDENING")
@pytest.mark.parametrize("key", UNDER_MASTER, ids=lambda key: key.name)
def test_a_flag_under_the_master_is_off_with_it_whatever_it_says(key: Key) -> None:
    off = GuardMode.OFF if isinstance(key.default, GuardMode) else False

    assert some_settings(**{MASTER: False}).in_force(key.name) is off
    assert some_settings(**{MASTER: True}).in_force(key.name) is key.default


@pytest.mark.flag("ENABLE_ORDER_FLOW_HARDENING")
@pytest.mark.parametrize("key", ALWAYS, ids=lambda key: key.name)
def test_every_other_key_keeps_its_value_without_the_master(key: Key) -> None:
    assert some_settings(**{MASTER: False}).in_force(key.name) == key.default


@pytest.mark.flag("ENABLE_ORDER_FLOW_HARDENING")
def test_without_the_master_the_decisions_see_every_switch_off_and_every_limit_as_it_was() -> None:
    on, off = some_settings().policy(), some_settings(**{MASTER: False}).policy()

    assert off.flags == FlowFlags(
        master=False,
        coids=False,
        startup_reconcile=False,
        symbol_locks=False,
        consolidated_guards=False,
        consolidated_exits=False,
    )
    assert {off.quotes.spread, off.quotes.depth, off.quotes.slippage} == {GuardMode.OFF}
    assert not off.exits.ttl_from_first_fill
    assert off.risk == on.risk
    assert replace(off.exits, ttl_from_first_fill=True) == on.exits


@pytest.mark.flag("OBSERVE_ONLY")
def test_observing_only_does_not_depend_on_the_master() -> None:
    assert some_settings(**{MASTER: False, "OBSERVE_ONLY": True}).policy().flags.observe_only


def test_what_is_shown_is_what_counts_and_names_the_master_as_the_reason(tmp_path: Path) -> None:
    settings = load_settings(a_home(tmp_path, f"[flags]\n{MASTER} = false\nENABLE_COID_MANAGER = true\n"), {})

    effective = settings.effective()

    assert effective["ENABLE_COID_MANAGER"] == (False, MASTER)
    assert effective["ENABLE_DEPTH_GUARD_ENTRY"] == (False, MASTER)
    assert effective[MASTER] == (False, "config/tradebot.toml:2")
    assert effective["OBSERVE_ONLY"] == (False, "default")


def test_the_hash_is_of_what_counts() -> None:
    all_off: dict[str, object] = {
        key.name: GuardMode.OFF if isinstance(key.default, GuardMode) else False for key in UNDER_MASTER
    }

    assert some_settings(**{MASTER: False}).hash() == some_settings(**{MASTER: False}, **all_off).hash()
    assert some_settings(**{MASTER: False}).hash() != some_settings().hash()


def test_a_start_tells_every_switch_as_it_counts_and_warns_when_one_is_not_as_delivered() -> None:
    as_delivered = flags_told(some_settings(), AT)
    changed = flags_told(some_settings(ENABLE_DEPTH_GUARD_ENTRY=GuardMode.SHADOW, ENABLE_COID_MANAGER=False), AT)

    assert (as_delivered.level, changed.level) == (Level.INFO, Level.WARNING)
    assert "coid_manager" in str(as_delivered.fields["switched_on"]).split(", ")
    assert "coid_manager" in str(changed.fields["switched_off"]).split(", ")
    assert changed.fields["shadow"] == "depth_guard_entry"
    assert "ENABLE_" not in f"{as_delivered} {changed}"


@pytest.mark.flag("FORCE_UNSAFE_LIVE")
@pytest.mark.parametrize("name", ["ENABLE_COID_MANAGER", "ENABLE_STARTUP_RECONCILE"])
@pytest.mark.parametrize("mode", ["paper", "live"])
def test_live_trading_needs_ids_and_the_first_comparison_unless_it_is_forced(name: str, mode: str) -> None:
    is_live = mode == "live"

    assert refused(mode=mode, **{name: False}) == is_live
    assert refused(mode=mode, **{MASTER: False}) == is_live
    assert not refused(mode=mode, FORCE_UNSAFE_LIVE=True, **{name: False})
    assert not refused(mode=mode)


def test_what_live_trading_lacks_is_named() -> None:
    assert some_settings(**{MASTER: False}).policy().flags.missing_for_live() == (
        "ENABLE_COID_MANAGER",
        "ENABLE_STARTUP_RECONCILE",
    )
    assert some_settings().policy().flags.missing_for_live() == ()


def refused(*, mode: str, **values: object) -> bool:
    settings = some_settings(**values)
    settings = settings.model_copy(update={"run": settings.run.model_copy(update={"mode": mode})})
    return any(is_broken(check, settings) for check in CHECKS)
