"""What a breaker counts over its life: one list of numbers, the latency buckets first."""

from __future__ import annotations

from collections.abc import Sequence

from .config.defaults import LATENCY_BUCKETS

FAILED = LATENCY_BUCKETS
IGNORED = LATENCY_BUCKETS + 1
SLOW = LATENCY_BUCKETS + 2
TIMED_OUT = LATENCY_BUCKETS + 3
REJECTED = LATENCY_BUCKETS + 4
SHADOW_REJECTED = LATENCY_BUCKETS + 5
RETRIED = LATENCY_BUCKETS + 6
FALLBACK = LATENCY_BUCKETS + 7

COUNTERS = LATENCY_BUCKETS + 8

Totals = dict[str, int]
"""Counts by their names on the wire."""


def totals_of(counters: Sequence[int]) -> Totals:
    """A call that ended succeeded unless it is also counted as failed or ignored."""
    ended = sum(counters[:LATENCY_BUCKETS])
    failed, ignored = counters[FAILED], counters[IGNORED]
    return {
        "succeeded": ended - failed - ignored,
        "failed": failed,
        "ignored": ignored,
        "slow": counters[SLOW],
        "timedOut": counters[TIMED_OUT],
        "rejected": counters[REJECTED],
        "shadowRejected": counters[SHADOW_REJECTED],
        "retried": counters[RETRIED],
        "fallback": counters[FALLBACK],
    }
