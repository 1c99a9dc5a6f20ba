"""`/api/v1/alerts`: what stands is listed with its name, and somebody says that it was seen."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.unit.api.rig import Rig
from tradebot.domain.access import Scope
from tradebot.domain.alerts import AlertName, Severity
from tradebot.engine.messages import AlertChanged

ALERTS = "/api/v1/alerts"


def fires(rig: Rig, name: AlertName = AlertName.FILL_RATE) -> None:
    found = AlertChanged(name=name, severity=Severity.CRITICAL, figure=Decimal(60), events=25)
    rig.do(lambda house: house.tell(found))


def standing(rig: Rig) -> dict[str, Any]:
    return {alert["name"]: alert for alert in rig.get(ALERTS).json()["alerts"] if alert["name"] is not None}


def test_an_alert_that_fires_is_listed_and_acknowledged_by_the_name_of_the_token(rig: Rig) -> None:
    fires(rig)
    assert standing(rig)["fill_rate"]["is_seen"] is False

    headers = rig.token(Scope.TRADE)
    answer = rig.client.post(f"{ALERTS}/fill_rate/acknowledge", headers=headers)

    assert (answer.status_code, answer.json()["status"]) == (200, "seen")
    seen_by = rig.do(lambda house: house.memory.alerts[AlertName.FILL_RATE].acknowledged_by)
    assert seen_by == headers["Authorization"].split("_")[1]


def test_it_is_shown_as_seen_and_still_stands(rig: Rig) -> None:
    fires(rig)
    rig.client.post(f"{ALERTS}/fill_rate/acknowledge")
    rig.do(lambda house: house.advance(seconds=10))
    found = standing(rig)["fill_rate"]
    assert found["is_seen"] is True
    assert "(seen by " in found["text"]


def test_one_that_does_not_stand_is_409_and_one_that_nobody_knows_404(rig: Rig) -> None:
    quiet = rig.client.post(f"{ALERTS}/fill_rate/acknowledge")
    assert (quiet.status_code, quiet.json()["error"]["message"]) == (409, "fill_rate does not stand")
    unknown = rig.client.post(f"{ALERTS}/nothing/acknowledge")
    assert unknown.status_code == 404
    assert "fill_rate" in unknown.json()["error"]["details"]["allowed"]
