"""How a request ends that is not answered as it was asked. It stands alone, so that what the engine's thread needs of
the interface does not load the framework: that is done on the server's thread, while the engine starts."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException


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
