"""How long the call that runs now may still take."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

running_until: ContextVar[tuple[Callable[[], float], float, float] | None] = ContextVar(
    "fuseboard_running_until", default=None
)
"""The clock of the innermost call with a time limit, its unit in milliseconds, and at how many milliseconds the limit is up."""


def time_left() -> float | None:
    """How many seconds the policy's time limit leaves the call that runs now; never below 0.

    ``None`` outside of calls with a limit. A synchronous call cannot be interrupted: pass this on to the client that it
    uses (``requests.get(url, timeout=time_left())``).
    """
    limit = running_until.get()
    if limit is None:
        return None
    read, scale, until = limit
    return max(0.0, until - read() * scale) / 1_000
