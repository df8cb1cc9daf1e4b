"""Waits between attempts to open the stream."""

from __future__ import annotations

from collections.abc import Callable

FIRST_MS = 500
GREATEST_MS = 15_000


class Backoff:
    """Full jitter over a bound that doubles from 0.5 s to 15 s."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._failures = 0

    def next(self) -> float:
        """The next wait, in milliseconds."""
        bound = min(GREATEST_MS, FIRST_MS << min(self._failures, 10))
        self._failures += 1
        return self._random() * bound

    def reset(self) -> None:
        """The next wait is a short one again."""
        self._failures = 0
