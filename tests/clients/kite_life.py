"""A whole order life by the official client of Kite Connect; prints what it saw as one line of JSON.

Run as `.venv-clients/bin/python tests/clients/kite_life.py URL`, on an exchange process with a driven clock that stands
in the evening of 2026-09-15.
"""

import json
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request

from kiteconnect import KiteConnect, KiteTicker
from kiteconnect.exceptions import InputException, TokenException

URL = sys.argv[1]
KEY, SECRET = "kitekey", "kitesecret"
WAITS_S = 60


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


def admin(path, data):
    request = urllib.request.Request(f"{URL}/admin{path}", json.dumps(data).encode(), method="POST")
    return json.load(urllib.request.urlopen(request, timeout=WAITS_S))


def advance(to):
    admin("/advance", {"to": f"{to}+05:30"})


def login(kite):
    """The browser's part: the redirect with the request token; the client does the rest."""
    try:
        urllib.request.build_opener(_NoRedirect).open(f"{URL}/connect/login?v=3&api_key={KEY}", timeout=WAITS_S)
    except urllib.error.HTTPError as redirect:
        query = urllib.parse.urlsplit(redirect.headers["location"]).query
    token = urllib.parse.parse_qs(query)["request_token"][0]
    kite.set_access_token(kite.generate_session(token, api_secret=SECRET)["access_token"])


def place(kite, variety, price, **fields):
    order = {
        "exchange": "NSE",
        "tradingsymbol": "INFY",
        "transaction_type": "BUY",
        "quantity": 5,
        "product": "CNC",
        "order_type": "LIMIT",
        "tag": "LIFE1",
        **fields,
    }
    return kite.place_order(variety, price=price, **order)


def status(kite, order_id):
    return next(row["status"] for row in kite.orders() if row["order_id"] == order_id)


def refused(call, error):
    try:
        call()
    except error as told:
        return type(told).__name__
    return "not refused"


def after_market(kite):
    """One is changed and cancelled, the other waits for the morning."""
    quote = kite.quote("NSE:INFY")["NSE:INFY"]
    low, high = quote["lower_circuit_limit"], quote["upper_circuit_limit"]
    first, second = place(kite, "amo", low), place(kite, "amo", high)
    kite.modify_order("amo", first, quantity=6, price=low)
    parked = status(kite, first)
    kite.cancel_order("amo", first)
    return second, {"parked": parked, "amo_cancelled": status(kite, first)}


class Stream:
    """The ticker in a thread of its own, with what came."""

    def __init__(self, kite, token):
        self.ticks, self.events = [], []
        self.is_open, self.has_tick, self.is_complete = threading.Event(), threading.Event(), threading.Event()
        self.ticker = KiteTicker(KEY, kite.access_token, root=URL.replace("http", "ws", 1))
        self.ticker.on_connect = lambda ws, response: self._opened(ws, token)
        self.ticker.on_ticks = lambda ws, ticks: self._ticked(ticks)
        self.ticker.on_order_update = lambda ws, data: self._told(data)
        self.ticker.connect(threaded=True)
        assert self.is_open.wait(WAITS_S), "the ticker did not connect"

    def _opened(self, ws, token):
        ws.subscribe([token])
        ws.set_mode(ws.MODE_FULL, [token])
        self.is_open.set()

    def _ticked(self, ticks):
        self.ticks += ticks
        self.has_tick.set()

    def _told(self, data):
        self.events.append((data["order_id"], data["status"]))
        if data["status"] == "COMPLETE":
            self.is_complete.set()


def regular(kite):
    """Placed, changed, cancelled; placed and filled; a stop order that waits."""
    quote = kite.quote("NSE:INFY")["NSE:INFY"]
    low, high = quote["lower_circuit_limit"], quote["upper_circuit_limit"]
    stream = Stream(kite, quote["instrument_token"])
    cancelled = place(kite, "regular", low)
    kite.modify_order("regular", cancelled, quantity=7, price=low)
    kite.cancel_order("regular", cancelled)
    filled = place(kite, "regular", quote["depth"]["sell"][4]["price"])
    stop = place(kite, "regular", high, order_type="SL", trigger_price=high)
    assert stream.is_complete.wait(WAITS_S), stream.events
    assert stream.has_tick.wait(WAITS_S), "no tick came"
    tick = stream.ticks[-1]
    stream.ticker.close()
    return {
        "cancelled": status(kite, cancelled),
        "history": [row["status"] for row in kite.order_history(cancelled)],
        "filled": status(kite, filled),
        "bought": sum(trade["quantity"] for trade in kite.order_trades(filled)),
        "trades": len(kite.trades()) > 0,
        "stop": status(kite, stop),
        "position": kite.positions()["net"][0]["quantity"],
        "events": [word for order_id, word in stream.events if order_id == filled],
        "tick": [tick["mode"], tick["last_price"] == kite.ltp("NSE:INFY")["NSE:INFY"]["last_price"]],
        "depth": len(tick["depth"]["buy"]),
    }


def main():
    kite = KiteConnect(KEY, root=URL, timeout=WAITS_S)
    login(kite)
    seen = {
        "user": kite.profile()["user_id"],
        "cash": kite.margins()["equity"]["available"]["cash"],
        "instruments": any(row["tradingsymbol"] == "INFY" for row in kite.instruments("NSE")),
        "close": kite.ohlc("NSE:INFY")["NSE:INFY"]["ohlc"]["close"] > 0,
        "bad_tag": refused(lambda: place(kite, "amo", 100, tag="x" * 21), InputException),
    }
    waiting, told = after_market(kite)
    advance("2026-09-16T08:30:00")
    seen |= told | {"dead": refused(kite.orders, TokenException)}
    login(kite)
    advance("2026-09-16T09:30:00")
    seen |= {"released": status(kite, waiting)} | regular(kite)
    advance("2026-09-17T09:20:00")
    login(kite)
    seen["held"] = [(row["quantity"], row["t1_quantity"]) for row in kite.holdings()]
    kite.invalidate_access_token()
    seen["logged_out"] = refused(kite.profile, TokenException)
    print(json.dumps(seen))


main()
