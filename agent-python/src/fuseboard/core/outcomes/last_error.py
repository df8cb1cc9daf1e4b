"""What a failure was, for people."""

from __future__ import annotations

from dataclasses import dataclass

from ..text import cut, utf16_length
from .outcome_facts import causes

MAX_NAME = 64
MAX_MESSAGE = 200
"""How many UTF-16 code units of each are kept; a character is at most two."""


@dataclass(frozen=True)
class LastError:
    """What a failure was: kept and shown where the exception itself must not be."""

    name: str
    """The class of the exception, or ``Response`` for an answer of HTTP."""
    message: str
    """Its text and that of what it innermost came from, cut after 200 UTF-16 units; ``HTTP 503`` for an answer."""


Described = tuple[str, str]
"""The same as a failure leaves it: making the object is left to who reads it."""


def described(what: object) -> Described | None:
    """``what`` was returned or raised by a call that failed; ``None`` where that is not known."""
    if what is None:
        return None
    try:
        if not isinstance(what, BaseException):
            status = getattr(what, "status_code", None)
            status = getattr(what, "status", "without a status") if status is None else status
            return "Response", _short(f"HTTP {status}", MAX_MESSAGE)
        message = str(what)
        if what.__cause__ is not None or what.__context__ is not None:
            *_, innermost = causes(what)
            message = ": ".join(dict.fromkeys(text for text in (message, str(innermost)) if text))
        name = type(what).__name__
        if 2 * len(name) <= MAX_NAME and 2 * len(message) <= MAX_MESSAGE:
            return name, message
        return _short(name, MAX_NAME), _short(message, MAX_MESSAGE)
    except Exception:
        return "unknown", "an error that cannot be read"


def _short(text: str, most: int) -> str:
    """At most so many UTF-16 code units of a text, and no half of a character."""
    if utf16_length(text) <= most:
        return text
    kept = cut(text, most)
    is_half = "\ud800" <= kept[-1] <= "\udbff"
    return f"{kept[:-1] if is_half else kept}…"
