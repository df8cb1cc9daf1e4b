"""The last so many calls."""

from __future__ import annotations

import math

_FAILED = 1
_SLOW = 2


class CountWindow:
    """The last ``size`` calls, a byte each."""

    failures_in: list[int] | None = None
    """It has no buckets."""
    place = 0

    __slots__ = ("_bits", "_next", "_size", "calls", "failures", "slow")

    steady_until = math.inf
    """Calls leave by number, not by age."""

    def __init__(self, size: int) -> None:
        self.calls: float = 0
        self.failures: float = 0
        self.slow: float = 0
        self._size = size
        self._next = 0
        """Where the next call goes; the oldest call is there once the window is full."""
        self._bits = bytearray(size)

    def absorb(self, calls: float) -> None:
        """Take over the number of calls, after successes only, in a window that holds nothing else."""
        added = int(calls) - int(self.calls)
        self._next = (self._next + added) % self._size
        self.calls = min(self._size, calls)

    def record(self, now: float, failed: bool, slow: bool) -> None:
        old = self._bits[self._next]
        bits = (_FAILED if failed else 0) | (_SLOW if slow else 0)
        if self.calls < self._size:
            self.calls += 1
        else:
            self.failures -= old & _FAILED
            self.slow -= (old & _SLOW) >> 1
        self.failures += failed
        self.slow += slow
        self._bits[self._next] = bits
        self._next = 0 if self._next + 1 == self._size else self._next + 1

    def advance(self, now: float) -> None:
        """Nothing leaves with time."""

    def clear(self) -> None:
        self.calls = 0
        self.failures = 0
        self.slow = 0
        self._next = 0
        self._bits = bytearray(self._size)

    def resize(self, size: int) -> None:
        """Change how many calls are held; the newest ones stay."""
        if size == self._size:
            return
        kept = int(min(self.calls, size))
        newest = [self._bits[(self._next - age) % self._size] for age in range(kept, 0, -1)]
        self._size = size
        self.clear()
        for bits in newest:
            self.record(0, bits & _FAILED != 0, bits & _SLOW != 0)
