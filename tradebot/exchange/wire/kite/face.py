"""Kite Connect over HTTP: one request in, one answer out, in front of the exchange and its fault dials."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from urllib.parse import urlencode

from tradebot.domain.orders import Side
from tradebot.exchange.commands import Accepted, ErrorType, Placed, Refused
from tradebot.exchange.edge import Edge
from tradebot.exchange.front_office import order_error
from tradebot.exchange.picture import Picture
from tradebot.exchange.rows import OrderRow, TradeRow
from tradebot.exchange.wire.clock_words import full
from tradebot.exchange.wire.directory import Directory
from tradebot.exchange.wire.faults import answered
from tradebot.exchange.wire.kite.asking import change, place_command, variety_of
from tradebot.exchange.wire.kite.rows import KiteRows, Row, margins, no_margins, profile
from tradebot.exchange.wire.kite.sessions import KiteSessions
from tradebot.exchange.wire.kite.stream import KiteStream
from tradebot.exchange.wire.messages import Answer, Request, Response, json_response
from tradebot.exchange.wire.rates import Cap, Rates, Span
from tradebot.exchange.words import TRIGGER_STAYS, unknown_order

CAPS = {
    "orders": (Cap(10, Span.SECOND), Cap(400, Span.MINUTE), Cap(5000, Span.DAY)),
    "quote": (Cap(1, Span.SECOND),),
    "other": (Cap(10, Span.SECOND),),
}
QUOTES_MAX = {"": 500, "ohlc": 1000, "ltp": 1000}
_INSTRUMENTS_HEADER = (
    "instrument_token",
    "exchange_token",
    "tradingsymbol",
    "name",
    "last_price",
    "expiry",
    "strike",
    "tick_size",
    "lot_size",
    "instrument_type",
    "segment",
    "exchange",
)
_NO_SESSION = Refused(http_status=403, error_type=ErrorType.TOKEN, text="Incorrect `api_key` or `access_token`.")
_BAD_LOGIN = Refused(http_status=403, error_type=ErrorType.TOKEN, text="Token is invalid or has expired.")
_TOO_MANY = Refused(http_status=429, error_type=ErrorType.NETWORK, text="Too many requests")
_NO_ROUTE = Refused(http_status=404, error_type=ErrorType.GENERAL, text="Route not found")


class KiteFace:
    """One app of one account. Without `rates` nothing is too often."""

    def __init__(
        self,
        edge: Edge,
        account_id: str,
        *,
        sessions: KiteSessions,
        directory: Directory,
        rates: Rates | None,
        rate_clock: Callable[[], datetime],
    ) -> None:
        self.sessions = sessions
        self.rows = KiteRows(directory, sessions.app.user_id)
        self._edge = edge
        self._account_id = account_id
        self._directory = directory
        self._rates = rates
        self._rate_clock = rate_clock

    def handle(self, request: Request) -> Answer:
        return answered(self._edge, lambda: self._answer(request), self._error)

    def is_command(self, request: Request) -> bool:
        """Whether it changes an order."""
        return _kind(request) == "orders"

    def stream(self, request: Request) -> KiteStream | None:
        """A new WebSocket of whoever is logged in; None for anybody else."""
        if not self.is_logged_in(request.first("api_key"), request.first("access_token")):
            return None
        return KiteStream(self._directory, self.rows, self.sessions.app)

    def is_logged_in(self, api_key: str, access_token: str) -> bool:
        return self.sessions.is_alive(api_key, access_token, self._edge.now)

    def _answer(self, request: Request) -> Response:
        match request.method, request.segments:
            case "GET", ("connect", "login"):
                return self._login_page(request)
            case "POST", ("session", "token"):
                return self._open_session(request)
            case _:
                return self._with_session(request)

    def _with_session(self, request: Request) -> Response:
        if not self.is_logged_in(*_credentials(request)):
            return self._error(_NO_SESSION)
        kind = _kind(request)
        if self._rates is not None and self._rates.exceeded(kind, self._rate_clock()):
            return self._error(_TOO_MANY)
        return self._commands(request) if kind == "orders" else self._questions(request)

    def _login_page(self, request: Request) -> Response:
        """Whoever asks is let in: there is no password here to be typed."""
        app = self.sessions.app
        if request.first("api_key") != app.api_key:
            return self._error(Refused(http_status=400, error_type=ErrorType.INPUT, text="Invalid `api_key`."))
        token = self.sessions.request_token(self._edge.now)
        fields = {"request_token": token, "action": "login", "status": "success"}
        given = request.first("redirect_params")
        location = f"{app.redirect_url}?{urlencode(fields)}{'&' + given if given else ''}"
        return Response(status=302, body=b"", content_type="text/html", headers=(("location", location),))

    def _open_session(self, request: Request) -> Response:
        form, now = request.form(), self._edge.now
        token = self.sessions.open(
            form.get("api_key", ""), form.get("request_token", ""), form.get("checksum", ""), now
        )
        if token is None:
            return self._error(_BAD_LOGIN)
        app = self.sessions.app
        return _success(
            {
                **profile(app.user_id),
                "api_key": app.api_key,
                "access_token": token,
                "public_token": token[::-1],
                "enctoken": "",
                "refresh_token": "",
                "silo": "",
                "login_time": full(now),
            }
        )

    def _commands(self, request: Request) -> Response:
        match request.method, request.segments:
            case "POST", ("orders", word):
                return self._place(request, word)
            case "PUT", ("orders", word, order_id):
                return self._modify(request, word, order_id)
            case "DELETE", ("orders", word, order_id):
                return self._cancel(word, order_id)
            case _:
                return self._error(_NO_ROUTE)

    def _place(self, request: Request, word: str) -> Response:
        variety = variety_of(word)
        if isinstance(variety, Refused):
            return self._error(variety)
        command = place_command(request.form(), variety, self._directory, self._protected_price)
        if isinstance(command, Refused):
            return self._error(command)
        return self._done(self._edge.place(self._account_id, command))

    def _modify(self, request: Request, word: str, order_id: str) -> Response:
        variety, wanted = variety_of(word), change(request.form())
        if isinstance(variety, Refused):
            return self._error(variety)
        if isinstance(wanted, Refused):
            return self._error(wanted)
        row = self._edge.exchange.order(self._account_id, order_id)
        if row is None:
            return self._error(order_error(unknown_order(order_id)))
        if wanted.trigger is not None and wanted.trigger != (row.trigger_price or 0):
            return self._error(order_error(TRIGGER_STAYS))
        answer = self._edge.modify(
            self._account_id,
            order_id,
            variety,
            quantity=row.quantity if wanted.quantity is None else wanted.quantity,
            price=row.price if wanted.price is None else wanted.price,
        )
        return self._done(answer)

    def _cancel(self, word: str, order_id: str) -> Response:
        variety = variety_of(word)
        if isinstance(variety, Refused):
            return self._error(variety)
        return self._done(self._edge.cancel(self._account_id, order_id, variety))

    def _questions(self, request: Request) -> Response:
        match request.method, request.segments:
            case "DELETE", ("session", "token"):
                self.sessions.end()
                return _success(True)
            case "GET", ("orders",):
                return _success([self.rows.order(row) for row in self._edge.order_book(self._account_id)])
            case "GET", ("orders", order_id):
                return self._history(order_id)
            case "GET", ("orders", order_id, "trades"):
                return self._trades(self._edge.order_trades(self._account_id, order_id))
            case "GET", ("trades",):
                return self._trades(self._edge.trades(self._account_id))
            case "GET", (("quote" | "instruments"), *_):
                return self._market(request)
            case "GET", (("user" | "portfolio"), *_):
                return self._account(request)
            case _:
                return self._error(_NO_ROUTE)

    def _account(self, request: Request) -> Response:
        match request.segments:
            case ("user", "profile"):
                return _success(profile(self.sessions.app.user_id))
            case ("user", "margins"):
                return _success({"equity": margins(self._edge.margins(self._account_id)), "commodity": no_margins()})
            case ("user", "margins", "equity"):
                return _success(margins(self._edge.margins(self._account_id)))
            case ("user", "margins", "commodity"):
                return _success(no_margins())
            case ("portfolio", "positions"):
                found = self._edge.positions(self._account_id)
                rows = [self.rows.position(row, self._picture(row.symbol)) for row in found]
                return _success({"net": rows, "day": rows})
            case ("portfolio", "holdings"):
                holdings = self._edge.holdings(self._account_id)
                held = [row for row in holdings if row.settled_quantity or row.lots]
                return _success([self.rows.holding(row, self._picture(row.symbol)) for row in held])
            case _:
                return self._error(_NO_ROUTE)

    def _market(self, request: Request) -> Response:
        match request.segments:
            case ("quote",):
                return self._quotes(request, "", self.rows.quote)
            case ("quote", "ohlc"):
                return self._quotes(request, "ohlc", self.rows.ohlc)
            case ("quote", "ltp"):
                return self._quotes(request, "ltp", self.rows.ltp)
            case ("instruments",):
                return self._instruments(request, None)
            case ("instruments", exchange):
                return self._instruments(request, exchange)
            case _:
                return self._error(_NO_ROUTE)

    def _quotes(self, request: Request, kind: str, show: Callable[[str, Picture], Row]) -> Response:
        """An instrument that nobody knows is simply not in the answer."""
        asked = request.query.get("i", ())
        if not 0 < len(asked) <= QUOTES_MAX[kind]:
            return self._error(Refused(http_status=400, error_type=ErrorType.INPUT, text="Invalid `i`."))
        data = {}
        for name in asked:
            exchange, _, tradingsymbol = name.partition(":")
            symbol = self._directory.of_name(exchange, tradingsymbol)
            picture = self._picture(symbol) if symbol and self._edge.quote(symbol) else None
            if symbol and picture:
                data[name] = show(symbol, picture)
        return _success(data)

    def _instruments(self, request: Request, exchange: str | None) -> Response:
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(_INSTRUMENTS_HEADER)
        for symbol, terms in sorted(self._edge.terms().items()):
            if exchange in (None, terms.exchange):
                number, token = self._directory.exchange_token(symbol), self._directory.instrument_token(symbol)
                name = self._directory.tradingsymbol(symbol)
                row = (token, number, name, symbol, "0.0", "", "0.0", f"{terms.tick_size}", terms.lot_size)
                writer.writerow((*row, "EQ", terms.exchange, terms.exchange))
        body = table.getvalue().encode()
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(body=body, content_type="text/csv")
        # A fixed time stamp: the same file on the same day.
        packed = gzip.compress(body, mtime=0)
        return Response(body=packed, content_type="text/csv", headers=(("content-encoding", "gzip"),))

    def _history(self, order_id: str) -> Response:
        """Of the day's orders alone: yesterday's are gone from this API."""
        steps = self._edge.order_history(self._account_id, order_id)
        row = self._of_today(order_id)
        if row is None or not steps:
            return self._error(order_error(unknown_order(order_id)))
        return _success(self.rows.history(row, steps))

    def _trades(self, trades: Sequence[TradeRow]) -> Response:
        rows = [(trade, self._edge.exchange.order(self._account_id, trade.order_id)) for trade in trades]
        return _success([self.rows.trade(trade, order) for trade, order in rows if order])

    def _of_today(self, order_id: str) -> OrderRow | None:
        book = self._edge.exchange.order_book(self._account_id)
        return next((row for row in book if row.order_id == order_id), None)

    def _protected_price(self, symbol: str, side: Side, percent: Decimal | None) -> Decimal | None:
        exchange = self._edge.exchange
        return exchange.protected_price(symbol, side, percent) if symbol in self._directory.instruments else None

    def _picture(self, symbol: str) -> Picture | None:
        return self._edge.exchange.picture(symbol)

    def _done(self, answer: Placed | Accepted | Refused) -> Response:
        if isinstance(answer, Refused):
            return self._error(answer)
        return _success({"order_id": answer.order_id})

    def _error(self, refused: Refused) -> Response:
        if refused.error_type is ErrorType.TOKEN and refused not in (_NO_SESSION, _BAD_LOGIN):
            self.sessions.end()
        data = {"status": "error", "message": refused.text, "error_type": refused.error_type.value, "data": None}
        return json_response(data, refused.http_status)


def _success(data: object) -> Response:
    return json_response({"status": "success", "data": data})


def _credentials(request: Request) -> tuple[str, str]:
    """Key and token of the header `Authorization: token KEY:TOKEN`; the logout has them in its query."""
    scheme, _, pair = request.headers.get("authorization", "").partition(" ")
    if scheme != "token":
        return request.first("api_key"), request.first("access_token")
    api_key, _, access_token = pair.partition(":")
    return api_key, access_token


def _kind(request: Request) -> str:
    match request.method, request.segments:
        case (("POST" | "PUT" | "DELETE"), ("orders", *_)):
            return "orders"
        case "GET", ("quote", *_):
            return "quote"
        case _:
            return "other"
