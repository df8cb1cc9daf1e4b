"""Calls of the last so many milliseconds."""

from __future__ import annotations

import math

SPANS = 10
"""How many spans a window is cut into: a call leaves at most a tenth of the window before its time is up."""


class TimeWindow:
    """Calls counted in buckets ``floor(now / span)`` of ten spans.

    The current bucket and the nine before it are inside, so that no call counts longer than the window reaches. While a
    bucket is the current one, it holds the number of calls in the others: so a call is counted in one place.
    """

    __slots__ = (
        "_calls_in",
        "_current",
        "_slow_in",
        "_span",
        "calls",
        "failures",
        "failures_in",
        "place",
        "slow",
        "steady_until",
    )

    def __init__(self, ms: float, now: float) -> None:
        self.calls: float = 0
        self.failures: float = 0
        self.slow: float = 0
        self._span = ms / SPANS
        self._calls_in = [0] * SPANS
        self.failures_in: list[int] | None = None
        """The failures of each bucket, once there was one."""
        self._slow_in: list[int] | None = None
        self._current = 0
        self.place = 0
        """Which bucket is the current one."""
        self.steady_until = 0.0
        """Until then ``advance`` drops nothing."""
        self._enter(math.floor(now / self._span))

    def absorb(self, calls: float) -> None:
        """Take over the number of calls, after successes that others counted since ``steady_until`` was read."""
        self.calls = calls

    def record(self, now: float, failed: bool, slow: bool) -> None:
        if now >= self.steady_until:
            self.advance(now)
        self.calls += 1
        place = self.place
        if failed:
            self.failures += 1
            failures_in = self.failures_in
            if failures_in is None:
                failures_in = self.failures_in = [0] * SPANS
            failures_in[place] += 1
        if slow:
            self._add_slow(place, 1)

    def advance(self, now: float) -> None:
        """Drop what is no longer inside."""
        if now < self.steady_until:
            return
        self._leave()
        target = math.floor(now / self._span)
        if target - self._current >= SPANS:
            self.clear()
        else:
            for bucket in range(self._current + 1, target + 1):
                self._empty(bucket % SPANS)
        self._enter(target)

    def clear(self) -> None:
        self.calls = 0
        self.failures = 0
        self.slow = 0
        self._calls_in = [0] * SPANS
        self.failures_in = None
        self._slow_in = None

    def resize(self, ms: float, now: float) -> None:
        """Change how far back the window reaches.

        What is inside stays as far as the new window reaches: an old bucket moves whole to the new bucket of its newest
        instant.
        """
        span = ms / SPANS
        if span == self._span:
            return
        self.advance(now)
        self._leave()
        calls, failures, slow = self._calls_in, self.failures_in, self._slow_in
        old_span, old_current = self._span, self._current
        current = math.floor(now / span)
        self._span = span
        self.clear()
        for bucket in range(old_current, old_current - SPANS, -1):
            place = bucket % SPANS
            to = min(current, math.ceil(((bucket + 1) * old_span) / span) - 1)
            if to <= current - SPANS:
                continue
            self._add(to % SPANS, calls[place], 0 if failures is None else failures[place])
            if slow is not None:
                self._add_slow(to % SPANS, slow[place])
        self._enter(current)

    def _leave(self) -> None:
        """Write down how many calls the current bucket has."""
        place = self.place
        self._calls_in[place] = int(self.calls) - self._calls_in[place]

    def _enter(self, bucket: int) -> None:
        self._current = bucket
        self.steady_until = (bucket + 1) * self._span
        self.place = place = bucket % SPANS
        self._calls_in[place] = int(self.calls) - self._calls_in[place]

    def _add(self, place: int, calls: int, failures: int) -> None:
        self.calls += calls
        self._calls_in[place] += calls
        if failures:
            self.failures += failures
            if self.failures_in is None:
                self.failures_in = [0] * SPANS
            self.failures_in[place] += failures

    def _add_slow(self, place: int, slow: int) -> None:
        self.slow += slow
        if self._slow_in is None:
            self._slow_in = [0] * SPANS
        self._slow_in[place] += slow

    def _empty(self, place: int) -> None:
        self.calls -= self._calls_in[place]
        self._calls_in[place] = 0
        if self.failures_in is not None:
            self.failures -= self.failures_in[place]
            self.failures_in[place] = 0
        if self._slow_in is not None:
            self.slow -= self._slow_in[place]
            self._slow_in[place] = 0
