"""Kotak Neo over HTTP: one request in, one answer out, in front of the exchange and its fault dials."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from tradebot.domain.calendar import IST
from tradebot.exchange.commands import Accepted, ErrorType, Placed, Refused
from tradebot.exchange.edge import Edge
from tradebot.exchange.front_office import order_error
from tradebot.exchange.picture import Picture
from tradebot.exchange.rows import PositionRow, TradeRow
from tradebot.exchange.wire.clock_words import full
from tradebot.exchange.wire.directory import Directory
from tradebot.exchange.wire.faults import answered
from tradebot.exchange.wire.kotak.asking import BAD_INSTRUMENT, body_of, cancellation, change, place_command
from tradebot.exchange.wire.kotak.rows import SCRIP_HEADER, SEGMENT, KotakRows, limits
from tradebot.exchange.wire.kotak.sessions import KotakSessions
from tradebot.exchange.wire.kotak.stream import KotakStream
from tradebot.exchange.wire.messages import Answer, Request, Response, json_object, json_response
from tradebot.exchange.wire.rates import Cap, Rates, Span
from tradebot.exchange.words import BEING_PROCESSED, TRIGGER_STAYS, unknown_order

CAPS = {"orders": (Cap(10, Span.SECOND),)}
ROOTS = frozenset({"login", "quick", "script-details", "realtime", "apim", "5config", "apifeed"})
_PORTFOLIO = (("portfolio", "v2", "positions"), ("portfolio", "v1", "holdings"))
_COMMANDS = (
    ("quick", "order", "rule", "ms", "place"),
    ("quick", "order", "vr", "modify"),
    ("quick", "order", "cancel"),
)
_NO_DATA = {"stat": "Not_Ok", "stCode": 5203, "errMsg": "No Data"}
_NO_SESSION = Refused(http_status=403, error_type=ErrorType.TOKEN, text="Invalid session token", code="100022")
_TOO_MANY = Refused(http_status=429, error_type=ErrorType.NETWORK, text="Too many requests")
_NO_ROUTE = Refused(http_status=404, error_type=ErrorType.GENERAL, text="The requested resource is not available.")


def is_kotak(path: str) -> bool:
    """Whether this is a path of Kotak's; Kite has none of them."""
    segments = tuple(part for part in path.split("/") if part)
    return segments[:1] != () and (segments[0] in ROOTS or segments in _PORTFOLIO)


