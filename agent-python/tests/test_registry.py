"""Breakers by name, and what governs them."""

from __future__ import annotations

from threading import enumerate as enumerate_threads
from typing import Any

import pytest

from fuseboard import Breaker, ConfigError, FuseboardWarning, TransitionEvent, get_breaker
from fuseboard.breakers.governed_breaker import GovernedBreaker
from fuseboard.breakers.policy_set import Override, Policy, PolicySet, UnusableSpec
from fuseboard.breakers.registry import Registry
from fuseboard.process import registry
from fuseboard.testing import reset_breakers
from scripted_operator import eventually

THREE: dict[str, Any] = {"trip": {"consecutiveFailures": 3}}
ONE: dict[str, Any] = {"trip": {"consecutiveFailures": 1}}


@pytest.fixture
def breakers() -> Registry:
    return Registry()


def policy_set(spec: Any, *patterns: str, revision: str = "r1") -> PolicySet:
    return PolicySet(revision, {"u": Policy("u", 1, "first", spec)}, [(pattern, "u") for pattern in patterns])


def fail(breaker: GovernedBreaker, times: int = 1) -> None:
    for _ in range(times):
        permit = breaker.circuit.enter()
        assert permit is not None
        permit.fail()


def override(action: Any, name: str = "o", *breakers: str, ends_at: float = 1e15, created_at: float = 0) -> Override:
    return Override(name, name, breakers or ["*"], action, "drill", created_at, ends_at)


def test_a_name_is_one_breaker(breakers: Registry) -> None:
    assert breakers.get_breaker("a") is breakers.get_breaker("a")
    assert breakers.get_breaker("a") is not breakers.get_breaker("b")


@pytest.mark.parametrize("name", ["", " ", "-a", "a b", "a" * 129, None, 5, "a\n"])
def test_a_name_that_cannot_be_used_is_refused(breakers: Registry, name: Any) -> None:
    with pytest.raises(ConfigError, match="cannot name a breaker"):
        breakers.get_breaker(name)


def test_defaults_that_cannot_be_used_are_refused(breakers: Registry) -> None:
    with pytest.raises(ConfigError, match=r"spec\.trip\.consecutiveFailures must be a whole number from 1 to 1000000"):
        breakers.get_breaker("a", {"trip": {"consecutiveFailures": 0}})


def test_the_first_defaults_stay(breakers: Registry) -> None:
    breaker = breakers.get_breaker("a", THREE)
    assert breaker.source == "defaults"
    with pytest.warns(FuseboardWarning, match="was given other defaults before"):
        breakers.get_breaker("a", ONE)
    assert breaker.circuit.config.consecutive_from == 3
    assert breakers.get_breaker("a", THREE) is breaker


def test_defaults_may_come_after_the_breaker(breakers: Registry) -> None:
    breaker = breakers.get_breaker("a")
    assert breaker.source == "none"
    breakers.get_breaker("a", THREE)
    assert breaker.source == "defaults"


def test_the_first_route_that_matches_governs(breakers: Registry) -> None:
    exact, prefixed, other = (breakers.get_breaker(name) for name in ("payments", "partner-x", "other"))
    policies = {uid: Policy(uid, 1, uid, ONE) for uid in ("u1", "u2")}
    breakers.apply(PolicySet("r", policies, [("payments", "u1"), ("partner-*", "u2"), ("pay*", "u2"), ("x", "gone")]))
    assert [breaker.policy_uid for breaker in (exact, prefixed, other)] == ["u1", "u2", None]
    assert breakers.get_breaker("x").source == "none"
    assert breakers.get_breaker("payout").policy_uid == "u2"
    breakers.apply(None)
    assert exact.source == "none"


def test_an_edit_keeps_the_state_and_a_reset_starts_over_only_when_the_spec_changes(breakers: Registry) -> None:
    breaker = breakers.get_breaker("a")
    breakers.apply(policy_set({**ONE, "onUpdate": "Reset"}, "a"))
    fail(breaker)
    assert breaker.state == "open"
    breakers.apply(policy_set({**ONE, "onUpdate": "Reset"}, "a", revision="r2"))
    assert breaker.state == "open"
    breakers.apply(policy_set({**THREE, "onUpdate": "Preserve"}, "a"))
    assert breaker.state == "open"
    breakers.apply(policy_set({**ONE, "onUpdate": "Reset"}, "a"))
    assert breaker.state == "closed"


def test_a_policy_that_cannot_be_used_is_refused_by_its_field() -> None:
    with pytest.raises(UnusableSpec) as refused:
        Policy("u", 1, "p", {"trip": {"window": {"type": "Count"}, "failureCount": 1}})
    assert refused.value.field == "spec.trip.window.size"
    assert refused.value.message == "size is required with type Count and not allowed with any other type"


def test_a_policy_at_another_generation_is_the_same() -> None:
    policy = Policy("u", 1, "p", ONE)
    later = policy.at_generation(2)
    assert (later.generation, later.text, later.config) == (2, policy.text, policy.config)
    assert policy.generation == 1


