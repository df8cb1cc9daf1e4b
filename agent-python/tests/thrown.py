"""What the functions of scenarios return and raise."""

from __future__ import annotations

import asyncio
from typing import Any


class Error(Exception):
    """What every exception of a scenario extends, as every error of JavaScript does."""


class Response:
    def __init__(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.status_code = status
        self.headers = headers or {}


def raised(thrown: dict[str, Any]) -> Exception:
    """An exception of a class that extends the classes before it, with these fields."""
    kind: type[Exception] = Error
    for name in thrown.get("classes", []):
        kind = type(name, (kind,), {})
    error: Any = kind("down")
    names = {"name": "name", "code": "code", "status": "status", "statusCode": "status_code", "headers": "headers"}
    for field, name in names.items():
        if field in thrown:
            setattr(error, name, thrown[field])
    if "responseStatus" in thrown:
        error.response = Response(thrown["responseStatus"], thrown.get("responseHeaders"))
    if "cause" in thrown:
        error.__cause__ = raised(thrown["cause"])
    made: Exception = error
    return made


def end_of(outcome: Any) -> tuple[Any, BaseException | None]:
    """What a function with this outcome returns, or what it raises."""
    if outcome == "success":
        return "fine", None
    if outcome == "failure":
        return None, Error("down")
    if outcome == "ignored":
        return None, asyncio.CancelledError()
    if "returns" in outcome:
        response = Response(outcome["returns"]["status"], outcome["returns"].get("headers"))
        if "headers" in outcome["returns"] and outcome["returns"]["headers"] is None:
            del response.headers
        return response, None
    return None, raised(outcome["throws"])