class KotakFace:
    """One application of one account. `base_url` is what the login answer tells clients to use."""

    def __init__(
        self,
        edge: Edge,
        account_id: str,
        *,
        sessions: KotakSessions,
        directory: Directory,
        rates: Rates | None,
        rate_clock: Callable[[], datetime],
    ) -> None:
        self.base_url = ""
        self.sessions = sessions
        self.rows = KotakRows(directory, sessions.app.ucc)
        self._edge = edge
        self._account_id = account_id
        self._directory = directory
        self._rates = rates
        self._rate_clock = rate_clock

    def handle(self, request: Request) -> Answer:
        return answered(self._edge, lambda: self._answer(request), self._error)

    def is_command(self, request: Request) -> bool:
        """Whether it changes an order."""
        return request.segments in _COMMANDS

    def stream(self, request: Request) -> KotakStream | None:
        """The order feed; who it is comes with its first frame. The market feed is not offered."""
        if request.segments != ("realtime",):
            return None
        return KotakStream(
            self.rows, lambda token, sid: self.sessions.is_trading(token, sid, self._edge.now), self._position
        )

    def _position(self, symbol: str) -> PositionRow | None:
        found = self._edge.exchange.positions(self._account_id)
        return next((row for row in found if row.symbol == symbol), None)

    def _answer(self, request: Request) -> Response:
        match request.segments:
            case ("login", "1.0", "tradeApiLogin"):
                return self._login(request)
            case ("login", "1.0", "tradeApiValidate"):
                return self._validate(request)
            case ("5config", "config"):
                return json_response({"data": {"configs": {}}})
            case ("script-details", *_):
                return self._script_details(request)
            case _:
                return self._with_session(request)

    def _with_session(self, request: Request) -> Response:
        token, sid = request.headers.get("auth", ""), request.headers.get("sid", "")
        if not self.sessions.is_trading(token, sid, self._edge.now):
            return self._error(_NO_SESSION)
        if self.is_command(request):
            if self._rates is not None and self._rates.exceeded("orders", self._rate_clock()):
                return self._error(_TOO_MANY)
            return self._command(request)
        return self._question(request)

    def _login(self, request: Request) -> Response:
        app, now = self.sessions.app, self._edge.now
        if request.headers.get("authorization") != app.access_token:
            return _bad_credentials()
        data = _fields(request)
        if (data.get("mobileNumber"), data.get("ucc")) != (app.mobile, app.ucc):
            return json_response({"stCode": 429, "errMsg": "Invalid UCC", "status": "failure"})
        if not self.sessions.is_code(data.get("totp", "")):
            return json_response({"stCode": 401, "errMsg": "Invalid TOTP", "status": "failure"})
        session = self.sessions.open_view(now)
        return json_response(
            {
                "data": {
                    "token": session.token,
                    "sid": session.sid,
                    "rid": session.sid[::-1],
                    "ucc": app.ucc,
                    "kType": "View",
                    "status": "success",
                }
            }
        )

    def _validate(self, request: Request) -> Response:
        app, now = self.sessions.app, self._edge.now
        if request.headers.get("authorization") != app.access_token:
            return _bad_credentials()
        if not self.sessions.is_viewing(request.headers.get("auth", ""), request.headers.get("sid", ""), now):
            return self._error(_NO_SESSION)
        mpin = _fields(request).get("mpin")
        if not mpin:
            return json_response({"error": [{"code": "400", "message": "Missing required field 'Mpin'"}]})
        if mpin != app.mpin:
            return json_response({"stCode": 401, "errMsg": "Invalid MPIN", "status": "failure"})
        session = self.sessions.open_trade(now)
        return json_response(
            {
                "data": {
                    "token": session.token,
                    "sid": session.sid,
                    "rid": session.sid[::-1],
                    "ucc": app.ucc,
                    "kType": "Trade",
                    "baseUrl": self.base_url,
                    "dataCenter": "E00",
                    "status": "success",
                }
            }
        )

    def _command(self, request: Request) -> Response:
        data = body_of(request)
        if isinstance(data, Refused):
            return self._error(data)
        match request.segments[-1]:
            case "place":
                return self._place(data)
            case "modify":
                return self._modify(data)
            case _:
                return self._cancel(data)

    def _place(self, data: Mapping[str, str]) -> Response:
        command = place_command(data, self._directory, self._edge.exchange.protected_price)
        if isinstance(command, Refused):
            return self._error(command)
        return self._done(self._edge.place(self._account_id, command))

    def _modify(self, data: Mapping[str, str]) -> Response:
        wanted = change(data)
        if isinstance(wanted, Refused):
            return self._error(wanted)
        row = self._edge.exchange.order(self._account_id, wanted.order_id)
        if row is not None and wanted.trigger != (row.trigger_price or 0):
            return self._error(order_error(TRIGGER_STAYS))
        answer = self._edge.modify(
            self._account_id, wanted.order_id, wanted.variety, quantity=wanted.quantity, price=wanted.price
        )
        return self._changed(wanted.order_id, answer)

    def _cancel(self, data: Mapping[str, str]) -> Response:
        wanted = cancellation(data)
        if isinstance(wanted, Refused):
            return self._error(wanted)
        order_id, variety = wanted
        return self._changed(order_id, self._edge.cancel(self._account_id, order_id, variety))

    def _changed(self, order_id: str, answer: Accepted | Refused) -> Response:
        """A finished order is told in a form of its own."""
        row = self._edge.exchange.order(self._account_id, order_id)
        if isinstance(answer, Refused) and answer.text == BEING_PROCESSED and row is not None and row.status.is_final:
            data = {"stCode": 1021, "errMsg": "order is completed", "stat": "please provide valid order number"}
            return json_response(data, 400)
        return self._done(answer)

    def _question(self, request: Request) -> Response:
        match request.method, request.segments:
            case "GET", ("quick", "user", "orders"):
                found = self._edge.order_book(self._account_id)
                return _listed([self.rows.order(row) for row in found], "Ok")
            case "GET", ("quick", "user", "orders", order_id):
                row = self._edge.order(self._account_id, order_id)
                return _listed([self.rows.order(row)] if row else [], "Ok")
            case "POST", ("quick", "order", "history"):
                return self._history(request)
            case "GET", ("quick", "user", "trades"):
                return self._trades(self._edge.trades(self._account_id))
            case _:
                return self._account(request)

    def _account(self, request: Request) -> Response:
        match request.method, request.segments:
            case "GET", ("portfolio", _, "positions") | ("quick", "user", "positions"):
                positions = self._edge.positions(self._account_id)
                return _listed([self.rows.position(row) for row in positions], "ok")
            case "GET", ("portfolio", _, "holdings"):
                held = [row for row in self._edge.holdings(self._account_id) if row.settled_quantity or row.lots]
                return json_response({"data": [self.rows.holding(row, self._picture(row.symbol)) for row in held]})
            case "POST", ("quick", "user", "limits"):
                return json_response(limits(self._edge.margins(self._account_id)))
            case "GET", ("login", "1.0", "get-client-ip"):
                data = [{"ip": request.address, "time": full(self._edge.now)}]
                return json_response({"data": data, "stCode": 1000, "status": "success"})
            case "POST", ("apim", "login", "2.0", "logout"):
                self.sessions.end()
                return json_response({"State": "OK"})
            case _:
                return self._error(_NO_ROUTE)

    def _history(self, request: Request) -> Response:
        data = body_of(request)
        if isinstance(data, Refused):
            return self._error(data)
        order_id = data.get("nOrdNo", "")
        steps = self._edge.order_history(self._account_id, order_id)
        row = self._edge.exchange.order(self._account_id, order_id)
        if row is None or not steps:
            return self._error(order_error(unknown_order(order_id)))
        return _listed(self.rows.history(row, steps), "Ok")

    def _trades(self, trades: Sequence[TradeRow]) -> Response:
        rows = [(trade, self._edge.exchange.order(self._account_id, trade.order_id)) for trade in trades]
        return _listed([self.rows.trade(trade, order) for trade, order in rows if order], "ok")

    def _script_details(self, request: Request) -> Response:
        """For whoever has the application's token; no session is needed."""
        match request.segments[2:]:
            case ("masterscrip", "files", _, _):
                return self._scrip_file()
            case _ if request.headers.get("authorization") != self.sessions.app.access_token:
                return _bad_credentials()
            case ("masterscrip", "file-paths"):
                day = f"{self._edge.now.astimezone(IST):%Y-%m-%d}"
                folder = f"{self.base_url}/script-details/1.0/masterscrip/files/{day}"
                return json_response({"data": {"filesPaths": [f"{folder}/{SEGMENT}-v1.csv"], "baseFolder": folder}})
            case ("quotes", "neosymbol", names, kind):
                return self._quotes(names.split(","), kind)
            case _:
                return self._error(_NO_ROUTE)

    def _quotes(self, names: Sequence[str], kind: str) -> Response:
        found = []
        for name in names:
            segment, _, number = name.partition("|")
            symbol = self._directory.of_number("NSE", number) if segment == SEGMENT else None
            picture = self._picture(symbol) if symbol and self._edge.quote(symbol) else None
            if symbol is None or picture is None:
                text = f"Invalid neosymbol values, {name}"
                return json_response({"stat": "Not_Ok", "emsg": text, "stCode": int(BAD_INSTRUMENT)})
            found.append(self.rows.quote(symbol, picture, kind))
        return json_response(found)

    def _scrip_file(self) -> Response:
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(SCRIP_HEADER)
        for symbol, terms in sorted(self._edge.terms().items()):
            writer.writerow(self.rows.scrip(symbol, terms))
        return Response(body=table.getvalue().encode(), content_type="text/csv")

    def _picture(self, symbol: str) -> Picture | None:
        return self._edge.exchange.picture(symbol)

    def _done(self, answer: Placed | Accepted | Refused) -> Response:
        if isinstance(answer, Refused):
            return self._error(answer)
        return json_response({"nOrdNo": answer.order_id, "stat": "Ok", "stCode": 200})

    def _error(self, refused: Refused) -> Response:
        if refused.error_type is ErrorType.TOKEN and refused is not _NO_SESSION:
            self.sessions.end()
        code = int(refused.code) if refused.code.isdigit() else refused.http_status
        response = json_response({"stat": "Not_Ok", "stCode": code, "errMsg": refused.text}, refused.http_status)
        if refused.http_status != _TOO_MANY.http_status:
            return response
        return Response(status=response.status, body=response.body, headers=(("retry-after", "1"),))


def _listed(rows: Sequence[object], stat: str) -> Response:
    """A report; an empty one is an error."""
    return json_response({"stat": stat, "stCode": 200, "data": rows} if rows else _NO_DATA)


def _fields(request: Request) -> Mapping[str, str]:
    """Of a JSON body; nothing where it is none."""
    try:
        return {name: value for name, value in json_object(request.body).items() if isinstance(value, str)}
    except ValueError:
        return {}


def _bad_credentials() -> Response:
    return json_response({"code": "900901", "message": "Invalid Credentials", "description": "Access failure"}, 401)