def test_overrides_hold_and_release_and_reset_once(breakers: Registry) -> None:
    breaker = breakers.get_breaker("a", ONE)
    breakers.apply_overrides(
        [override("ForceOpen", "o1", "a", created_at=1), override("ForceClosed", "o2", created_at=0)]
    )
    assert breaker.state == "open"
    assert breakers.get_breaker("b").forced is not None
    breakers.apply_overrides([])
    assert breaker.state == "half-open"
    breakers.apply_overrides([override("Reset", "r", "a")])
    assert breaker.state == "closed"
    fail(breaker)
    breakers.apply_overrides([override("Reset", "r", "a")])
    assert breaker.state == "open"
    assert breakers.get_breaker("late").state == "closed"


def test_an_override_reaches_breakers_that_are_made_later(breakers: Registry) -> None:
    breakers.apply(None, [override("ForceOpen", "o", "late-*")])
    assert breakers.get_breaker("late-a").state == "open"
    assert breakers.get_breaker("early").state == "closed"


def test_what_is_reported(breakers: Registry) -> None:
    breaker = breakers.get_breaker("a", ONE)
    breaker.by_key().use("k1").circuit.enter()
    fail(breaker.by_key().use("k2"))
    fail(breaker)
    reported = {(name, key): each for name, key, each in breakers.breakers()}
    assert list(reported) == [("a", None), ("a", "k2"), ("a", "k1")]
    own = reported["a", None]
    assert (own.state, own.policy_uid, own.source) == ("open", None, "defaults")
    assert own.totals["failed"] == 2
    assert sum(own.latency) == 2
    assert own.since_ms >= 0
    assert reported["a", "k2"].totals["failed"] == 1


def test_changes_and_new_breakers_are_told_of(breakers: Registry) -> None:
    transitions: list[tuple[str, TransitionEvent]] = []
    made: list[str] = []
    end = breakers.on_transition(lambda breaker, event: transitions.append((breaker.name, event)))
    breakers.on_create(lambda breaker: made.append(breaker.name))
    fail(breakers.get_breaker("a", ONE))
    end()
    fail(breakers.get_breaker("b", ONE))
    assert made == ["a", "b"]
    assert [(name, event.to_state, event.reason) for name, event in transitions] == [
        ("a", "open", "consecutive-failures")
    ]


def test_a_listener_that_raises_keeps_nobody_else_from_being_told(breakers: Registry) -> None:
    seen: list[str] = []

    def broken(*_: object) -> None:
        raise ValueError("broken")

    breakers.on_transition(broken)
    breakers.on_transition(lambda breaker, event: seen.append(event.to_state))
    with pytest.warns(FuseboardWarning, match='a listener of breaker "a" raised ValueError: broken'):
        fail(breakers.get_breaker("a", ONE))
    assert seen == ["open"]


def test_the_first_call_is_told_of_once_and_a_breaker_alone_is_none(breakers: Registry) -> None:
    told: list[str] = []
    breakers.on_first_call(lambda: told.append("early"))
    breaker, other = Breaker(breakers.get_breaker("a")), Breaker(breakers.get_breaker("b"))
    assert breaker.state == "closed"
    assert breaker.stats().totals["succeeded"] == 0
    assert told == []
    breaker.call(lambda: None)
    other.call(lambda: None)
    breakers.on_first_call(lambda: told.append("late"))
    assert told == ["early", "late"]
    breakers.after_fork()
    breaker(lambda: None)()
    assert told == ["early", "late", "early", "late"]


def test_code_classifies_before_the_policy_and_cannot_break_a_call(breakers: Registry) -> None:
    def classify(outcome: Any) -> Any:
        if isinstance(outcome.error, KeyError):
            return "ignored"
        if outcome.result == "bad":
            return "failure"
        if outcome.result == "raise":
            raise ValueError("no")
        return "nonsense"

    governed = breakers.get_breaker("a", THREE, classify)
    breaker = Breaker(governed)
    with pytest.raises(KeyError):
        breaker.call({}.__getitem__, 1)
    assert breaker.call(lambda: "bad") == "bad"
    with pytest.warns(FuseboardWarning, match='classify of breaker "a" raised ValueError'):
        assert breaker.call(lambda: "raise") == "raise"
    assert breaker.for_key("k").call(lambda: "bad") == "bad"
    totals = breaker.stats().totals
    assert (totals["ignored"], totals["failed"], totals["succeeded"]) == (1, 2, 1)
    with pytest.raises(ConfigError, match="a classify that is no function"):
        breakers.get_breaker("a", classify=5)  # type: ignore[arg-type]


@pytest.mark.usefixtures("fresh_breakers")
def test_no_thread_is_left_of_breakers_that_were_reset() -> None:
    spec = {"trip": {"slowCallRate": {"thresholdPercent": 50, "slowerThan": "1h"}}}

    def beats() -> bool:
        return any(thread.name == "fuseboard-heartbeat" for thread in enumerate_threads())

    get_breaker("slow", spec).call(lambda: None)
    assert beats()
    reset_breakers()
    eventually(lambda: not beats(), "the end of the heartbeat")
    get_breaker("slow", spec).call(lambda: None)
    assert beats()


@pytest.mark.usefixtures("fresh_breakers")
def test_tests_begin_with_fresh_breakers() -> None:
    breaker = get_breaker("fresh", THREE)
    assert get_breaker("fresh") is breaker
    registry().apply(policy_set(ONE, "fresh"))
    reset_breakers()
    assert get_breaker("fresh") is not breaker
    assert get_breaker("fresh").source == "none"
