"""The states of a breaker, and its changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .config.trip_conditions import TRIP_CONDITIONS
from .outcomes.last_error import LastError
from .permit import Permit

State = Literal["closed", "open", "half-open"]

Reason = Literal[
    "failure-rate",
    "slow-call-rate",
    "failure-count",
    "consecutive-failures",
    "open-duration-over",
    "probe-succeeded",
    "probe-failed",
    "probe-timeout",
    "ramp-over",
    "policy-reset",
    "policy-disabled",
    "forced-open",
    "forced-closed",
    "force-over",
    "manual-reset",
]
"""Why a state changed."""

BY_FAILURES: frozenset[Reason] = frozenset(
    ("probe-failed", *(each.reason for each in TRIP_CONDITIONS if each.measures != "slow"))
)
"""The reasons to open that a failure gives."""


@dataclass(frozen=True)
class TransitionEvent:
    """A change of state."""

    from_state: State
    to_state: State
    at: float
    """When it happened, in milliseconds of the breaker's monotonic clock.

    An open time that ran out unnoticed carries the moment at which it ran out."""
    reason: Reason
    detail: str | None = None
    """The reason given for a forced state, or for a reset, after the name of the override if an override did it."""
    key: str | None = None
    """The key whose circuit it is. ``None``: the breaker's own."""
    last_error: LastError | None = None
    """The last failure, where failures opened the circuit. ``None`` also where it is not known what it was."""


class Closed:
    __slots__ = ("since",)
    kind: State = "closed"

    def __init__(self, since: float) -> None:
        self.since = since


class Open:
    __slots__ = ("jitter", "retry_after_ms", "since", "until")
    kind: State = "open"

    def __init__(self, since: float, retry_after_ms: float, jitter: float | None) -> None:
        self.since = since
        self.until = 0.0
        self.retry_after_ms = retry_after_ms
        """What the failure that opened it asked for by Retry-After; 0: nothing."""
        self.jitter = jitter
        """The random share that this open time was given, from 0 to below 1; ``None`` until a policy asks for it."""


class Probing:
    """Half-open, testing by single calls."""

    __slots__ = ("calls", "failures", "probes", "since", "slow", "successes")
    kind: State = "half-open"

    def __init__(self, since: float) -> None:
        self.since = since
        self.probes: dict[Permit, None] = {}
        """Probes under way, the oldest first."""
        self.calls: float = 0
        """What the probes that have ended came to; a slow failure is both."""
        self.failures: float = 0
        self.slow: float = 0
        self.successes = 0


class Ramping:
    """Half-open, letting a growing share of calls through."""

    __slots__ = ("since", "started_at", "succeeded")
    kind: State = "half-open"

    def __init__(self, since: float) -> None:
        self.since = since
        self.started_at: float | None = None
        """When the first call came."""
        self.succeeded = False


StateRecord = Closed | Open | Probing | Ramping
