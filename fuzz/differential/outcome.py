"""How a call of a case ends."""

from __future__ import annotations

from typing import Any


class Error(Exception):
    """What every exception of a case extends, as every error of JavaScript does."""


class Response:
    def __init__(self, status: int, headers: dict[str, str]) -> None:
        self.status_code = status
        self.headers = headers


def error_of(outcome: Any) -> Exception:
    """An exception of a class that extends the classes before it in the list, with its fields."""
    return _thrown(outcome.get("throws", {}) if isinstance(outcome, dict) else {})


def _thrown(thrown: dict[str, Any]) -> Exception:
    kind: type[Exception] = Error
    for name in thrown.get("classes", []):
        kind = type(name, (kind,), {})
    error: Any = kind("down")
    for field, value in thrown.items():
        if field not in ("classes", "responseStatus", "responseHeaders", "cause"):
            setattr(error, "status_code" if field == "statusCode" else field, value)
    if "responseStatus" in thrown:
        error.response = Response(thrown["responseStatus"], thrown.get("responseHeaders", {}))
    if "cause" in thrown:
        error.__cause__ = _thrown(thrown["cause"])
    made: Exception = error
    return made


def response_of(outcome: Any) -> Response | None:
    """The response of an outcome; ``None`` for one that is no response."""
    if not isinstance(outcome, dict) or "returns" not in outcome:
        return None
    return Response(outcome["returns"]["status"], outcome["returns"].get("headers", {}))
