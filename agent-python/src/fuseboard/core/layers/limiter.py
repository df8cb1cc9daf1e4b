"""How many calls may be under way and how many may wait."""

from __future__ import annotations

from collections.abc import Callable

from ..config.call_config import AdaptiveLimitConfig
from .adaptive_limit import AdaptiveLimit


class Waiter:
    """A call that waits for a slot. Owned by the limiter between ``join`` and its end."""

    __slots__ = ("granted", "has_slot")

    def __init__(self, granted: Callable[[], None]) -> None:
        self.granted = granted
        """A slot is free and taken for this call. Must not raise; is called without the limiter's lock."""
        self.has_slot = False


class Limiter:
    """A bulkhead with a bounded queue, first come, first served. Its owner holds a lock for it."""

    __slots__ = ("_adaptive", "_max_concurrent", "_max_queue", "_waiting", "running")

    def __init__(self, max_concurrent: float, max_queue: int) -> None:
        self._max_concurrent = max_concurrent
        self._max_queue = max_queue
        self._adaptive: AdaptiveLimit | None = None
        self.running = 0
        """Slots that are taken."""
        self._waiting: dict[Waiter, None] = {}

    @property
    def limit(self) -> float:
        """How many calls may be under way now."""
        return self._max_concurrent

    @property
    def queued(self) -> int:
        return len(self._waiting)

    def acquire(self) -> bool:
        """Take a slot if one is free and nobody waits for it. Whoever gets one releases it once."""
        if self.running >= self._max_concurrent or self._waiting:
            return False
        self.running += 1
        return True

    def acquire_anyway(self) -> None:
        """Take a slot beyond the limit."""
        self.running += 1

    def join(self, waiter: Waiter) -> bool:
        """Wait at the end of the queue; false when the queue is full."""
        if len(self._waiting) >= self._max_queue:
            return False
        self._waiting[waiter] = None
        return True

    def leave(self, waiter: Waiter) -> bool:
        """Give up waiting; false for one that was granted a slot before."""
        return self._waiting.pop(waiter, self) is None

    def release(self) -> list[Waiter]:
        """Give a slot back. The first in the queue gets it: whoever is returned has a slot now and must be notified."""
        self.running -= 1
        return self._grant()

    def record(self, ms: float) -> list[Waiter]:
        """A call that gave its slot back succeeded, or one timed out, after ``ms``; returns who got a slot by it."""
        if self._adaptive is None:
            return []
        self._adaptive.record(ms, self.running)
        self._max_concurrent = self._adaptive.limit
        return self._grant()

    def resize(
        self, max_concurrent: float, max_queue: int, adaptive: AdaptiveLimitConfig | None = None
    ) -> list[Waiter]:
        """Other limits, from now on; returns who got a slot by it.

        Who runs continues and who waits stays, even where fewer would be let in now.
        """
        if adaptive is None:
            self._adaptive = None
        elif self._adaptive is None:
            self._adaptive = AdaptiveLimit(adaptive)
        else:
            self._adaptive.configure(adaptive)
        self._max_concurrent = max_concurrent if self._adaptive is None else self._adaptive.limit
        self._max_queue = max_queue
        return self._grant()

    def _grant(self) -> list[Waiter]:
        granted: list[Waiter] = []
        while self._waiting and self.running < self._max_concurrent:
            waiter = next(iter(self._waiting))
            del self._waiting[waiter]
            self.running += 1
            waiter.has_slot = True
            granted.append(waiter)
        return granted
