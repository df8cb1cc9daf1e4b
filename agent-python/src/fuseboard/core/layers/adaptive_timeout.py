"""A time limit that follows how long calls take."""

from __future__ import annotations

import math

from ..config.call_config import AdaptiveConfig

_PER_DOUBLING = 8
"""A bucket's upper end is at most 9.1 % above anything in it."""
_BUCKETS = 27 * _PER_DOUBLING
"""From 1 ms to 24 h; the ends hold what lies outside."""
_HALF_LIFE = 512
"""Samples after which all counts are halved, so that old ones fade."""


class AdaptiveTimeout:
    """Durations counted in buckets that grow by 2^(1/8).

    The percentile is the upper end of the bucket that holds it: never less than the true one of the weighted samples, and at
    most 9.1 % or 1 ms more. A pointer to that bucket follows the counts, so that a sample costs the same however many there are.
    """

    __slots__ = ("_before", "_bucket", "_counts", "_samples", "_weight")

    def __init__(self) -> None:
        self._counts = [0.0] * _BUCKETS
        self._weight = 0.0
        self._samples = 0
        self._bucket = 0
        """The bucket of the percentile; ``_before`` is the weight in all buckets before it."""
        self._before = 0.0

    def record(self, ms: float) -> None:
        bucket = _bucket_of(ms)
        self._counts[bucket] += 1
        self._weight += 1
        if bucket < self._bucket:
            self._before += 1
        self._samples += 1
        if self._samples % _HALF_LIFE == 0:
            self._fade()

    def limit_ms(self, config: AdaptiveConfig, initial_ms: int) -> float:
        """``initial_ms`` is the limit until there are enough samples; 0: there is none, so ``max_ms`` is."""
        if self._samples < config.minimum_samples:
            return config.max_ms if initial_ms == 0 else initial_ms
        self._seek((self._weight * config.percentile) / 100)
        limit = (2 ** (self._bucket / _PER_DOUBLING) * (100 + config.headroom_percent)) / 100
        return min(max(limit, config.min_ms), config.max_ms)

    def _seek(self, rank: float) -> None:
        """Move to the first bucket up to whose end at least ``rank`` of the weight lies."""
        while self._before + self._counts[self._bucket] < rank and self._bucket < _BUCKETS - 1:
            self._before += self._counts[self._bucket]
            self._bucket += 1
        while self._bucket > 0 and self._before >= rank:
            self._bucket -= 1
            self._before -= self._counts[self._bucket]

    def _fade(self) -> None:
        """Sum again, so that rounding does not pile up."""
        self._counts = [count / 2 for count in self._counts]
        self._weight = sum(self._counts)
        self._before = sum(self._counts[: self._bucket])


def _bucket_of(ms: float) -> int:
    if not ms > 1:
        return 0
    return min(math.ceil(math.log2(ms) * _PER_DOUBLING), _BUCKETS - 1)
