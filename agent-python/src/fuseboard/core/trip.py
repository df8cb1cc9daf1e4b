"""The evaluation of the conditions that open a circuit."""

from __future__ import annotations

from typing import Protocol

from .config.config import Config
from .config.trip_conditions import Measure, TripReason

_ROUNDING = 1e-6
"""Sums that faded carry an error in their last digits, which must not hide that a threshold is reached."""


class Counts(Protocol):
    """What rates are taken of."""

    calls: float
    failures: float
    slow: float


def tripped_by_number(config: Config, failures: float, slow: float, consecutive: int) -> TripReason | None:
    """The reason of the first condition on a number of calls that holds, if any."""
    if consecutive < config.consecutive_from and failures < config.failures_from and slow < config.slow_from:
        return None
    return _first_of(config, failures, slow, consecutive, None)


def tripped_by_rate(config: Config, counts: Counts, overdue: int, minimum: int) -> TripReason | None:
    """The reason of the first condition on a rate that holds, if any.

    ``overdue`` calls under way are slow already; they are in the total and slow. It takes ``minimum`` calls.
    """
    total = counts.calls + overdue
    if total < minimum - _ROUNDING:
        return None
    return _first_of(config, counts.failures, counts.slow + overdue, 0, total)


def _first_of(config: Config, failures: float, slow: float, consecutive: int, total: float | None) -> TripReason | None:
    """``total`` is that of rates; ``None``: the conditions on numbers."""
    measured: dict[Measure, float] = {"failures": failures, "slow": slow, "consecutiveFailures": consecutive}
    for condition, threshold in config.thresholds:
        if condition.is_rate is not (total is None) and _reaches(measured[condition.measures], threshold, total):
            return condition.reason
    return None


def _reaches(measured: float, threshold: int, total: float | None) -> bool:
    if total is None:
        return measured >= threshold - _ROUNDING
    return measured * 100 >= threshold * total - _ROUNDING
