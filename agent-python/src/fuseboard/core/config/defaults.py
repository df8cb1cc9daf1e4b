"""What an absent field of a policy means, as in the schema; durations are milliseconds here."""

from __future__ import annotations

MODE = "Enforce"
ON_UPDATE = "Preserve"

WINDOW_TYPE = "Time"
WINDOW_MS = 10_000
MINIMUM_CALLS = 20

OPEN_MS = 30_000
BACKOFF_FACTOR = 1
MAX_OPEN_MS = 86_400_000
JITTER_PERCENT = 0
HONOR_RETRY_AFTER = False

STRATEGY = "Probes"
MAX_PROBES = 1
EVALUATE = "AnyFailure"
SUCCESS_THRESHOLD = 1
PROBE_TIMEOUT_MS = 30_000
RAMP_MS = 10_000

ADAPTIVE_PERCENTILE = 95
ADAPTIVE_HEADROOM_PERCENT = 20
ADAPTIVE_MINIMUM_SAMPLES = 10
ADAPTIVE_MIN_MS = 10

RETRY_INITIAL_MS = 100
RETRY_FACTOR = 2
RETRY_MAX_MS = 10_000
RETRY_JITTER_PERCENT = 25
RETRY_BUDGET_PERCENT = 20
RETRY_MIN_PER_SECOND = 1
RETRY_PLACEMENT = "OutsideBreaker"

MIN_CONCURRENT = 1
INITIAL_CONCURRENT = 20
MAX_QUEUE = 0
QUEUE_TIMEOUT_MS = 1_000

MAX_KEYS = 1_000
KEY_IDLE_MS = 600_000

FAILURE_STATUS = ("5xx",)

BREAKER_NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}"
"""A breaker name as given to ``get_breaker``."""

BREAKER_PATTERN = r"(\*|[A-Za-z0-9][A-Za-z0-9._:/-]{0,126}[A-Za-z0-9._:/*-]?)"
"""A breaker name, a prefix followed by ``*``, or ``*`` for all."""

LATENCY_BUCKETS = 20
"""Latency bucket i counts calls under 2^i x 0.125 ms; the last one counts all that are longer."""
