"""Whether and when a call is tried again."""

from __future__ import annotations

import math

from ..config.call_config import RetryConfig

_MOST_SAVED = 100
"""Retries that a budget can save up."""


class RetryBudget:
    """Keeps retries to a share of the calls, so that they cannot multiply the load on a service in trouble.

    A token bucket: a call adds its share of a token, a retry takes one. After the retry budgets of Finagle.
    """

    __slots__ = ("_free", "_saved", "_second_at")

    def __init__(self) -> None:
        self._saved = 0
        """Hundredths of a token: whole numbers do not drift."""
        self._second_at = -math.inf
        """When the second of the free retries began."""
        self._free = 0
        """How many were taken in it."""

    def admitted(self, budget_percent: int) -> None:
        """A call was admitted."""
        if self._saved < _MOST_SAVED * 100:
            self._saved += budget_percent

    def spend(self, now: float, min_per_second: int) -> bool:
        """Take permission for a retry, if there is any.

        ``min_per_second`` retries in a second need no token; the second begins with the first of them.
        """
        if self._saved >= 100:
            self._saved -= 100
            return True
        if now - self._second_at >= 1_000:
            self._second_at, self._free = now, 0
        self._free += 1
        return self._free <= min_per_second


def backoff_ms(config: RetryConfig, retry: int, random: float, asked_ms: float) -> float | None:
    """How long to wait before a retry: min(max, initial x factor^(n - 1) x (1 + jitter x u)), or longer if asked.

    ``retry`` 1 is the first; ``random`` is u, from 0 to below 1; ``asked_ms`` is what Retry-After says, 0 when nothing.
    ``None`` when the dependency asks for more than the longest wait.
    """
    if asked_ms > config.max_ms:
        return None
    jitter = 1 + (config.jitter_percent / 100) * random
    return max(min(config.max_ms, config.initial_ms * float(config.factor) ** (retry - 1) * jitter), asked_ms)
