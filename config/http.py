"""The keys of the HTTP interface: where it listens and how much it takes."""

from __future__ import annotations

from config.declaring import Section, key


class Http(Section):
    """The HTTP interface, the order stream and the orders page. docs/API.md says what they can do.

    Without any token made (`main.py token create`), callers of this machine have all rights, and no other address
    than one of this machine is listened on.
    """

    enable_http_api: bool = key(
        "ENABLE_HTTP_API", True, "whether there is an HTTP interface; a port that is in use is told, and stops nothing"
    )
    http_host: str = key(
        "HTTP_HOST",
        "127.0.0.1",
        "the address to listen on; one that others can reach needs a token first",
        allowed="an address or a name of this machine",
        pattern=r"^[A-Za-z0-9._:-]{1,255}$",
    )
    http_port: int = key(
        "HTTP_PORT", 8000, "the port to listen on; 0: any that is free, which is told", low=0, high=65_535
    )
    http_names: str = key(
        "HTTP_NAMES",
        "",
        "names, apart from HTTP_HOST and those of this machine, by which browsers may call it",
        allowed="names separated by commas, or empty",
        pattern=r"^([A-Za-z0-9._-]{1,255}(,[A-Za-z0-9._-]{1,255}){0,19})?$",
    )
    http_requests_per_s: int = key(
        "HTTP_REQUESTS_PER_S",
        200,
        "how many requests of one caller are answered in a second, with a burst of twice as many",
        low=50,
        high=1_500,
    )
    http_body_kb_max: int = key("HTTP_BODY_KB_MAX", 64, "the longest body of a request", unit="kB", low=16, high=512)
    webhooks_allow_private: bool = key(
        "WEBHOOKS_ALLOW_PRIVATE",
        False,
        "whether webhooks are sent to this machine and its network too, and without TLS",
    )
