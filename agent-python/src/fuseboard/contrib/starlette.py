"""For Starlette and FastAPI.

``app.add_route("/breakers", breaker_states)`` and ``reject_with_503(app)``.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..errors import FuseboardError
from .states import NOT_STORED, REJECTIONS, refusal, states


async def breaker_states(request: Request) -> Response:
    """Answer with all breakers of this process as JSON. It tells what this service calls; mount it where only you get."""
    return JSONResponse(states(), headers=NOT_STORED)


def reject_with_503(app: Starlette) -> None:
    """Answer 503 with ``Retry-After`` where a breaker did not let a call through and nobody caught its error."""
    for kind in REJECTIONS:
        app.add_exception_handler(kind, _answer)


async def _answer(request: Request, error: Exception) -> Response:
    assert isinstance(error, FuseboardError)
    body, headers = refusal(error)
    return JSONResponse(body, status_code=503, headers=headers)
