"""Where processes leave what they see."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol


class StateStore(Protocol):
    """Each member has one entry of its own, which lapses by itself, so that nobody writes over what another one said.

    The methods block and may raise; they are called from a thread of their own, never from a call.
    """

    def put(self, member: str, entry: str, ttl: float) -> None:
        """Put the entry of a member in the place of its last one; it lapses after so many seconds."""
        ...

    def all(self) -> list[str]:
        """The entries that have not lapsed, of all members."""
        ...

    def remove(self, member: str) -> None:
        """Take the entry of a member away."""
        ...


class MemoryStore:
    """A store within one process, for tests and as an example of what a store does. ``now`` is a clock in seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._entries: dict[str, tuple[str, float]] = {}

    def put(self, member: str, entry: str, ttl: float) -> None:
        with self._lock:
            self._entries[member] = (entry, self._now() + ttl)

    def all(self) -> list[str]:
        with self._lock:
            now = self._now()
            self._entries = {member: each for member, each in self._entries.items() if each[1] > now}
            return [entry for entry, _ in self._entries.values()]

    def remove(self, member: str) -> None:
        with self._lock:
            self._entries.pop(member, None)
