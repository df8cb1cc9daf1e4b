"""The conditions that open a circuit."""

from __future__ import annotations

from typing import Protocol

from .config.config import Config
from .state import Reason

_ROUNDING = 1e-6
"""Sums that faded carry an error in their last digits, which must not hide that a threshold is reached."""


class Counts(Protocol):
    """What rates are taken of."""

    calls: float
    failures: float
    slow: float


def tripped_by_number(config: Config, failures: float, consecutive: int) -> Reason | None:
    """The condition on single failures that holds, if any."""
    if config.consecutive_failures != 0 and consecutive >= config.consecutive_failures:
        return "consecutive-failures"
    if config.failure_count != 0 and failures >= config.failure_count - _ROUNDING:
        return "failure-count"
    return None


def tripped_by_rate(config: Config, counts: Counts, overdue: int, minimum: int) -> Reason | None:
    """The rate that has reached its threshold, if any.

    ``overdue`` calls under way are slow already; they are in the total and slow. It takes ``minimum`` calls.
    """
    total = counts.calls + overdue
    if total < minimum - _ROUNDING:
        return None
    if _reaches(counts.failures, total, config.failure_rate_percent):
        return "failure-rate"
    return "slow-call-rate" if _reaches(counts.slow + overdue, total, config.slow_rate_percent) else None


def _reaches(part: float, total: float, percent: int) -> bool:
    return percent != 0 and part * 100 >= percent * total - _ROUNDING
