"""HTTP responses among results: their body can be read once and by one caller only."""

from __future__ import annotations

from typing import Any

from ..core.outcomes.outcome_facts import result_status


def is_response(result: object) -> bool:
    return result_status(result) is not None


def discard(result: object) -> None:
    """Nobody will read the body of a replaced response; closed, it gives its connection back."""
    if not is_response(result):
        return
    try:
        close = getattr(result, "close", None)
        if callable(close):
            close()
    except Exception:
        # A body that cannot be closed is not ours to fix.
        return


def discard_failed(content: object) -> None:
    """Discard the response that a failed attempt returned, or that its exception carries, as those of requests and httpx do."""
    for each in _responses_in(content):
        discard(each)


async def discard_async(result: object) -> None:
    """The same in an event loop, where closing may have to be awaited."""
    if not is_response(result):
        return
    try:
        close = getattr(result, "aclose", None) or getattr(result, "close", None)
        closing: Any = close() if callable(close) else None
        if hasattr(closing, "__await__"):
            await closing
    except Exception:
        return


async def discard_failed_async(content: object) -> None:
    """As ``discard_failed``, in an event loop."""
    for each in _responses_in(content):
        await discard_async(each)


def _responses_in(content: object) -> tuple[object, ...]:
    if not isinstance(content, BaseException):
        return (content,)
    try:
        # An ``HTTPError`` of urllib is the response itself.
        return content, getattr(content, "response", None)
    except Exception:
        return ()
