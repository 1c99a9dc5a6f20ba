"""Errors as callers see them: one shape, `{error: {code, message, details, correlation_id}}`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

DETAILS_MAX = 50


class Fault(BaseModel):
    """What went wrong, for programs (`code`, `details`) and for people (`message`)."""

    model_config = ConfigDict(extra="forbid")

    code: str
    message: str
    details: dict[str, object] = Field(default_factory=dict)
    correlation_id: str


class ErrorBody(BaseModel):
    """The body of every answer with a status of 400 or more."""

    model_config = ConfigDict(extra="forbid")

    error: Fault


class ApiError(HTTPException):
    """Ends a request with this answer."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, message, dict(headers or {}))
        self.code = code
        self.details = dict(details or {})


def error_response(error: HTTPException, correlation_id: str) -> Response:
    is_ours = isinstance(error, ApiError)
    code = error.code if isinstance(error, ApiError) else HTTPStatus(error.status_code).name.lower()
    body = {
        "error": {
            "code": code,
            "message": str(error.detail),
            "details": error.details if is_ours and isinstance(error, ApiError) else {},
            "correlation_id": correlation_id,
        }
    }
    content = json.dumps(body, ensure_ascii=False, default=str).encode("utf-8", "replace")
    return Response(content, error.status_code, dict(error.headers or {}), "application/json")


def add_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(sorted(_methods_of(request)))
        error = ApiError(405, "method_not_allowed", f"here one may {allowed}", headers={"Allow": allowed})
    return error_response(error, correlation_of(request))


def _methods_of(request: Request) -> set[str]:
    """What the path takes: the framework names the methods of the first route alone."""
    found: set[str] = set()
    for route in request.app.routes:
        is_fit, _scope = route.matches(dict(request.scope))
        if is_fit is not Match.NONE:
            found |= set(getattr(route, "methods", None) or ())
    return found


async def _invalid(request: Request, error: Exception) -> Response:
    """Names each field that is wrong, never its value: that may be long, or a secret."""
    assert isinstance(error, RequestValidationError)
    fields = [
        {"field": ".".join(str(part) for part in found["loc"]), "problem": str(found["msg"])}
        for found in error.errors()[:DETAILS_MAX]
    ]
    first = fields[0] if fields else {"field": "request", "problem": "is not understood"}
    message = f"{first['field']}: {first['problem']}"
    return error_response(ApiError(422, "invalid_request", message, {"fields": fields}), correlation_of(request))


def correlation_of(request: Request) -> str:
    return str(request.scope.get("state", {}).get("correlation_id", ""))
