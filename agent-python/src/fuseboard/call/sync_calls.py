"""Synchronous calls under a time limit: they cannot be interrupted, so their time limits are evaluated when the breaker is read."""

from __future__ import annotations

from threading import RLock

from ..errors import call_timeout
from .layered_call import LayeredCall


class SyncCalls:
    """The calls of a breaker that run under a time limit, and when each is due."""

    def __init__(self) -> None:
        self._due: dict[LayeredCall, tuple[float, int]] = {}
        self._lock = RLock()

    def add(self, call: LayeredCall, now: float, limit_ms: int) -> None:
        with self._lock:
            self._due[call] = (now + limit_ms, limit_ms)

    def remove(self, call: LayeredCall, now: float) -> bool:
        """The call has ended; whether it did in time."""
        self.expire_due(now)
        with self._lock:
            return self._due.pop(call, None) is not None

    def expire_due(self, now: float) -> None:
        """Count the calls that are due as timed out, and as failures."""
        while True:
            with self._lock:
                overdue = next((each for each in self._due.items() if each[1][0] <= now), None)
                if overdue is None:
                    return
                call, (due, limit_ms) = overdue
                del self._due[call]
            breaker = call.breaker
            call.took(limit_ms)
            call.expired(call_timeout(breaker.name, breaker.key, limit_ms), due)
