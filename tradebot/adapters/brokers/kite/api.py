"""Kite's calls: a path and its fields in, the answer's data out, errors by name."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from tradebot.adapters.brokers.http import DOWNLOAD, Http, Request
from tradebot.adapters.brokers.kite.refusals import refusal
from tradebot.adapters.brokers.kite.session import KiteSession
from tradebot.domain.errors import OutcomeUnknown


class KiteApi:
    """Raises what `http` and `refusals` say. Threads may share it."""

    def __init__(self, session: KiteSession, http: Http) -> None:
        self._session = session
        self._http = http

    def data(
        self,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        form: Mapping[str, str] | None = None,
    ) -> Any:
        answer = self._http.call(self._request(method, path, query, form))
        if (error := refusal(answer)) is not None:
            raise error
        return answer.json()["data"]

    def table(self, path: str) -> list[dict[str, str]]:
        """A CSV file; every field stays a text, since a blank one must not make numbers of its neighbours."""
        answer = self._http.call(self._request("GET", path, (), None), DOWNLOAD)
        if "json" in answer.content_type and (error := refusal(answer)) is not None:
            raise error
        if answer.status != _OK or "csv" not in answer.content_type:
            raise OutcomeUnknown(f"HTTP {answer.status} with {answer.content_type or 'no type'} instead of CSV")
        return list(csv.DictReader(io.StringIO(answer.body.decode())))

    def _request(
        self, method: str, path: str, query: Sequence[tuple[str, str]], form: Mapping[str, str] | None
    ) -> Request:
        url = f"{self._session.app.root_url}{path}"
        return Request(method=method, url=url, headers=self._session.headers(), query=query, form=form)


_OK = 200
