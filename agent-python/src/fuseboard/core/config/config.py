"""What a breaker decides by: a policy with everything that it leaves out filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..classify import Classification, OutcomeMatch
from . import defaults
from .call_config import CallConfig, read_call_config
from .rules import LABEL_KEY_PATTERN, first_violation, too_deep
from .spec_reader import Problem, Section, Usable
from .trip_conditions import TRIP_CONDITIONS, Thresholds, lowest

Mode = Literal["Enforce", "Shadow", "Disabled"]
WindowType = Literal["Time", "Count", "Ewma"]


_NEVER = 1 << 29
"""More than is counted; small integers are compared with each other several times as fast as with infinity."""


@dataclass(frozen=True, slots=True)
class Config:
    """Times are milliseconds."""

    mode: Mode
    reset_on_update: bool
    window_type: WindowType
    window_ms: int
    """How far a Time window reaches back, or the half-life of an Ewma window; 0 with Count."""
    window_size: int
    """How many calls a Count window holds; 0 with any other."""
    minimum_calls: int
    """Never more than a Count window holds."""
    thresholds: Thresholds
    slow_ms: int
    open_ms: int
    backoff_factor: int
    max_open_ms: int
    jitter_percent: int
    honor_retry_after: bool
    strategy: Literal["Probes", "Ramp"]
    evaluate: Literal["AnyFailure", "FailureRate"]
    ramp_ms: int
    max_probes: int
    success_threshold: int
    probe_timeout_ms: int
    timeout_ms: int
    """0: calls may take as long as they like."""
    call: CallConfig
    classification: Classification
    failure_rate_percent: int = field(init=False, repr=False, compare=False)
    """The lowest rate of failures that opens the circuit; 0: none does."""
    consecutive_from: int = field(init=False, repr=False, compare=False)
    """Below so many failures in a row, no condition on them holds."""
    failures_from: int = field(init=False, repr=False, compare=False)
    """Below so many failures in the window, no condition on their number holds."""
    slow_from: int = field(init=False, repr=False, compare=False)
    """Below so many slow calls in the window, no condition on their number holds."""
    rates_from: int = field(init=False, repr=False, compare=False)
    """Below so many calls in the window, no condition on a rate holds while nothing is slow and under way."""

    def __post_init__(self) -> None:
        thresholds = self.thresholds
        object.__setattr__(self, "failure_rate_percent", lowest(thresholds, "failures", is_rate=True))
        object.__setattr__(self, "consecutive_from", lowest(thresholds, "consecutiveFailures", is_rate=False) or _NEVER)
        # A whole call less: sums that faded carry an error in their last digits.
        object.__setattr__(self, "failures_from", (lowest(thresholds, "failures", is_rate=False) or _NEVER) - 1)
        object.__setattr__(self, "slow_from", (lowest(thresholds, "slow", is_rate=False) or _NEVER) - 1)
        object.__setattr__(self, "rates_from", self.minimum_calls - 1 if self.has_rate else _NEVER)

    @property
    def has_trip(self) -> bool:
        """Whether any condition can open the circuit."""
        return bool(self.thresholds)

    @property
    def has_rate(self) -> bool:
        """Whether any condition on a rate can."""
        # Numbers come before rates.
        return bool(self.thresholds) and self.thresholds[-1][0].is_rate

    @property
    def counts_slow(self) -> bool:
        """Whether calls under way have to be watched."""
        return self.slow_ms != 0 and self.mode != "Disabled"


_WORD = Usable(lengths=(1, 256))
_STATUS = Usable(r"[1-5]([0-9]{2}|xx)")
_ROUTE = Usable(defaults.BREAKER_PATTERN)
_LABEL_KEY = re.compile(LABEL_KEY_PATTERN)
_LABEL_VALUE_PATTERN = r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?"
_LABEL_VALUE = re.compile(_LABEL_VALUE_PATTERN)
_LABEL_VALUES = Usable(_LABEL_VALUE_PATTERN)
_MILLION = 1_000_000


def compile_spec(spec: object) -> Config | Problem:
    """Turn a spec into what a breaker decides by, or say the first reason why it cannot be used.

    The spec is a policy's, or the defaults of code, which may leave out ``breakers`` and ``selector``. Fields that are
    not known are ignored; an unusable value of a known one refuses the spec. The spec is only read: it is neither kept
    nor changed. Never raises on anything that JSON can hold.
    """
    deep = too_deep(spec)
    if deep is not None:
        return Problem("spec", deep)
    root = Section(spec, "spec")
    config = _read(root)
    if root.problems:
        return root.problems[0]
    assert isinstance(spec, Mapping)
    return first_violation(spec) or config


def _read(root: Section) -> Config:
    _read_audience(root)
    trip = root.section("trip")
    window = trip.section("window")
    window_type: WindowType = "Time"
    window_ms = defaults.WINDOW_MS
    if trip.has("window"):
        window.require("type")
        window_type = window.choice("type", ("Time", "Count", "Ewma"), "Time")
        window_ms = 0
    window_size = window.whole("size", 100_000, 0)
    minimum_calls = trip.whole("minimumCalls", _MILLION, defaults.MINIMUM_CALLS)
    recovery = root.section("recovery")
    half_open = recovery.section("halfOpen")
    slow = trip.section("slowCallRate")
    if trip.has("slowCallRate"):
        slow.require("slowerThan")
    return Config(
        mode=root.choice("mode", ("Enforce", "Shadow", "Disabled"), "Enforce"),
        reset_on_update=root.choice("onUpdate", ("Preserve", "Reset"), "Preserve") == "Reset",
        window_type=window_type,
        window_ms=window.duration("halfLife" if window_type == "Ewma" else "duration", window_ms),
        window_size=window_size,
        minimum_calls=min(minimum_calls, window_size) if window_type == "Count" else minimum_calls,
        thresholds=_read_thresholds(trip),
        slow_ms=slow.duration("slowerThan", 0),
        open_ms=recovery.duration("openDuration", defaults.OPEN_MS),
        backoff_factor=recovery.whole("backoffFactor", 10, defaults.BACKOFF_FACTOR),
        max_open_ms=recovery.duration("maxOpenDuration", defaults.MAX_OPEN_MS),
        jitter_percent=recovery.whole("jitterPercent", 100, defaults.JITTER_PERCENT, 0),
        honor_retry_after=recovery.flag("honorRetryAfter", defaults.HONOR_RETRY_AFTER),
        strategy=half_open.choice("strategy", ("Probes", "Ramp"), "Probes"),
        evaluate=half_open.choice("evaluate", ("AnyFailure", "FailureRate"), "AnyFailure"),
        ramp_ms=half_open.duration("rampDuration", defaults.RAMP_MS),
        max_probes=half_open.whole("maxProbes", 1_000, defaults.MAX_PROBES),
        success_threshold=half_open.whole("successThreshold", 1_000, defaults.SUCCESS_THRESHOLD),
        probe_timeout_ms=half_open.duration("probeTimeout", defaults.PROBE_TIMEOUT_MS),
        timeout_ms=root.section("timeout").duration("duration", 0),
        call=read_call_config(root),
        classification=_read_classification(root.section("classify")),
    )


def _read_audience(root: Section) -> None:
    """Whom a policy is for is decided elsewhere; an unusable answer still refuses the spec."""
    names = root.texts("breakers", 64, _ROUTE, "a breaker name, a prefix followed by *, or *")
    if names is not None and (not names or len(set(names)) != len(names)):
        message = "must name at least one breaker" if not names else "must not name a breaker twice"
        root.problems.append(Problem("spec.breakers", message))
    selector = root.section("selector")
    labels = selector.section("matchLabels")
    for key in labels.names():
        labels.text(key, _LABEL_VALUE, "a label value")
    for requirement in selector.sections("matchExpressions", 16):
        requirement.require("key", "operator")
        requirement.text("key", _LABEL_KEY, "a label key")
        requirement.choice("operator", ("In", "NotIn", "Exists", "DoesNotExist"), "In")
        requirement.texts("values", 64, _LABEL_VALUES, "a label value")


def _read_thresholds(trip: Section) -> Thresholds:
    read = (
        (each, _read_rate(trip, each.field) if each.is_rate else trip.whole(each.field, _MILLION, 0))
        for each in TRIP_CONDITIONS
    )
    return tuple((condition, threshold) for condition, threshold in read if threshold != 0)


def _read_rate(trip: Section, name: str) -> int:
    rate = trip.section(name)
    if trip.has(name):
        rate.require("thresholdPercent")
    return rate.whole("thresholdPercent", 100, 0)


def _read_classification(classify: Section) -> Classification:
    return Classification(
        failure=_read_match(classify.section("failure"), defaults.FAILURE_STATUS),
        ignore=_read_match(classify.section("ignore"), ()),
    )


def _read_match(section: Section, absent_status: tuple[str, ...]) -> OutcomeMatch:
    words = "a string of 1 to 256 characters"
    names = section.texts("errorNames", 128, _WORD, words) or ()
    codes = section.texts("errorCodes", 128, _WORD, words) or ()
    status = section.texts("httpStatus", 64, _STATUS, 'a status such as "503" or a class such as "5xx"')
    listed = absent_status if status is None else status
    return OutcomeMatch(
        names=frozenset(names),
        codes=frozenset(codes),
        status_classes=frozenset(int(text[0]) for text in listed if text.endswith("xx")),
        statuses=frozenset(int(text) for text in listed if not text.endswith("xx")),
    )
