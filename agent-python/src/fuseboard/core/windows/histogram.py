"""How long calls took."""

from __future__ import annotations

from ..config.defaults import LATENCY_BUCKETS

FIRST_BUCKET_MS = 0.125
"""Below which a call is in the first bucket; each further bucket ends at twice as much."""
_LAST = LATENCY_BUCKETS - 1


def latency_bucket(ms: float) -> int:
    """The bucket of a duration: bucket i holds the calls under 2^i x 0.125 ms that no smaller bucket holds."""
    if not ms >= FIRST_BUCKET_MS:
        return 0
    if ms >= 65_536:
        return _LAST
    bucket = int(ms / FIRST_BUCKET_MS).bit_length()
    return bucket if bucket < LATENCY_BUCKETS else _LAST
