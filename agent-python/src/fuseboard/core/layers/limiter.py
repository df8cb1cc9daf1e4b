"""How many calls may be under way and how many may wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol
from weakref import ref

from ..config.call_config import AdaptiveLimitConfig
from .adaptive_limit import AdaptiveLimit


class SlotOwner(Protocol):
    """Whoever gives slots out."""

    def release(self, slot: Slot) -> None:
        """Give a slot back."""

    def record_call(self, ms: float) -> None:
        """A call that gave its slot back succeeded, or one timed out, after ``ms``."""


class Slot:
    """A place among the concurrent calls, taken or not. One that is forgotten is free again.

    A signal handler or another thread can interrupt a call anywhere, also between the taking of a slot and what gives it back.
    """

    __slots__ = ("__weakref__", "owner")

    def __init__(self, owner: SlotOwner) -> None:
        self.owner = owner

    def release(self) -> None:
        """Give it back."""
        self.owner.release(self)


class Waiter(Slot):
    """A call that waits for a slot, and that slot once it was given."""

    __slots__ = ("granted", "has_slot")

    def __init__(self, owner: SlotOwner, granted: Callable[[], None]) -> None:
        super().__init__(owner)
        self.granted = granted
        """A slot is free and taken for this call. Must not raise; is called without the limiter's lock."""
        self.has_slot = False


class Limiter:
    """A bulkhead with a bounded queue, first come, first served. Its owner holds a lock for it."""

    __slots__ = ("_adaptive", "_max_concurrent", "_max_queue", "_taken", "_waiting")

    def __init__(self, max_concurrent: float, max_queue: int) -> None:
        self._max_concurrent = max_concurrent
        self._max_queue = max_queue
        self._adaptive: AdaptiveLimit | None = None
        self._taken: set[ref[Slot]] = set()
        self._waiting: dict[ref[Waiter], None] = {}

    @property
    def limit(self) -> float:
        """How many calls may be under way now."""
        return self._max_concurrent

    @property
    def running(self) -> int:
        """Slots that are taken."""
        return len(self._taken)

    @property
    def queued(self) -> int:
        return len(self._waiting)

    def acquire(self, slot: Slot) -> bool:
        """Take a slot if one is free and nobody waits for it."""
        if len(self._taken) >= self._max_concurrent or self._waiting:
            return False
        self.acquire_anyway(slot)
        return True

    def acquire_anyway(self, slot: Slot) -> None:
        """Take a slot, also beyond the limit."""
        # In one step each, which nothing interrupts: that it is taken, and that it is free again when it is forgotten.
        self._taken.add(ref(slot, self._taken.discard))

    def join(self, waiter: Waiter) -> bool:
        """Wait at the end of the queue; false when the queue is full."""
        if len(self._waiting) >= self._max_queue:
            self._forget_waiters()
            if len(self._waiting) >= self._max_queue:
                return False
        self._waiting[ref(waiter)] = None
        return True

    def leave(self, waiter: Waiter) -> bool:
        """Give up waiting; false for one that was granted a slot before."""
        return self._waiting.pop(ref(waiter), self) is None

    def release(self, slot: Slot) -> list[Waiter]:
        """Give a slot back, if it is still taken. The first in the queue gets it: whoever is returned has a slot now and must be notified."""
        self._taken.discard(ref(slot))
        return self.grant()

    def record(self, ms: float) -> list[Waiter]:
        """A call that gave its slot back succeeded, or one timed out, after ``ms``; returns who got a slot by it."""
        if self._adaptive is None:
            return []
        self._adaptive.record(ms, self.running)
        self._max_concurrent = self._adaptive.limit
        return self.grant()

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
        return self.grant()

    def grant(self) -> list[Waiter]:
        """Give free slots to those who wait; returns who got one."""
        granted: list[Waiter] = []
        while self._waiting and len(self._taken) < self._max_concurrent:
            first = next(iter(self._waiting))
            del self._waiting[first]
            waiter = first()
            if waiter is not None:
                self.acquire_anyway(waiter)
                waiter.has_slot = True
                granted.append(waiter)
        return granted

    def _forget_waiters(self) -> None:
        """Those who wait no longer and did not say so."""
        for each in [each for each in self._waiting if each() is None]:
            del self._waiting[each]
