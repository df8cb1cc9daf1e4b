"""For Django.

``path("breakers", breaker_states)`` in the URLs and ``"fuseboard.contrib.django.RejectWith503"`` in MIDDLEWARE, as the last one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse, JsonResponse

from ..errors import FuseboardError
from .states import NOT_STORED, REJECTIONS, refusal, states


def breaker_states(request: HttpRequest) -> HttpResponse:
    """Answer with all breakers of this process as JSON. It tells what this service calls; mount it where only you get."""
    return JsonResponse(states(), headers=NOT_STORED)


class RejectWith503:
    """Answers 503 with ``Retry-After`` where a breaker did not let a call through and nobody caught its error."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        response: HttpResponse | Awaitable[HttpResponse] = self._get_response(request)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """What a view raised; ``None`` leaves it to others."""
        if not isinstance(error, REJECTIONS):
            return None
        assert isinstance(error, FuseboardError)
        body, headers = refusal(error)
        return JsonResponse(body, status=503, headers=headers)
