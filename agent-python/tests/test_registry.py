"""Breakers by name, and what governs them."""

from __future__ import annotations

from typing import Any

import pytest

from fuseboard import Breaker, ConfigError, FuseboardWarning, TransitionEvent, get_breaker
from fuseboard.breakers.circuit import Circuit
from fuseboard.breakers.policy_set import Override, Policy, PolicySet, UnusableSpec
from fuseboard.breakers.registry import Registry
from fuseboard.process import registry
from fuseboard.testing import reset_breakers

THREE: dict[str, Any] = {"trip": {"consecutiveFailures": 3}}
ONE: dict[str, Any] = {"trip": {"consecutiveFailures": 1}}


@pytest.fixture
def breakers() -> Registry:
    return Registry()


def policy_set(spec: Any, *patterns: str, revision: str = "r1") -> PolicySet:
    return PolicySet(revision, {"u": Policy("u", 1, "first", spec)}, [(pattern, "u") for pattern in patterns])


def fail(circuit: Circuit, times: int = 1) -> None:
    for _ in range(times):
        permit = circuit.core.enter()
        assert permit is not None
        permit.fail()


def override(action: Any, name: str = "o", *breakers: str, ends_at: float = 1e15, created_at: float = 0) -> Override:
    return Override(name, name, breakers or ["*"], action, "drill", created_at, ends_at)


def test_a_name_is_one_breaker(breakers: Registry) -> None:
    assert breakers.circuit("a") is breakers.circuit("a")
    assert breakers.circuit("a") is not breakers.circuit("b")


@pytest.mark.parametrize("name", ["", " ", "-a", "a b", "a" * 129, None, 5, "a\n"])
def test_a_name_that_cannot_be_used_is_refused(breakers: Registry, name: Any) -> None:
    with pytest.raises(ConfigError, match="cannot name a breaker"):
        breakers.circuit(name)


def test_defaults_that_cannot_be_used_are_refused(breakers: Registry) -> None:
    with pytest.raises(ConfigError, match=r"spec\.trip\.consecutiveFailures must be a whole number from 1 to 1000000"):
        breakers.circuit("a", {"trip": {"consecutiveFailures": 0}})


def test_the_first_defaults_stay(breakers: Registry) -> None:
    circuit = breakers.circuit("a", THREE)
    assert circuit.source == "defaults"
    with pytest.warns(FuseboardWarning, match="was given other defaults before"):
        breakers.circuit("a", ONE)
    assert circuit.core.config.consecutive_failures == 3
    assert breakers.circuit("a", THREE) is circuit


def test_defaults_may_come_after_the_breaker(breakers: Registry) -> None:
    circuit = breakers.circuit("a")
    assert circuit.source == "none"
    breakers.circuit("a", THREE)
    assert circuit.source == "defaults"


def test_the_first_route_that_matches_governs(breakers: Registry) -> None:
    exact, prefixed, other = (breakers.circuit(name) for name in ("payments", "partner-x", "other"))
    policies = {uid: Policy(uid, 1, uid, ONE) for uid in ("u1", "u2")}
    breakers.apply(PolicySet("r", policies, [("payments", "u1"), ("partner-*", "u2"), ("pay*", "u2"), ("x", "gone")]))
    assert [circuit.policy_uid for circuit in (exact, prefixed, other)] == ["u1", "u2", None]
    assert breakers.circuit("x").source == "none"
    assert breakers.circuit("payout").policy_uid == "u2"
    breakers.apply(None)
    assert exact.source == "none"


