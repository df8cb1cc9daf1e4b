"""The table of conditions, and how they are evaluated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, get_args

import pytest

from fuseboard.core.config.config import Config, compile_spec
from fuseboard.core.config.known_fields import SPEC_FIELDS
from fuseboard.core.config.rules import RULES
from fuseboard.core.config.trip_conditions import TRIP_CONDITIONS, TripCondition, fields_in_words
from fuseboard.core.state import BY_FAILURES, Reason
from fuseboard.core.trip import tripped_by_number, tripped_by_rate


@dataclass
class Calls:
    calls: float
    failures: float
    slow: float


def config_of(trip: dict[str, Any]) -> Config:
    compiled = compile_spec({"trip": trip})
    assert isinstance(compiled, Config)
    return compiled


ALL: dict[str, Any] = {
    "minimumCalls": 4,
    "consecutiveFailures": 2,
    "failureCount": 3,
    "failureRate": {"thresholdPercent": 50},
    "slowCallRate": {"thresholdPercent": 75, "slowerThan": "1s"},
}


def test_the_table_has_every_field_that_opens_the_circuit() -> None:
    assert {each.field for each in TRIP_CONDITIONS} == set(SPEC_FIELDS["trip"]) - {"window", "minimumCalls"}
    assert {each.reason for each in TRIP_CONDITIONS} <= set(get_args(Reason))
    assert [each.is_rate for each in TRIP_CONDITIONS] == sorted(each.is_rate for each in TRIP_CONDITIONS)


def test_a_spec_sets_the_conditions_that_it_names() -> None:
    assert [(condition.field, threshold) for condition, threshold in config_of(ALL).thresholds] == [
        ("consecutiveFailures", 2),
        ("failureCount", 3),
        ("failureRate", 50),
        ("slowCallRate", 75),
    ]
    for each in TRIP_CONDITIONS:
        config = config_of({each.field: ALL[each.field]})
        assert ([condition for condition, _ in config.thresholds], config.has_rate) == ([each], each.is_rate)
    none = compile_spec({})
    assert isinstance(none, Config)
    assert (none.has_trip, none.has_rate) == (False, False)


@pytest.mark.parametrize(
    ("failures", "consecutive", "reason"),
    [
        (2, 1, None),
        (2, 2, "consecutive-failures"),
        (3, 1, "failure-count"),
        (3 - 1e-9, 1, "failure-count"),
        (3, 2, "consecutive-failures"),
    ],
)
def test_the_first_number_that_is_reached_is_the_reason(failures: float, consecutive: int, reason: str | None) -> None:
    assert tripped_by_number(config_of(ALL), failures, 0, consecutive) == reason


@pytest.mark.parametrize(
    ("counts", "overdue", "reason"),
    [
        (Calls(3, 3, 3), 0, None),
        (Calls(4, 1, 2), 0, None),
        (Calls(4, 2, 0), 0, "failure-rate"),
        (Calls(4, 2 - 1e-9, 0), 0, "failure-rate"),
        (Calls(4, 0, 3), 0, "slow-call-rate"),
        (Calls(4, 2, 3), 0, "failure-rate"),
        (Calls(2, 0, 1), 2, "slow-call-rate"),
    ],
)
def test_the_first_rate_that_is_reached_is_the_reason(counts: Calls, overdue: int, reason: str | None) -> None:
    assert tripped_by_rate(config_of(ALL), counts, overdue, 4) == reason


def test_a_row_more_is_evaluated_by_what_it_measures() -> None:
    slow_count = TripCondition("slowCallCount", "slow-call-rate", "slow", is_rate=False)
    config = replace(config_of(ALL), thresholds=((slow_count, 3),))
    assert tripped_by_number(config, 9, 2, 9) is None
    assert tripped_by_number(config, 0, 3, 0) == "slow-call-rate"
    assert (config.has_trip, config.has_rate) == (True, False)


def test_the_quick_path_is_left_at_the_lowest_threshold() -> None:
    count, rate = (each for each in TRIP_CONDITIONS if each.field in ("failureCount", "failureRate"))
    two = ((count, 9), (count, 5), (rate, 60), (rate, 40))
    config = replace(config_of(ALL), thresholds=two)
    assert (config.failures_from, config.failure_rate_percent, config.rates_from) == (4, 40, 3)


def test_failures_give_every_reason_but_those_of_slow_calls() -> None:
    assert {"failure-rate", "failure-count", "consecutive-failures", "probe-failed"} == BY_FAILURES


def test_sentences_list_the_fields() -> None:
    every = "consecutiveFailures, failureCount, failureRate or slowCallRate"
    assert fields_in_words() == every
    assert [rule.message for rule in RULES][:2] == [
        f"trip needs at least one condition: {every}; leave trip out for a breaker that never opens",
        "minimumCalls applies to rates only; set failureRate or slowCallRate, or remove minimumCalls",
    ]
