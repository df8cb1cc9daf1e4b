"""Calls under way, by when they began."""

from __future__ import annotations

import math

_SPANS = 10
"""Buckets in the time after which a call is slow."""
_LIFETIMES = 10
"""A call that takes so many times longer is given up as lost: a leaked permit must not open a circuit for ever."""
_BUCKETS = _SPANS * _LIFETIMES


class InFlight:
    """Counts the calls under way in buckets of a tenth of ``slow_ms``.

    So those that are slow already are known at any moment without a list of them. Beginning, ending and looking cost the
    same however many there are.
    """

    __slots__ = ("_counts", "_current", "_end", "_floor", "_fresh", "_span", "_start", "overdue", "slow_ms")

    def __init__(self, slow_ms: float, now: float) -> None:
        self.overdue = 0
        """Calls that began longer than ``slow_ms`` ago, noticed up to a tenth of it late, and less than ten times as long."""
        self.slow_ms = slow_ms
        self._span = slow_ms / _SPANS
        self._counts = [0] * _BUCKETS
        self._floor: float = -math.inf
        """Calls that began in a bucket up to this one are not counted."""
        self._enter(self._bucket(now))

    def begin(self, at: float) -> None:
        if at >= self._end:
            self.advance(at)
        self._fresh += 1

    def end(self, at: float) -> None:
        """``at`` is when the call began; it is the same as for ``begin``."""
        if at < self._start:
            self._end_old(self._bucket(at))
        else:
            self._fresh -= 1

    def advance(self, now: float) -> None:
        if now < self._end:
            return
        self._counts[self._current % _BUCKETS] = self._fresh if self._current > self._floor else 0
        target = self._bucket(now)
        if target - self._current >= _BUCKETS:
            self.clear()
        else:
            for bucket in range(self._current + 1, target + 1):
                oldest = bucket % _BUCKETS
                self.overdue += self._counts[(bucket - _SPANS - 1) % _BUCKETS] - self._counts[oldest]
                self._counts[oldest] = 0
        self._enter(target)

    def clear(self) -> None:
        self.overdue = 0
        self._fresh = 0
        self._counts = [0] * _BUCKETS

    def forget(self, until: float) -> None:
        """Stop counting the calls that began up to ``until``, or in the same tenth; their end is not missed."""
        if until == -math.inf:
            return
        floor = self._bucket(until)
        first = self._current - _BUCKETS + 1 if self._floor == -math.inf else int(self._floor) + 1
        for bucket in range(max(first, self._current - _BUCKETS + 1), floor + 1):
            place = bucket % _BUCKETS
            if bucket < self._current - _SPANS:
                self.overdue -= self._counts[place]
            self._counts[place] = 0
        self._floor = max(self._floor, floor)

    def _end_old(self, bucket: int) -> None:
        if bucket <= max(self._floor, self._current - _BUCKETS):
            return
        self._counts[bucket % _BUCKETS] -= 1
        if bucket < self._current - _SPANS:
            self.overdue -= 1

    def _enter(self, bucket: int) -> None:
        self._current = bucket
        self._fresh = 0
        self._start = bucket * self._span
        self._end = (bucket + 1) * self._span

    def _bucket(self, at: float) -> int:
        """The bucket that begins at or before an instant; a quotient may be rounded across that border."""
        bucket = math.floor(at / self._span)
        if at < bucket * self._span:
            return bucket - 1
        return bucket if at < (bucket + 1) * self._span else bucket + 1
