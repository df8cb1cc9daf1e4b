"""The conditions of ``trip``, in one table, which is that of the schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

Measure = Literal["failures", "slow", "consecutiveFailures"]
"""What is compared with a threshold: calls of the window that failed or were slow, or failures in a row."""

TripReason = Literal["consecutive-failures", "failure-count", "failure-rate", "slow-call-rate"]


class TripCondition(NamedTuple):
    """The circuit opens when what a condition measures reaches its threshold."""

    field: str
    """The field of ``trip``."""
    reason: TripReason
    measures: Measure
    is_rate: bool
    """The threshold is a percentage of the calls, and ``minimumCalls`` are required. False: a number, of any calls."""


TRIP_CONDITIONS = (
    TripCondition("consecutiveFailures", "consecutive-failures", "consecutiveFailures", is_rate=False),
    TripCondition("failureCount", "failure-count", "failures", is_rate=False),
    TripCondition("failureRate", "failure-rate", "failures", is_rate=True),
    TripCondition("slowCallRate", "slow-call-rate", "slow", is_rate=True),
)
"""Every condition. Where several hold, the first of them is the reason; numbers come before rates."""

Thresholds = tuple[tuple[TripCondition, int], ...]
"""The conditions that a policy sets, in the order of the table, each with its number of calls or percentage."""


def has_condition(trip: Mapping[str, object]) -> bool:
    """Whether anything in a ``trip`` opens the circuit."""
    return any(each.field in trip for each in TRIP_CONDITIONS)


def has_rate(trip: Mapping[str, object]) -> bool:
    """Whether a condition in a ``trip`` needs ``minimumCalls``."""
    return any(each.is_rate and each.field in trip for each in TRIP_CONDITIONS)


def fields_in_words(conditions: Iterable[TripCondition] = TRIP_CONDITIONS) -> str:
    """The fields of conditions in a sentence: ``a, b or c``."""
    *others, last = (each.field for each in conditions)
    return f"{', '.join(others)} or {last}"


def lowest(thresholds: Thresholds, measure: Measure, is_rate: bool) -> int:
    """The lowest threshold of the numbers, or of the rates, that measure this; 0: there is none."""
    found = (each for condition, each in thresholds if (condition.measures, condition.is_rate) == (measure, is_rate))
    return min(found, default=0)
