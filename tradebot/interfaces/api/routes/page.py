"""`/`: the orders page and its parts, the interactive documents, and the cookie that a browser is known by."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import FileResponse, Response

from tradebot.interfaces.api.access import Use
from tradebot.interfaces.api.answers import SessionShape
from tradebot.interfaces.api.bodies import StrictRoute
from tradebot.interfaces.api.errors import ErrorBody
from tradebot.interfaces.api.gate import COOKIE
from tradebot.interfaces.api.refusal import ApiError

FOLDER = Path(__file__).parents[1] / "page"
# The viewers of the documents write styles into the page, and nothing else that is not theirs.
_LOOSE_STYLES = "'self' 'unsafe-inline'"
COOKIE_S = 30 * 24 * 3600
_KINDS = {
    ".mjs": "text/javascript",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".html": "text/html; charset=utf-8",
}

router = APIRouter(tags=["page"], route_class=StrictRoute)


class Login(BaseModel):
    """A token, to be kept as a cookie that scripts cannot read and other sites do not send."""

    model_config = ConfigDict(extra="forbid", strict=True)

    token: Annotated[str, Field(min_length=1, max_length=200)]


@router.get("/", include_in_schema=False)
async def page() -> Response:
    return _document("index.html")


@router.get("/docs", include_in_schema=False)
async def documents() -> Response:
    return _document("docs.html", styles=_LOOSE_STYLES)


@router.get("/redoc", include_in_schema=False)
async def documents_to_read() -> Response:
    return _document("redoc.html", styles=_LOOSE_STYLES)


@router.get("/page/{path:path}", include_in_schema=False)
async def part(path: str) -> Response:
    """Only what lies in the page's folder, under its plain name."""
    found = _parts().get(path)
    if found is None:
        raise ApiError(404, "not_found", "the page has no such part")
    headers = {"Cache-Control": "no-cache"}
    if found.suffix == ".gz":
        headers["Content-Encoding"] = "gzip"
    return FileResponse(found, media_type=_KINDS[Path(path).suffix], headers=headers)


@router.post("/login", response_model=SessionShape, responses={401: {"model": ErrorBody}}, summary="Set the cookie")
async def login(request: Request, body: Login) -> Response:
    caller = request.state.access.of_token(body.token)
    answer = SessionShape(user_id=caller.user_id, account_ids=list(caller.account_ids), scopes=list(caller.scopes))
    response = answer.response()
    response.set_cookie(
        COOKIE, body.token, max_age=COOKIE_S, httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )
    return response


@router.post("/logout", response_model=SessionShape, summary="Forget the cookie")
async def logout() -> Response:
    response = SessionShape(user_id="", account_ids=[], scopes=[]).response()
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


@router.get("/session", response_model=SessionShape, summary="Who this browser is")
async def session(request: Request, _services: Use) -> Response:
    caller = request.state.caller
    if caller is None:
        return SessionShape(user_id="", account_ids=[], scopes=[]).response()
    return SessionShape(
        user_id=caller.user_id, account_ids=list(caller.account_ids), scopes=list(caller.scopes)
    ).response()


@cache
def _parts() -> dict[str, Path]:
    """Large parts lie there packed, and every browser unpacks them."""
    files = {file.relative_to(FOLDER).as_posix().removesuffix(".gz"): file for file in FOLDER.rglob("*")}
    return {name: file for name, file in files.items() if Path(name).suffix in _KINDS and ".html" not in name}


@cache
def _document(name: str, styles: str = "'self'") -> Response:
    text = (FOLDER / name).read_text(encoding="utf-8")
    headers = {"Content-Security-Policy": policy(text, styles), "Cache-Control": "no-cache"}
    return Response(text, headers=headers, media_type="text/html")


def policy(document: str, styles: str = "'self'") -> str:
    """Own scripts and styles alone; of what stands in the document itself, only its import map, by its hash."""
    maps = re.findall(r'<script type="importmap">(.*?)</script>', document, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in maps]
    scripts = " ".join(["'self'", *(f"'sha256-{digest}'" for digest in hashes)])
    return (
        f"default-src 'none'; script-src {scripts}; style-src {styles}; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
