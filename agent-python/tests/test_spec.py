"""Reading a spec: what absent means, what is refused and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fuseboard import ConfigError
from fuseboard.breakers.registry import Registry
from fuseboard.core.config.config import Config, compile_spec
from fuseboard.core.config.duration import parse_duration
from fuseboard.core.config.known_fields import SPEC_FIELDS
from fuseboard.core.config.spec_reader import Problem
from fuseboard.core.text import number_text, shown
from fuseboard.testing import create_breaker


def refused(spec: Any) -> str:
    compiled = compile_spec(spec)
    assert isinstance(compiled, Problem)
    return f"{compiled.field} {compiled.message}"


def test_what_is_absent_has_the_defaults() -> None:
    config = compile_spec({"trip": {"failureRate": {"thresholdPercent": 50}}})
    assert isinstance(config, Config)
    assert (config.mode, config.window_type, config.window_ms, config.minimum_calls) == ("Enforce", "Time", 10_000, 20)
    assert (config.open_ms, config.max_open_ms, config.max_probes, config.probe_timeout_ms) == (
        30_000,
        86_400_000,
        1,
        30_000,
    )
    assert config.call.is_plain


def test_fields_that_are_not_known_are_ignored() -> None:
    assert isinstance(compile_spec({"later": {"field": 1}, "trip": {"failureCount": 1, "later": 1}}), Config)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (None, "spec must be an object; it is null"),
        ([], "spec must be an object; it is a list of 0"),
        ({"mode": "On"}, 'spec.mode must be one of Enforce, Shadow, Disabled; it is "On"'),
        ({"trip": {"failureCount": True}}, "spec.trip.failureCount must be a whole number from 1 to 1000000; it is true"),
        ({"trip": {"failureCount": 1.5}}, "spec.trip.failureCount must be a whole number from 1 to 1000000; it is 1.5"),
        ({"trip": {"failureCount": 10**400}}, "spec.trip.failureCount must be a whole number from 1 to 1000000; it is Infinity"),
        ({"timeout": -(10**400)}, "spec.timeout must be an object; it is -Infinity"),
        ({"trip": {"window": {}, "failureCount": 1}}, "spec.trip.window.type is required"),
        ({"recovery": {"openDuration": "0s"}}, "spec.recovery.openDuration must be a duration such as 250ms, 30s or 1m30s, from 1ms to 24h; it is \"0s\""),
        ({"recovery": {"openDuration": "5m", "maxOpenDuration": "1m"}}, "spec.recovery.maxOpenDuration maxOpenDuration must not be shorter than openDuration (absent: 30s)"),
        ({"breakers": []}, "spec.breakers must name at least one breaker"),
        ({"breakers": ["a\n"]}, 'spec.breakers[0] must be a breaker name, a prefix followed by *, or *; it is "a\\n"'),
        ({"classify": {"failure": {"errorNames": [""]}}}, 'spec.classify.failure.errorNames[0] must be a string of 1 to 256 characters; it is ""'),
        ({"selector": {"matchLabels": {"-": "x"}}}, "spec.selector.matchLabels every key must be a label key: an optional DNS prefix and a slash, then at most 63 letters, digits, dots, dashes or underscores"),
        ({"fallback": {"type": "Static", "static": {}}}, "spec.fallback.static.value is required"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_its_field(spec: Any, message: str) -> None:
    assert refused(spec) == message


def test_a_whole_number_may_be_written_as_a_fraction() -> None:
    config = compile_spec({"trip": {"failureCount": 5.0}})
    assert isinstance(config, Config)
    assert repr(config.thresholds[0][1]) == "5"


def test_what_nests_too_deep_is_refused() -> None:
    deep: Any = 1
    for _ in range(60):
        deep = [deep]
    assert refused({"fallback": {"type": "Static", "static": {"value": deep}}}) == "spec nests more than 50 levels deep"


@pytest.mark.parametrize(
    ("defaults", "message"),
    [
        ({"tripp": {}}, 'defaults of breaker "payments" has no field "tripp"; did you mean trip?'),
        ({"trip": {"failure_rate": {}}}, 'defaults.trip of breaker "payments" has no field "failure_rate"; did you mean failureRate?'),
        ({"trip": {"consecutive_failures": 5}}, 'defaults.trip of breaker "payments" has no field "consecutive_failures"; did you mean consecutiveFailures?'),
        ({"timeout": {"adaptive": {"whatever": 5}}}, 'defaults.timeout.adaptive of breaker "payments" has no field "whatever"; it has percentile, headroomPercent, minimumSamples, min, max'),
        ({"fail_max": 5}, 'defaults of breaker "payments" has no field "fail_max"; did you mean "trip": {"consecutiveFailures": …}?'),
        ({5: "x"}, 'defaults of breaker "payments" has no field "5"; it has selector, breakers, mode, trip, recovery, timeout, retry, concurrency, classify, fallback, perKey, onUpdate'),
    ],
)  # fmt: skip
def test_unknown_fields_in_code_are_refused_with_what_was_meant(defaults: Any, message: str) -> None:
    registry = Registry()
    with pytest.raises(TypeError) as raised:
        registry.get_breaker("payments", defaults)
    assert str(raised.value) == message
    assert list(registry.breakers()) == []
    registry.get_breaker("payments", {"trip": {"consecutiveFailures": 5}})
    with pytest.raises(TypeError):
        registry.get_breaker("payments", defaults)
    with pytest.raises(TypeError, match=r'^the spec.* of breaker "test" has no field'):
        create_breaker(defaults)
    with pytest.raises(TypeError, match=r'^the spec.* of breaker "test" has no field'):
        create_breaker({}).apply(defaults)


def test_fields_in_code_may_hold_anything_where_any_name_is_a_field() -> None:
    spec = {
        "selector": {"matchLabels": {"app": "checkout"}},
        "fallback": {"type": "Static", "static": {"value": {"rate": 1}}},
    }
    create_breaker(spec).apply({"classify": {"ignore": {"httpStatus": ["404"]}}, "perKey": {"maxKeys": 5}})


def test_what_is_no_object_is_left_to_the_reader() -> None:
    with pytest.raises(ConfigError, match=r"spec\.trip must be an object; it is 5"):
        create_breaker({"trip": 5})


def test_every_field_that_a_policy_has_is_known_and_no_other() -> None:
    schema = json.loads((Path(__file__).parents[2] / "crds" / "schema" / "policy.schema.json").read_text("utf-8"))

    def fields_of(part: dict[str, Any]) -> dict[str, Any]:
        return {name: fields_of(inner) for name, inner in part.get("properties", {}).items()}

    assert fields_of(schema["properties"]["spec"]) == SPEC_FIELDS


@pytest.mark.parametrize(
    ("text", "ms"),
    [("1ms", 1), ("1m30s", 90_000), ("24h", 86_400_000), ("24h1ms", None), ("0s", None), ("1s\n", None), ("\u0661s", None), (5, None)],
)  # fmt: skip
def test_durations(text: object, ms: int | None) -> None:
    assert parse_duration(text) == ms


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1"), (1e21, "1e+21"), (1e-7, "1e-7"), (0.00001, "0.00001"), (1.25e-6, "0.00000125"), (-0.5, "-0.5"), (2**53 + 2, "9007199254740994")],
)  # fmt: skip
def test_numbers_are_shown_as_json_writes_them(value: float, text: str) -> None:
    assert number_text(value) == text


def test_long_texts_are_cut() -> None:
    assert shown("x" * 100) == '"' + "x" * 63 + "…"
    assert shown("\U0001f600" * 40).endswith("…")
