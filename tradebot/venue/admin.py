"""The endpoint that drives an exchange process: its clock, its dials, its sessions, and orders placed by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from tradebot.domain.orders import Side
from tradebot.exchange.books import read_all
from tradebot.exchange.commands import Refused
from tradebot.exchange.dial_box import dial_in, dial_out
from tradebot.exchange.wire.kite.asking import place_command, variety_of
from tradebot.exchange.wire.messages import Request, Response, json_object, json_response
from tradebot.venue.incidents import incident_out
from tradebot.venue.opening import OpenVenue

PREFIX = "admin"


class Admin:
    """Answers JSON; 400 with the reason for what makes no sense. `drop_streams` cuts every WebSocket off."""

    def __init__(self, opened: OpenVenue, drop_streams: Callable[[], int]) -> None:
        self._opened = opened
        self._venue = opened.venue
        self._drop_streams = drop_streams

    def handle(self, request: Request) -> Response:
        # A page in a browser may post here as well; it always says where it comes from.
        if "origin" in request.headers:
            return json_response({"error": "not for pages"}, 403)
        try:
            return json_response(self._answer(request))
        except (ValueError, KeyError, TypeError) as problem:
            return json_response({"error": str(problem)}, 400)

    def _answer(self, request: Request) -> object:
        match request.method, request.segments[1:]:
            case "GET", words:
                return self._shown(words)
            case "PUT", ("dials",):
                return self._turn_dials(json_object(request.body))
            case "POST", words:
                return self._done(words, request)
            case _:
                raise ValueError(f"there is no {request.method} {request.path}")

    def _shown(self, words: Sequence[str]) -> object:
        match words:
            case ():
                return self._state()
            case ("dials",):
                return [dial_out(dial) for dial in self._venue.dials]
            case ("incidents",):
                return [incident_out(incident) for incident in self._venue.incidents]
            case ("books",):
                return read_all(self._opened.settings.state / "books")
            case _:
                raise ValueError(f"there is no GET {'/'.join(words)}")

    def _done(self, words: Sequence[str], request: Request) -> object:
        match words:
            case ("advance",):
                return self._advance(json_object(request.body))
            case ("orders",):
                return self._place_by_hand(request)
            case ("streams", "drop"):
                return {"dropped": self._drop_streams()}
            case ("sessions", "end"):
                return self._end_sessions()
            case ("kite", "request-token"):
                return {"request_token": self._opened.kite.sessions.request_token(self._venue.exchange.now)}
            case _:
                raise ValueError(f"there is no POST {'/'.join(words)}")

    def _state(self) -> dict[str, Any]:
        exchange, time = self._venue.exchange, self._venue.time
        return {
            "now": exchange.now.isoformat(),
            "clock": time.kind.value,
            "rate": time.rate,
            "seed": self._venue.seed,
            "account_id": self._venue.account_id,
            "calls": self._venue.edge.calls,
            "dials": [dial_out(dial) for dial in self._venue.dials],
        }

    def _advance(self, data: Mapping[str, Any]) -> object:
        """The server goes on to the instant step by step; see `Server`."""
        at = datetime.fromisoformat(str(data["to"]))
        if at.tzinfo is None:
            raise ValueError("`to` needs a time zone, as in 2026-09-16T09:15:00+05:30")
        self._venue.drive(at)
        return {"now": at.isoformat()}

    def _turn_dials(self, data: Mapping[str, Any]) -> object:
        dials = [dial_in(dial) for dial in data["dials"]]
        self._venue.turn_dials(dials)
        self._opened.record.dials(self._venue.exchange.now, dials)
        return [dial_out(dial) for dial in dials]

    def _place_by_hand(self, request: Request) -> object:
        """The form of Kite's placement with its `variety`: an order that no program placed, so without a tag."""
        form = request.form()
        variety = variety_of(form.get("variety", "regular"))
        command = (
            variety if isinstance(variety, Refused) else place_command(form, variety, self._opened.directory, _no_price)
        )
        if isinstance(command, Refused):
            raise ValueError(command.text)
        answer = self._venue.exchange.place(self._venue.account_id, replace(command, tag=None))
        if isinstance(answer, Refused):
            raise ValueError(answer.text)
        return {"order_id": answer.order_id}

    def _end_sessions(self) -> object:
        self._opened.kite.sessions.end()
        self._opened.kotak.sessions.end()
        return {"ended": True}


def _no_price(symbol: str, side: Side, percent: Decimal | None) -> None:
    """No market order is placed by hand here."""
    del symbol, side, percent
