"""The keys that say at which broker orders are placed, and with whose credentials."""

from __future__ import annotations

from typing import Any

from config.declaring import Section, key
from config.kinds import BrokerName, BrokerWord

_CREDENTIAL: dict[str, Any] = {
    "allowed": "up to 200 printable characters, in .env or the environment",
    "pattern": r"^[\x21-\x7e]{0,200}$",
    "is_credential": True,
}
LOOPBACK = r"http://(127\.0\.0\.1|localhost):[0-9]{1,5}"


class Broker(Section):
    """At which broker orders are placed, how often it may be called, and the credentials for it.

    Credentials stand in .env or the environment, never in this file (docs/live.md).
    """

    broker: BrokerWord = key("broker", BrokerName.PAPER, "where orders go; kite and kotak only in mode live")
    confirm_live: bool = key("confirm_live", False, "mode live trades with real money: true says that this is meant")
    broker_url: str = key(
        "broker_url",
        "",
        "an exchange process in the broker's place (`main.py exchange`), whose clock is followed; empty: the broker",
        allowed="http://127.0.0.1:port, or empty",
        pattern=rf"^({LOOPBACK})?$",
    )
    orders_per_second: int = key(
        "BROKER_ORDERS_PER_SECOND",
        8,
        "order calls in any second; brokers and SEBI draw the line at 10",
        unit="calls",
        low=1,
        high=9,
    )
    orders_per_minute: int = key(
        "BROKER_ORDERS_PER_MINUTE",
        240,
        "order calls in any minute; Kite takes 400, Kotak 300",
        unit="calls",
        low=30,
        high=390,
    )
    orders_per_day: int = key(
        "BROKER_ORDERS_PER_DAY",
        3000,
        "order calls on a day, also refused ones; Kite takes 5000",
        unit="calls",
        low=400,
        high=4900,
    )
    static_ip: str = key(
        "BROKER_STATIC_IP",
        "",
        "the address that is registered with the broker; the doctor compares it where the broker says what it sees",
        allowed="an IPv4 address, or empty",
        pattern=r"^(([0-9]{1,3}\.){3}[0-9]{1,3})?$",
    )
    kite_api_key: str = key("KITE_API_KEY", "", "Kite Connect: the app's key", **_CREDENTIAL)
    kite_api_secret: str = key("KITE_API_SECRET", "", "Kite Connect: the app's secret", **_CREDENTIAL)
    kotak_access_token: str = key("KOTAK_ACCESS_TOKEN", "", "Kotak Neo: the app's lasting token", **_CREDENTIAL)
    kotak_mobile: str = key("KOTAK_MOBILE", "", "Kotak Neo: the registered number, with +91", **_CREDENTIAL)
    kotak_client_code: str = key("KOTAK_CLIENT_CODE", "", "Kotak Neo: the client code (UCC)", **_CREDENTIAL)
    kotak_mpin: str = key("KOTAK_MPIN", "", "Kotak Neo: the MPIN", **_CREDENTIAL)
    kotak_totp_seed: str = key(
        "KOTAK_TOTP_SEED",
        "",
        "Kotak Neo: the seed of the time-based passwords; who stores it lets the machine log in by itself",
        **_CREDENTIAL,
    )

    def missing_credentials(self) -> tuple[str, ...]:
        """Names of the broker's keys that are empty."""
        needed: dict[BrokerName, dict[str, str]] = {
            BrokerName.PAPER: {},
            BrokerName.KITE: {"KITE_API_KEY": self.kite_api_key, "KITE_API_SECRET": self.kite_api_secret},
            BrokerName.KOTAK: {
                "KOTAK_ACCESS_TOKEN": self.kotak_access_token,
                "KOTAK_MOBILE": self.kotak_mobile,
                "KOTAK_CLIENT_CODE": self.kotak_client_code,
                "KOTAK_MPIN": self.kotak_mpin,
                "KOTAK_TOTP_SEED": self.kotak_totp_seed,
            },
        }
        return tuple(name for name, value in needed[self.broker].items() if not value)
