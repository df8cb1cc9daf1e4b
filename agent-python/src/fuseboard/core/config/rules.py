"""The rules across fields of a spec, for a reader that has no CEL. The messages are those of the API server."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from . import defaults
from .duration import parse_duration
from .spec_reader import Problem
from .trip_conditions import TRIP_CONDITIONS, fields_in_words, has_condition, has_rate

MAX_SPEC_LEVELS = 50
"""How deep objects and lists of a spec may lie in each other."""

LABEL_KEY_PATTERN = r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_LABEL_KEY = re.compile(LABEL_KEY_PATTERN)

Value = Mapping[str, Any]


class Rule(NamedTuple):
    """``holds`` sees the value at ``path`` (dots; empty is the spec) and is asked only when there is one."""

    path: str
    field: str
    message: str
    holds: Callable[[Value], bool]


def _reachable(trip: Value) -> bool:
    window = trip.get("window", {})
    if "failureCount" not in trip or window.get("type") != "Count" or "size" not in window:
        return True
    return bool(trip["failureCount"] <= window["size"])


def _open_time_fits(recovery: Value) -> bool:
    longest = parse_duration(recovery.get("maxOpenDuration"))
    own = parse_duration(recovery.get("openDuration")) or defaults.OPEN_MS
    return longest is None or longest >= own


def _ordered(low: str, high: str) -> Callable[[Value], bool]:
    def holds(value: Value) -> bool:
        if low not in value or high not in value:
            return True
        return (parse_duration(value[low]) or 0) <= (parse_duration(value[high]) or 0)

    return holds


def _decidable(spec: Value) -> bool:
    half_open = spec.get("recovery", {}).get("halfOpen", {})
    return half_open.get("evaluate") != "FailureRate" or has_rate(spec.get("trip", {}))


def _exactly_with(field: str, kind: str) -> Callable[[Value], bool]:
    return lambda value: (value.get("type") == kind) == (field in value)


def _window_rule(field: str, kind: str) -> Rule:
    message = f"{field} is required with type {kind} and not allowed with any other type"
    return Rule("trip.window", field, message, _exactly_with(field, kind))


_RATES = [each for each in TRIP_CONDITIONS if each.is_rate]
_PROBE_FIELDS = ("maxProbes", "evaluate", "successThreshold", "probeTimeout")

RULES = (
    Rule(
        "trip",
        "",
        f"trip needs at least one condition: {fields_in_words()}; leave trip out for a breaker that never opens",
        has_condition,
    ),
    Rule(
        "trip",
        "minimumCalls",
        f"minimumCalls applies to rates only; set {fields_in_words(_RATES)}, or remove minimumCalls",
        lambda trip: "minimumCalls" not in trip or has_rate(trip),
    ),
    Rule(
        "trip",
        "failureCount",
        "failureCount is larger than window.size and could never be reached",
        _reachable,
    ),
    _window_rule("duration", "Time"),
    _window_rule("size", "Count"),
    _window_rule("halfLife", "Ewma"),
    Rule(
        "recovery",
        "maxOpenDuration",
        "maxOpenDuration must not be shorter than openDuration (absent: 30s)",
        _open_time_fits,
    ),
    Rule(
        "recovery.halfOpen",
        "strategy",
        "maxProbes, evaluate, successThreshold and probeTimeout are not allowed with strategy Ramp",
        lambda half_open: half_open.get("strategy") != "Ramp" or not any(f in half_open for f in _PROBE_FIELDS),
    ),
    Rule(
        "recovery.halfOpen",
        "rampDuration",
        "rampDuration is not allowed without strategy Ramp",
        lambda half_open: "rampDuration" not in half_open or half_open.get("strategy") == "Ramp",
    ),
    Rule(
        "recovery.halfOpen",
        "successThreshold",
        "successThreshold is not allowed with evaluate FailureRate, where the rates of trip decide",
        lambda half_open: "successThreshold" not in half_open or half_open.get("evaluate") != "FailureRate",
    ),
    Rule(
        "",
        "recovery.halfOpen.evaluate",
        "evaluate FailureRate needs a rate to decide by; set trip.failureRate or trip.slowCallRate",
        _decidable,
    ),
    Rule(
        "timeout",
        "duration",
        "timeout needs a duration, or adaptive",
        lambda timeout: "duration" in timeout or "adaptive" in timeout,
    ),
    Rule("timeout.adaptive", "min", "min is more than max", _ordered("min", "max")),
    Rule("retry.backoff", "initial", "initial is more than max", _ordered("initial", "max")),
    Rule(
        "concurrency",
        "adaptive",
        "minConcurrent and initial of adaptive cannot be more than maxConcurrent",
        lambda concurrency: (
            max(concurrency.get("adaptive", {}).get(field, 1) for field in ("minConcurrent", "initial"))
            <= concurrency["maxConcurrent"]
        ),
    ),
    Rule(
        "concurrency.adaptive",
        "initial",
        "initial is less than minConcurrent",
        lambda adaptive: "initial" not in adaptive or adaptive["initial"] >= adaptive.get("minConcurrent", 1),
    ),
    Rule(
        "fallback",
        "static",
        "static is required with type Static and not allowed with any other type",
        _exactly_with("static", "Static"),
    ),
    Rule(
        "fallback",
        "maxAge",
        "maxAge applies to type LastSuccess only",
        lambda fallback: fallback.get("type") == "LastSuccess" or "maxAge" not in fallback,
    ),
    Rule(
        "selector.matchExpressions[]",
        "values",
        "values is required with the operators In and NotIn and not allowed with Exists and DoesNotExist",
        lambda requirement: (requirement.get("operator") in ("In", "NotIn")) == bool(requirement.get("values")),
    ),
    Rule(
        "selector.matchLabels",
        "",
        "every key must be a label key: an optional DNS prefix and a slash, then at most 63 letters, digits, "
        "dots, dashes or underscores",
        lambda labels: all(_LABEL_KEY.fullmatch(key) for key in labels),
    ),
)
"""Every rule across fields, in the order in which they are reported."""


def too_deep(spec: object) -> str | None:
    """Why a spec that nests too deep is refused; ``None`` for one that does not."""
    return f"nests more than {MAX_SPEC_LEVELS} levels deep" if _nests(spec, MAX_SPEC_LEVELS) else None


def _nests(value: object, levels: int) -> bool:
    inner: Any
    if isinstance(value, Mapping):
        inner = value.values()
    elif isinstance(value, list | tuple):
        inner = value
    else:
        return False
    return levels == 0 or any(_nests(each, levels - 1) for each in inner)


def first_violation(spec: Mapping[str, Any]) -> Problem | None:
    """The first rule that a spec breaks whose single fields are already known to be well-formed."""
    for rule in RULES:
        for at, value in _values_at(spec, rule.path):
            if not rule.holds(value):
                return Problem(".".join(part for part in ("spec", at, rule.field) if part), rule.message)
    return None


def _values_at(spec: Mapping[str, Any], path: str) -> list[tuple[str, Any]]:
    level: list[tuple[str, Any]] = [("", spec)]
    for step in path.split(".") if path else []:
        name = step.replace("[]", "")
        below: list[tuple[str, Any]] = []
        for at, value in level:
            child = value.get(name)
            here = f"{at}.{name}" if at else name
            if child is None:
                continue
            if step.endswith("[]"):
                below += [(f"{here}[{i}]", item) for i, item in enumerate(child)]
            else:
                below.append((here, child))
        level = below
    return level
