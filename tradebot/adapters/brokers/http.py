"""One call over HTTP: a deadline for each part and for the whole, never a retry, and what is known when it fails."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import requests
import urllib3

from tradebot.adapters.brokers.server_dates import ServerDates, date_of
from tradebot.adapters.threads import start_thread
from tradebot.domain.errors import BrokerUnavailable, OutcomeUnknown

CALLS_MAX = 32
"""Calls under way at once, those included that were given up and hang: beyond it nothing is sent any more."""
BODY_BYTES_MAX = 64 * 1024 * 1024

_CHUNK = 64 * 1024
_BEFORE_SENDING = (
    requests.exceptions.ConnectTimeout,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)


class NotSent(BrokerUnavailable):
    """No connection was made: the broker has seen nothing of the call."""


class AnswerLost(OutcomeUnknown):
    """The request may have gone out, and its answer did not come, not in time, or not whole."""


class NotJson(OutcomeUnknown):
    """The answer is no JSON: a gateway's error page says nothing about what became of the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """In seconds of the machine's own clock. `total_s` bounds everything: the name look-up, and an answer that comes
    byte by byte."""

    connect_s: float = 3.0
    read_s: float = 7.0
    total_s: float = 12.0


DOWNLOAD = Deadlines(read_s=30.0, total_s=90.0)
"""For instrument files, which are large and made on demand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`form` is sent url-encoded, `json` as JSON; `query` may name a parameter more than once."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Sequence[tuple[str, str]] = ()
    form: Mapping[str, str] | None = field(default=None, repr=False)
    json: Mapping[str, object] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`date` is the server's clock as it says it; `retry_after_s` what it asks for when it was asked too often."""

    status: int
    content_type: str
    body: bytes
    date: datetime | None = None
    retry_after_s: float | None = None

    def json(self) -> Any:
        """The body with exact numbers. Raises NotJson."""
        if "json" not in self.content_type:
            raise NotJson(f"HTTP {self.status} with {self.content_type or 'no type'} instead of JSON")
        try:
            return json.loads(self.body, parse_float=Decimal)
        except ValueError as cause:
            raise NotJson(f"HTTP {self.status} with JSON that cannot be read: {cause}") from cause


class Http:
    """Calls to one broker over connections that are kept open. Threads may share it.

    Proxies, certificates and passwords that the environment or `.netrc` name are not used; redirects are not followed.
    """

    def __init__(
        self,
        deadlines: Deadlines | None = None,
        *,
        start: Callable[[Callable[[], None]], None] = start_thread,
    ) -> None:
        """`start` runs something in a thread, and raises RuntimeError when the machine gives none."""
        self._start = start
        self._deadlines = deadlines or Deadlines()
        self._dates: ServerDates | None = None
        self._session = requests.Session()
        self._session.trust_env = False
        pool = requests.adapters.HTTPAdapter(pool_connections=4, pool_maxsize=CALLS_MAX, max_retries=0)
        self._session.mount("https://", pool)
        self._session.mount("http://", pool)
        self._free = threading.BoundedSemaphore(CALLS_MAX)

    def call(self, request: Request, deadlines: Deadlines | None = None) -> Answer:
        """Raises NotSent or AnswerLost. An error status is an answer like any other.

        The call runs in a thread of its own, so that not even a name look-up that hangs outlives the deadline.
        """
        if not self._free.acquire(blocking=False):
            raise NotSent(f"{CALLS_MAX} calls are under way already")
        within = deadlines or self._deadlines
        run = _Run(lambda: self._exchange(request, within), self._free.release)
        self._begin(run)
        return run.result(within.total_s)

    def _begin(self, run: _Run) -> None:
        """Raises NotSent where the system gives no thread, and its place is free again."""
        try:
            self._start(run)
        except (RuntimeError, MemoryError) as cause:
            self._free.release()
            raise NotSent(f"no thread for the call: {type(cause).__name__}") from cause

    def measure(self, dates: ServerDates) -> None:
        """From now on the time in each answer is compared with ours."""
        self._dates = dates

    def close(self) -> None:
        self._session.close()

    def _exchange(self, request: Request, within: Deadlines) -> Answer:
        try:
            return self._send(request, within)
        except _BEFORE_SENDING as cause:
            raise NotSent(_said(cause)) from cause
        except requests.exceptions.ConnectionError as cause:
            raise (NotSent if _is_before_sending(cause) else AnswerLost)(_said(cause)) from cause
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as cause:
            raise AnswerLost(_said(cause)) from cause

    def _send(self, request: Request, within: Deadlines) -> Answer:
        dates = self._dates
        asked_s = dates.monotonic() if dates is not None else 0.0
        with self._session.request(
            request.method,
            request.url,
            params=list(request.query),
            data=request.form,
            json=request.json,
            headers=request.headers,
            timeout=(within.connect_s, within.read_s),
            allow_redirects=False,
            stream=True,
        ) as response:
            if dates is not None:
                dates.answered(response.headers, asked_s)
            return Answer(
                status=response.status_code,
                content_type=response.headers.get("Content-Type", ""),
                body=_body(response),
                date=date_of(response.headers.get("Date", "")),
                retry_after_s=_seconds(response.headers.get("Retry-After", "")),
            )


class _Run:
    """One call in its thread, and whoever waits for it. Whoever is first, the thread that begins or the one that gives
    it up, has the call: a thread that dies for want of memory never begins."""

    def __init__(self, work: Callable[[], Answer], release: Callable[[], None]) -> None:
        self._work = work
        self._release = release
        self._is_taken = threading.Lock()
        self._ended = threading.Event()
        self._answer: Answer | None = None
        self._error: Exception | None = None

    def __call__(self) -> None:
        if not self._is_taken.acquire(blocking=False):
            return
        try:
            self._answer = self._work()
        except Exception as error:  # handed to the thread that waits
            self._error = error
        finally:
            self._release()
            self._ended.set()

    def result(self, timeout_s: float) -> Answer:
        if not self._ended.wait(timeout_s):
            if self._is_taken.acquire(blocking=False):
                self._release()
                raise NotSent(f"its thread has not begun within {timeout_s:g} s")
            raise AnswerLost(f"no whole answer within {timeout_s:g} s")
        if self._answer is None:
            assert self._error is not None
            raise self._error
        return self._answer


def _body(response: requests.Response) -> bytes:
    parts, size = [], 0
    for part in response.iter_content(_CHUNK):
        parts.append(part)
        size += len(part)
        if size > BODY_BYTES_MAX:
            raise AnswerLost(f"an answer of more than {BODY_BYTES_MAX} bytes")
    return b"".join(parts)


def _is_before_sending(error: BaseException) -> bool:
    """The name is not known, nobody listens, or the certificate is wrong: no byte of the request has left."""
    reason = getattr(error.args[0], "reason", error.args[0]) if error.args else error
    if isinstance(reason, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError):
        return True
    return "CERTIFICATE_VERIFY_FAILED" in str(reason)


def _said(error: Exception) -> str:
    """Without the address: the query may hold a token."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if reason is None:
        return type(error).__name__
    return f"{type(error).__name__}: {type(reason).__name__}"


def _seconds(text: str) -> float | None:
    return float(text) if text.isdigit() else None
