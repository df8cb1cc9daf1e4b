"""A bound for the work that others give this process."""

from __future__ import annotations

import math

_BURST_MS = 2_000
"""CPU time that the messages of a stream may take at once. The largest set that is allowed takes less."""
_SHARE = 0.1
"""The share of the time that they may take on average."""


class WorkBudget:
    """Limits the CPU time that messages of the operator take from the calls of a service.

    Further messages wait unread, so that the connection slows down an operator that sends too much.
    """

    def __init__(self) -> None:
        self._left_ms = float(_BURST_MS)
        self._at = -math.inf

    def spend(self, took_ms: float, now: float) -> float:
        """Record work that took ``took_ms`` of CPU time; return how long to pause, in milliseconds. ``now`` is monotonic."""
        self._left_ms = min(_BURST_MS, self._left_ms + (now - self._at) * _SHARE) - took_ms
        self._at = now
        return max(0.0, -self._left_ms) / _SHARE
