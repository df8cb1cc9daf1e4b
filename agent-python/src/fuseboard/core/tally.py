"""What a breaker counts over its life: one list of numbers, the latency buckets first."""

from __future__ import annotations

from collections.abc import Sequence

from .defaults import LATENCY_BUCKETS

FAILED = LATENCY_BUCKETS
IGNORED = LATENCY_BUCKETS + 1
SLOW = LATENCY_BUCKETS + 2
TIMED_OUT = LATENCY_BUCKETS + 3
REJECTED = LATENCY_BUCKETS + 4
SHADOW_REJECTED = LATENCY_BUCKETS + 5
RETRIED = LATENCY_BUCKETS + 6
FALLBACK = LATENCY_BUCKETS + 7

PLACES = LATENCY_BUCKETS + 8

Totals = dict[str, int]
"""Counts by their names on the wire."""


def totals_of(tally: Sequence[int]) -> Totals:
    """A call that ended succeeded unless it is also counted as failed or ignored."""
    ended = sum(tally[:LATENCY_BUCKETS])
    failed, ignored = tally[FAILED], tally[IGNORED]
    return {
        "succeeded": ended - failed - ignored,
        "failed": failed,
        "ignored": ignored,
        "slow": tally[SLOW],
        "timedOut": tally[TIMED_OUT],
        "rejected": tally[REJECTED],
        "shadowRejected": tally[SHADOW_REJECTED],
        "retried": tally[RETRIED],
        "fallback": tally[FALLBACK],
    }