def test_an_edit_keeps_the_state_and_a_reset_starts_anew_only_when_the_spec_changes(breakers: Registry) -> None:
    circuit = breakers.circuit("a")
    breakers.apply(policy_set({**ONE, "onUpdate": "Reset"}, "a"))
    fail(circuit)
    assert circuit.state == "open"
    breakers.apply(policy_set({**ONE, "onUpdate": "Reset"}, "a", revision="r2"))
    assert circuit.state == "open"
    breakers.apply(policy_set({**THREE, "onUpdate": "Preserve"}, "a"))
    assert circuit.state == "open"
    breakers.apply(policy_set({**ONE, "onUpdate": "Reset"}, "a"))
    assert circuit.state == "closed"


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
    circuit = breakers.circuit("a", ONE)
    breakers.apply_overrides(
        [override("ForceOpen", "o1", "a", created_at=1), override("ForceClosed", "o2", created_at=0)]
    )
    assert circuit.state == "open"
    assert breakers.circuit("b").forced is not None
    breakers.apply_overrides([])
    assert circuit.state == "half-open"
    breakers.apply_overrides([override("Reset", "r", "a")])
    assert circuit.state == "closed"
    fail(circuit)
    breakers.apply_overrides([override("Reset", "r", "a")])
    assert circuit.state == "open"
    assert breakers.circuit("late").state == "closed"


def test_an_override_reaches_breakers_that_are_made_later(breakers: Registry) -> None:
    breakers.apply(None, [override("ForceOpen", "o", "late-*")])
    assert breakers.circuit("late-a").state == "open"
    assert breakers.circuit("early").state == "closed"


def test_what_is_reported(breakers: Registry) -> None:
    circuit = breakers.circuit("a", ONE)
    circuit.keyed().use("k1").core.enter()
    fail(circuit.keyed().use("k2"))
    fail(circuit)
    reported = {(name, key): each for name, key, each in breakers.circuits()}
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
    end = breakers.on_transition(lambda circuit, event: transitions.append((circuit.name, event)))
    breakers.on_create(lambda circuit: made.append(circuit.name))
    fail(breakers.circuit("a", ONE))
    end()
    fail(breakers.circuit("b", ONE))
    assert made == ["a", "b"]
    assert [(name, event.to_state, event.reason) for name, event in transitions] == [
        ("a", "open", "consecutive-failures")
    ]


def test_a_listener_that_raises_keeps_nobody_else_from_being_told(breakers: Registry) -> None:
    seen: list[str] = []

    def broken(*_: object) -> None:
        raise ValueError("broken")

    breakers.on_transition(broken)
    breakers.on_transition(lambda circuit, event: seen.append(event.to_state))
    with pytest.warns(FuseboardWarning, match='a listener of breaker "a" raised ValueError: broken'):
        fail(breakers.circuit("a", ONE))
    assert seen == ["open"]


def test_the_first_call_is_told_of_once_and_a_breaker_alone_is_none(breakers: Registry) -> None:
    told: list[str] = []
    breakers.on_first_call(lambda: told.append("early"))
    breaker, other = Breaker(breakers.circuit("a")), Breaker(breakers.circuit("b"))
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


def test_code_judges_before_the_policy_and_cannot_break_a_call(breakers: Registry) -> None:
    def classify(outcome: Any) -> Any:
        if isinstance(outcome.error, KeyError):
            return "ignored"
        if outcome.result == "bad":
            return "failure"
        if outcome.result == "raise":
            raise ValueError("no")
        return "nonsense"

    circuit = breakers.circuit("a", THREE, classify)
    breaker = Breaker(circuit)
    with pytest.raises(KeyError):
        breaker.call({}.__getitem__, 1)
    assert breaker.call(lambda: "bad") == "bad"
    with pytest.warns(FuseboardWarning, match='classify of breaker "a" raised ValueError'):
        assert breaker.call(lambda: "raise") == "raise"
    assert breaker.for_key("k").call(lambda: "bad") == "bad"
    totals = breaker.stats().totals
    assert (totals["ignored"], totals["failed"], totals["succeeded"]) == (1, 2, 1)
    with pytest.raises(ConfigError, match="a classify that is no function"):
        breakers.circuit("a", classify=5)  # type: ignore[arg-type]


@pytest.mark.usefixtures("fresh_breakers")
def test_tests_begin_with_fresh_breakers() -> None:
    breaker = get_breaker("fresh", THREE)
    assert get_breaker("fresh") is breaker
    registry().apply(policy_set(ONE, "fresh"))
    reset_breakers()
    assert get_breaker("fresh") is not breaker
    assert get_breaker("fresh").source == "none"
