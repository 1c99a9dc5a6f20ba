"""A whole order life by the official client of Kotak Neo; prints what it saw as one line of JSON.

Run as `.venv-clients/bin/python tests/clients/kotak_life.py URL`, on an exchange process whose driven clock stands
in the evening of 2026-09-15. The client's login host is fixed: its `transport` leads it to the exchange, and the base
URL of the login answer does from then on.
"""

import asyncio
import json
import sys
import urllib.request

import httpx
import pyotp
from neo_api_client import NeoAPI

URL = sys.argv[1]
TOKEN, SECRET = "neotoken", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
MOBILE, UCC, MPIN = "+919999999999", "ABCDE", "123456"
WAITS_S = 60


class ToExchange(httpx.HTTPTransport):
    """Every call goes to the exchange, whatever host it names."""

    def handle_request(self, request):
        to = httpx.URL(URL)
        request.url = request.url.copy_with(scheme="http", host=to.host, port=to.port)
        request.headers["host"] = f"{to.host}:{to.port}"
        return super().handle_request(request)


def advance(to):
    body = json.dumps({"to": f"{to}+05:30"}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{URL}/admin/advance", body, method="POST"), timeout=WAITS_S)


def login(neo):
    view = neo.totp_login(mobile_number=MOBILE, ucc=UCC, totp=pyotp.TOTP(SECRET).now())
    trade = neo.totp_validate(mpin=MPIN)
    return [view["data"]["kType"], trade["data"]["kType"], trade["data"]["baseUrl"] == URL]


def place(neo, price, amo="NO", order_type="L", trigger="0"):
    answer = neo.place_order(
        exchange_segment="nse_cm",
        product="CNC",
        price=price,
        order_type=order_type,
        quantity="5",
        validity="DAY",
        trading_symbol="INFY-EQ",
        transaction_type="B",
        amo=amo,
        disclosed_quantity="0",
        trigger_price=trigger,
        tag="LIFE1",
    )
    assert answer.get("stat") == "Ok", answer
    return answer["nOrdNo"]


def modify(neo, order_id, price, amo="NO"):
    answer = neo.modify_order(
        order_id=order_id,
        price=price,
        order_type="L",
        quantity="7",
        validity="DAY",
        trigger_price="0",
        disclosed_quantity="0",
        amo=amo,
    )
    assert answer.get("stat") == "Ok", answer


def row(neo, order_id):
    return next(row for row in neo.order_report()["data"] if row["nOrdNo"] == order_id)


def quote(neo):
    tokens = [{"instrument_token": neo_token, "exchange_segment": "nse_cm"}]
    return neo.quotes(instrument_tokens=tokens, quote_type="all")[0]


def token_of(neo):
    lines = urllib.request.urlopen(neo.scrip_master("nse_cm"), timeout=WAITS_S).read().decode().splitlines()
    return next(line.split(",")[0] for line in lines if ",INFY-EQ," in line)


async def filled_on_feed(neo, price):
    """An order is placed while the feed is open; answers its id and the words that the feed had for it."""
    async with neo.create_order_feed() as feed:
        await asyncio.sleep(1)
        order_id = await asyncio.to_thread(place, neo, price)
        words = []
        async with asyncio.timeout(WAITS_S):
            async for message in feed:
                if message.data.order_id == order_id:
                    words.append(message.data.order_status)
                if "complete" in words:
                    break
    return order_id, words


neo = NeoAPI(consumer_key=TOKEN, environment="prod", transport=ToExchange(), timeout=WAITS_S)
seen = {"login": login(neo), "empty": neo.order_report()["stCode"], "ip": neo.whatsmyip()["data"][0]["ip"]}
seen["net"] = neo.limits()["Net"]
neo_token = token_of(neo)
low, high = quote(neo)["low_price_range"], quote(neo)["high_price_range"]

first, waiting = place(neo, low, amo="YES"), place(neo, high, amo="YES")
modify(neo, first, low, amo="YES")
seen["parked"] = row(neo, first)["ordSt"]
neo.cancel_order(order_id=first, amo="YES")
seen["amo_cancelled"] = row(neo, first)["ordSt"]

advance("2026-09-16T08:30:00")
seen["dead"] = neo.order_report()["stCode"]
login(neo)
advance("2026-09-16T09:30:00")
seen["released"] = [row(neo, waiting)["ordSt"], row(neo, waiting)["GuiOrdId"]]
low, high = quote(neo)["low_price_range"], quote(neo)["high_price_range"]
cancelled = place(neo, low)
modify(neo, cancelled, low)
neo.cancel_order(order_id=cancelled)
seen["cancelled"] = row(neo, cancelled)["ordSt"]
seen["again"] = neo.cancel_order(order_id=cancelled)["stCode"]
seen["history"] = [step["ordSt"] for step in neo.order_history(order_id=cancelled)["data"]["data"]]
seen["stop"] = row(neo, place(neo, high, order_type="SL", trigger=high))["ordSt"]
filled, seen["events"] = asyncio.run(filled_on_feed(neo, quote(neo)["depth"]["sell"][4]["price"]))
seen["filled"] = row(neo, filled)["fldQty"]
seen["bought"] = sum(trade["fldQty"] for trade in neo.trade_report()["data"] if trade["nOrdNo"] == filled)
seen["position"] = neo.positions()["data"][0]["flBuyQty"]
advance("2026-09-17T09:20:00")
login(neo)
seen["held"] = [holding["sellableQuantity"] for holding in neo.holdings()["data"]]
print(json.dumps(seen))
