"""Kotak's calls: a path and its fields in, the answer out, errors by name."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from tradebot.adapters.brokers.http import DOWNLOAD, Http, Request
from tradebot.adapters.brokers.kotak.refusals import NO_DATA, refusal
from tradebot.adapters.brokers.kotak.session import KotakSession
from tradebot.domain.errors import BrokerRejected, OutcomeUnknown

_OK = 200


class KotakApi:
    """Raises what `http` and `refusals` say. Threads may share it."""

    def __init__(self, session: KotakSession, http: Http) -> None:
        self._session = session
        self._http = http

    def send(self, path: str, fields: Mapping[str, str]) -> dict[str, Any]:
        """A form with one field of compact JSON, in which every value is a text."""
        form = {"jData": json.dumps(fields, separators=(",", ":"))}
        url = f"{self._session.base_url()}{path}"
        body = self._checked(Request(method="POST", url=url, headers=self._session.headers(), form=form))
        if not isinstance(body, dict):
            raise OutcomeUnknown("an answer that is no object")
        return body

    def rows(self, path: str) -> list[dict[str, Any]]:
        """The rows of a report. That there is none is an error in Kotak's words, and an empty list in ours."""
        url = f"{self._session.base_url()}{path}"
        try:
            body = self._checked(Request(method="GET", url=url, headers=self._session.headers()))
        except BrokerRejected as refused:
            if refused.code == NO_DATA:
                return []
            raise
        return _listed(body)

    def quotes(self, instruments: str) -> list[dict[str, Any]]:
        """`instruments` as `segment|token`, with commas between them; needs no trading session."""
        url = f"{self._session.base_url()}/script-details/1.0/quotes/neosymbol/{instruments}/all"
        return _listed(self._checked(Request(method="GET", url=url, headers=self._session.quote_headers())))

    def scrip_files(self) -> list[str]:
        url = f"{self._session.base_url()}/script-details/1.0/masterscrip/file-paths"
        body = self._checked(Request(method="GET", url=url, headers=self._session.quote_headers()))
        return [str(path) for path in body["data"]["filesPaths"]]

    def table(self, url: str) -> list[dict[str, str]]:
        """A scrip master; its headers have stray spaces and semicolons."""
        answer = self._http.call(Request(method="GET", url=url), DOWNLOAD)
        if answer.status != _OK or b"pTrdSymbol" not in answer.body[:_HEADER_BYTES]:
            raise OutcomeUnknown(f"HTTP {answer.status}, and no scrip master")
        rows = csv.DictReader(io.StringIO(answer.body.decode()))
        names = {name: name.strip(" ;") for name in rows.fieldnames or ()}
        return [{names[name]: value for name, value in row.items() if name in names} for row in rows]

    def _checked(self, request: Request) -> Any:
        answer = self._http.call(request)
        if (error := refusal(answer)) is not None:
            raise error
        return answer.json()


_HEADER_BYTES = 2_000


def _listed(body: Any) -> list[dict[str, Any]]:
    """Reports come as a list, or wrapped once or twice in `data`."""
    while isinstance(body, dict) and "data" in body:
        body = body["data"]
    if not isinstance(body, list):
        raise OutcomeUnknown("a report without rows")
    return body
