"""A limit of concurrent calls that follows how long calls take."""

from __future__ import annotations

from ..config.call_config import AdaptiveLimitConfig

_MIN_ROUND = 10
"""Calls in a round at least."""
_CYCLE = 16
"""In the last two rounds of so many, half of the limit applies."""
_TOLERANCE = 1.5
"""Calls that take so much longer than the baseline wait for each other in the dependency."""
_DECREASE = 0.9


class AdaptiveLimit:
    """Additive increase and multiplicative decrease, as AIMDLimit in Netflix's concurrency-limits.

    A round is as many calls as the limit. After a round whose mean is above 1.5 times the baseline, the limit is a tenth lower;
    after any other round in which more than half of it was used, it is one higher. The baseline is the mean of rounds without
    load. So that there are such rounds under full load too, half of the limit applies in two of 16 rounds, of which the first
    drains, after the probes of BBR (Cardwell et al., 2016). It has no clock: without calls it stays as it is.
    """

    __slots__ = ("_baseline_ms", "_calls", "_config", "_limit", "_peak", "_round", "_sum_ms")

    def __init__(self, config: AdaptiveLimitConfig) -> None:
        self._config = config
        self._limit = config.initial
        self._baseline_ms = 0.0
        self._round = 0
        self._calls = 0
        self._sum_ms = 0.0
        self._peak = 0

    @property
    def limit(self) -> int:
        """The limit that applies now."""
        return self._limit if self._round < _CYCLE - 2 else max(self._config.min_concurrent, self._limit // 2)

    def configure(self, config: AdaptiveLimitConfig) -> None:
        """Other bounds; what was learned stays."""
        self._config = config
        self._limit = min(max(self._limit, config.min_concurrent), config.max_concurrent)

    def record(self, ms: float, running: int) -> None:
        """A call succeeded, or timed out after ``ms``; ``running`` are under way without it."""
        self._calls += 1
        self._sum_ms += ms
        self._peak = max(self._peak, running + 1)
        if self._calls >= max(_MIN_ROUND, self.limit):
            self._end_round(self._sum_ms / self._calls)

    def _end_round(self, mean_ms: float) -> None:
        config = self._config
        is_idle = self._peak * 2 <= self._limit
        is_drain = self._round == _CYCLE - 2
        is_probe = self._round == _CYCLE - 1
        if self._baseline_ms == 0:
            self._baseline_ms = mean_ms
        elif is_probe or (is_idle and not is_drain) or self._limit == config.min_concurrent:
            self._baseline_ms += (mean_ms - self._baseline_ms) / 2
        if not is_drain and not is_probe:
            if mean_ms > self._baseline_ms * _TOLERANCE:
                self._limit = max(config.min_concurrent, int(self._limit * _DECREASE))
            elif not is_idle:
                self._limit = min(config.max_concurrent, self._limit + 1)
        self._round = (self._round + 1) % _CYCLE
        self._calls = 0
        self._sum_ms = 0.0
        self._peak = 0
