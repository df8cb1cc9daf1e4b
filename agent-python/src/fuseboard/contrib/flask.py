"""For Flask: ``app.add_url_rule("/breakers", view_func=breaker_states)`` and ``reject_with_503(app)``."""

from __future__ import annotations

from flask import Flask, Response, jsonify

from ..errors import FuseboardError
from .states import NOT_STORED, REJECTIONS, refusal, states


def breaker_states() -> Response:
    """Answer with all breakers of this process as JSON. It tells what this service calls; mount it where only you get."""
    response = jsonify(states())
    response.headers.update(NOT_STORED)
    return response


def reject_with_503(app: Flask) -> None:
    """Answer 503 with ``Retry-After`` where a breaker did not let a call through and nobody caught its error."""
    for kind in REJECTIONS:
        app.register_error_handler(kind, _answer)


def _answer(error: FuseboardError) -> Response:
    body, headers = refusal(error)
    response = jsonify(body)
    response.status_code = 503
    response.headers.update(headers)
    return response
