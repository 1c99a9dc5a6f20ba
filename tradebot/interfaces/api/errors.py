"""Errors as callers see them: one shape, `{error: {code, message, details, correlation_id}}`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tradebot.interfaces.api.refusal import ApiError

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
        allowed = ", ".join(_methods_of(request))
        error = ApiError(405, "method_not_allowed", f"{request.url.path} takes {allowed}", headers={"Allow": allowed})
    elif error.status_code == HTTPStatus.NOT_FOUND and not isinstance(error, ApiError):
        error = ApiError(404, "not_found", f"there is no {request.url.path} here; /docs shows every endpoint")
    return error_response(error, correlation_of(request))


def _methods_of(request: Request) -> list[str]:
    """What the path takes: the framework names the methods of the first of its routes alone."""
    found = [leaf for leaf in _leaves(request.app.routes) if leaf.path_regex.match(request.url.path)]
    return sorted({method for leaf in found if leaf.path == found[0].path for method in leaf.methods or ()})


def _leaves(routes: Iterable[BaseRoute]) -> Iterator[Route]:
    for route in routes:
        if isinstance(route, Route):
            yield route
        elif (router := getattr(route, "original_router", None)) is not None:
            yield from _leaves(router.routes)


async def _invalid(request: Request, error: Exception) -> Response:
    """Names each field that is wrong, never its value: that may be long, or a secret."""
    assert isinstance(error, RequestValidationError)
    fields = [
        {"field": ".".join(str(part) for part in found["loc"]), "problem": str(found["msg"])}
        for found in error.errors()[:DETAILS_MAX]
    ]
    first = fields[0] if fields else {"field": "request", "problem": "is not understood"}
    if first["field"] == "body" and "json" not in request.headers.get("content-type", ""):
        first["problem"] = "must be JSON, with the header Content-Type: application/json"
    message = f"{first['field']}: {first['problem']}"
    return error_response(ApiError(422, "invalid_request", message, {"fields": fields}), correlation_of(request))


def correlation_of(request: Request) -> str:
    return str(request.scope.get("state", {}).get("correlation_id", ""))
