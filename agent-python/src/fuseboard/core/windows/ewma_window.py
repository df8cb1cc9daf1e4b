"""All calls, the older the less."""

from __future__ import annotations

import math

_STEPS = 10
"""How often in a half-life the counts decay."""


class EwmaWindow:
    """All calls since the window was last empty, each counting half as much after every half-life.

    An exponentially weighted moving count that decays a tenth of the half-life at a time.
    """

    failures_in: list[int] | None = None
    """It has no buckets."""
    place = 0

    __slots__ = ("_current", "_step", "calls", "failures", "slow")

    def __init__(self, half_life_ms: float, now: float) -> None:
        self.calls: float = 0
        self.failures: float = 0
        self.slow: float = 0
        self._step = half_life_ms / _STEPS
        self._current = math.floor(now / self._step)
        """The step that the counts are decayed to."""

    @property
    def steady_until(self) -> float:
        """Until then ``advance`` changes nothing."""
        return (self._current + 1) * self._step

    def absorb(self, calls: float) -> None:
        """Take over the number of calls, after successes that others counted since ``steady_until`` was read."""
        self.calls = calls

    def record(self, now: float, failed: bool, slow: bool) -> None:
        self.advance(now)
        self.calls += 1
        if failed:
            self.failures += 1
        if slow:
            self.slow += 1

    def advance(self, now: float) -> None:
        target = math.floor(now / self._step)
        if target <= self._current:
            return
        share = 2 ** ((self._current - target) / _STEPS)
        self.calls *= share
        self.failures *= share
        self.slow *= share
        self._current = target

    def clear(self) -> None:
        self.calls = 0
        self.failures = 0
        self.slow = 0

    def resize(self, half_life_ms: float, now: float) -> None:
        """Change how fast calls fade; what they count now stays."""
        self.advance(now)
        self._step = half_life_ms / _STEPS
        self._current = math.floor(now / self._step)
