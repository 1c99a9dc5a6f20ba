"""The switches of the exits: on, a rule sells; off, the same position stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from config.settings import Settings
from tests.builders import NOON, a_position
from tradebot.domain.exits import ExitRule, evaluate
from tradebot.domain.positions import Position


def rule_with(words: dict[str, str], position: Position, price: int, minutes: int = 0) -> ExitRule | None:
    rules = Settings.of_words(words).policy().exits
    hit = evaluate(position, price, NOON + timedelta(minutes=minutes), rules)  # type: ignore[arg-type]
    return hit.rule if hit is not None else None


@pytest.mark.flag("ENABLE_STOP_LOSS")
@pytest.mark.parametrize(("word", "rule"), [("true", ExitRule.ATR_STOP), ("false", None)])
def test_a_loss_is_stopped_where_the_stop_is_on(word: str, rule: ExitRule | None) -> None:
    words = {"ENABLE_STOP_LOSS": word, "ENABLE_TRAILING_STOP": "false"}
    assert rule_with(words, a_position(), 900) is rule


@pytest.mark.flag("ENABLE_TRAILING_STOP")
@pytest.mark.parametrize(("word", "rule"), [("true", ExitRule.TRAILING), ("false", None)])
def test_a_gain_that_melts_is_kept_where_the_trailing_stop_is_on(word: str, rule: ExitRule | None) -> None:
    risen = a_position(peak_price=1100)
    assert rule_with({"ENABLE_TRAILING_STOP": word}, risen, 1050) is rule


@pytest.mark.flag("TTL_APPLIES_TO_DELIVERY")
@pytest.mark.parametrize(("word", "rule"), [("true", ExitRule.TIME_STOP), ("false", None)])
def test_a_delivery_grows_too_old_only_where_that_is_wanted(word: str, rule: ExitRule | None) -> None:
    assert rule_with({"TTL_APPLIES_TO_DELIVERY": word}, a_position(), 1001, minutes=120) is rule
