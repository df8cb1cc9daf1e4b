"""Synchronous calls under a time limit: they cannot be interrupted, so they are judged by looking."""

from __future__ import annotations

from threading import RLock

from ..errors import call_timeout
from .attempts import Attempts


class SyncCalls:
    """The calls of a circuit that run under a time limit, and when each is due."""

    def __init__(self) -> None:
        self._due: dict[Attempts, tuple[float, int]] = {}
        self._lock = RLock()

    def add(self, attempts: Attempts, now: float, limit_ms: int) -> None:
        with self._lock:
            self._due[attempts] = (now + limit_ms, limit_ms)

    def remove(self, attempts: Attempts, now: float) -> bool:
        """The call has ended; whether it did in time."""
        self.look(now)
        with self._lock:
            return self._due.pop(attempts, None) is not None

    def look(self, now: float) -> None:
        """Count the calls that are due as timed out, and as failures."""
        while True:
            with self._lock:
                overdue = next((each for each in self._due.items() if each[1][0] <= now), None)
                if overdue is None:
                    return
                attempts, (due, limit_ms) = overdue
                del self._due[attempts]
            circuit = attempts.circuit
            attempts.took(limit_ms)
            attempts.expired(call_timeout(circuit.name, circuit.key, limit_ms), due)
