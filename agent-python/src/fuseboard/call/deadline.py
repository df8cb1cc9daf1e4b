"""How long the call that runs now may still take."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol

from ..core.clock import Environment


class Limited(Protocol):
    """What runs under a time limit."""

    def left_ms(self) -> float:
        """How many milliseconds are left of it; below 0 when it is up."""
        ...


class RunningUntil:
    """A time limit that is up at so many milliseconds of a clock."""

    __slots__ = ("_environment", "_until")

    def __init__(self, environment: Environment, until: float) -> None:
        self._environment = environment
        self._until = until

    def left_ms(self) -> float:
        return self._until - self._environment.now()


innermost_limit: ContextVar[Limited | None] = ContextVar("fuseboard_innermost_limit", default=None)
"""The innermost call under a time limit that this thread or task is part of."""

set_limit, reset_limit = innermost_limit.set, innermost_limit.reset
"""A method of an imported name costs a call under a time limit as much as its clock does."""


def time_left() -> float | None:
    """How many seconds the policy's time limit leaves the call that runs now; never below 0.

    ``None`` outside of calls with a limit. A synchronous call cannot be interrupted: pass this on to the client that it
    uses (``requests.get(url, timeout=time_left())``).
    """
    limit = innermost_limit.get()
    return None if limit is None else max(0.0, limit.left_ms()) / 1_000
