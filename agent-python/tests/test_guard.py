"""What the code of a service lets no policy and no override pass."""

from __future__ import annotations

from typing import Any

import pytest

import fuseboard
from fuseboard import ConfigError
from fuseboard.breakers.governed_breaker import GovernedBreaker
from fuseboard.breakers.policy_set import Override, Policy, PolicySet
from fuseboard.breakers.registry import Registry
from fuseboard.core.clock import Environment
from fuseboard.link.guard_option import read_guard
from fuseboard.process import registry as registry_of_process
from fuseboard.testing import FakeClock, reset_breakers

ONE: dict[str, Any] = {"trip": {"consecutiveFailures": 1}}
MINUTE = 60_000.0


class Bench:
    def __init__(self, guard: Any) -> None:
        self.clock = FakeClock()
        self.registry = Registry(Environment(self.clock.now, 1.0, lambda: 0.0, lambda: 0.0, self.clock))
        self.registry.use_guard(read_guard(guard))
        self.breaker: GovernedBreaker = self.registry.get_breaker("a")

    def govern(self, spec: dict[str, Any], overrides: list[Override] | None = None) -> None:
        policy = Policy("u", 1, "first", {**ONE, **spec})
        self.registry.apply(PolicySet("r", {"u": policy}, [("*", "u")]), overrides)

    def guarded(self) -> list[tuple[str, str, str | None]]:
        return [(each.uid, each.by, each.limit) for each in self.registry.guarded]

    def fail(self) -> None:
        permit = self.breaker.circuit.enter()
        assert permit is not None
        permit.fail()

    def states_at(self, *times: float) -> list[str]:
        found: list[str] = []
        for at in times:
            self.clock.advance(at - self.clock.now())
            self.registry.apply_overrides(self.registry._given_overrides)
            found.append(self.breaker.state)
        return found


def force_open(ends_at: float, began_at: float = 0, uid: str = "o", *breakers: str) -> Override:
    return Override(uid, uid, breakers or ["*"], "ForceOpen", "drill", 0, ends_at, began_at)


def test_without_a_guard_nothing_is_changed() -> None:
    bench = Bench(None)
    policy = Policy("u", 1, "first", {**ONE, "recovery": {"openDuration": "24h", "maxOpenDuration": "24h"}})
    given = PolicySet("r", {"u": policy}, [("*", "u")])
    bench.registry.apply(given, [force_open(1e9)])
    assert bench.registry.policy_set is given
    assert (bench.guarded(), bench.breaker.guarded_by, bench.breaker.state) == ([], (), "open")


@pytest.mark.parametrize(
    ("recovery", "bites"),
    [
        ({"openDuration": "1h", "maxOpenDuration": "1h"}, True),
        ({"openDuration": "55s", "jitterPercent": 0}, False),
        ({"openDuration": "55s", "jitterPercent": 20}, True),
        ({"openDuration": "55s", "jitterPercent": 20, "maxOpenDuration": "1m"}, False),
        ({"openDuration": "10s", "backoffFactor": 2, "jitterPercent": 0}, True),
        ({"openDuration": "10s", "backoffFactor": 2, "maxOpenDuration": "1m"}, False),
        ({"openDuration": "10s", "honorRetryAfter": True, "jitterPercent": 0}, True),
    ],
)
def test_a_circuit_opens_for_no_longer_and_this_is_told_exactly_when_the_policy_would(
    recovery: dict[str, Any], bites: bool
) -> None:
    bench = Bench({"maxOpenDuration": "1m"})
    bench.govern({"recovery": recovery})
    assert bench.guarded() == ([("u", "maxOpenDuration", "1m")] if bites else [])
    assert bench.breaker.guarded_by == (("maxOpenDuration",) if bites else ())
    for _ in range(5):
        bench.fail()
        opened_at = bench.clock.now()
        assert bench.breaker.circuit.retry_after_ms <= MINUTE
        assert bench.states_at(opened_at + MINUTE) == ["half-open"]


@pytest.mark.parametrize(
    ("timeout", "timeout_ms", "adaptive_ms", "bites"),
    [
        ({"duration": "5ms"}, 200, None, True),
        ({"duration": "1s"}, 1_000, None, False),
        ({"adaptive": {"min": "10ms", "max": "50ms"}}, 0, (200, 200), True),
        ({"duration": "300ms", "adaptive": {"min": "10ms", "max": "1s"}}, 300, (200, 1_000), True),
        ({"adaptive": {"min": "200ms", "max": "1s"}}, 0, (200, 1_000), False),
    ],
)
def test_no_time_limit_is_shorter(
    timeout: dict[str, Any], timeout_ms: int, adaptive_ms: tuple[int, int] | None, bites: bool
) -> None:
    bench = Bench({"minTimeout": "200ms"})
    bench.govern({"timeout": timeout})
    config = bench.breaker.circuit.config
    adaptive = config.call.adaptive
    assert config.timeout_ms == timeout_ms
    assert (None if adaptive is None else (adaptive.min_ms, adaptive.max_ms)) == adaptive_ms
    assert bench.guarded() == ([("u", "minTimeout", "200ms")] if bites else [])


def test_no_probe_is_given_up_sooner() -> None:
    bench = Bench({"minTimeout": "200ms"})
    bench.govern({"recovery": {"halfOpen": {"probeTimeout": "1ms"}}})
    assert bench.breaker.circuit.config.probe_timeout_ms == 200
    assert bench.guarded() == [("u", "minTimeout", "200ms")]


def test_an_absent_timeout_stays_absent() -> None:
    bench = Bench({"minTimeout": "200ms"})
    bench.govern({})
    assert bench.breaker.circuit.config.timeout_ms == 0
    assert bench.guarded() == []


def test_an_override_holds_a_circuit_open_for_no_longer_however_often_it_is_sent() -> None:
    bench = Bench({"maxOpenDuration": "1m"})
    bench.govern({}, [force_open(60 * MINUTE)])
    assert bench.states_at(0, MINUTE - 1) == ["open", "open"]
    bench.govern({}, [force_open(60 * MINUTE)])
    assert bench.guarded() == [("o", "maxOpenDuration", "1m")]
    assert bench.states_at(MINUTE, 2 * MINUTE) == ["half-open", "half-open"]
    assert bench.breaker.guarded_by == ("maxOpenDuration",)
    bench.registry.apply_overrides([])
    assert bench.guarded() == []
    after: tuple[str, ...] = bench.breaker.guarded_by
    assert after == ()


@pytest.mark.parametrize(("began_at", "until"), [(-30_000.0, 30_000.0), (1e9, MINUTE)])
def test_the_time_of_an_override_begins_with_its_creation_but_never_in_the_future(
    began_at: float, until: float
) -> None:
    bench = Bench({"maxOpenDuration": "1m"})
    bench.govern({}, [force_open(60 * MINUTE, began_at)])
    assert bench.states_at(until - 1, until) == ["open", "half-open"]


def test_an_override_that_is_short_enough_is_applied_as_it_is() -> None:
    bench = Bench({"maxOpenDuration": "1m"})
    bench.govern({}, [force_open(MINUTE)])
    assert (bench.guarded(), bench.breaker.state) == ([], "open")


def test_no_override_opens_a_circuit_where_the_code_refuses_that() -> None:
    bench = Bench({"neverForceOpen": True})
    older = Override("c", "c", ["*"], "ForceClosed", "calm", 0, 1e9)
    bench.govern({}, [older, force_open(1e9, 0, "o", "a*")])
    forced = bench.breaker.forced
    assert forced is not None and forced[0].override is not None and forced[0].override.uid == "c"
    assert bench.guarded() == [("o", "neverForceOpen", None)]
    assert bench.breaker.guarded_by == ("neverForceOpen",)
    assert bench.registry.get_breaker("b").guarded_by == ()
    # The code itself may.
    bench.registry.apply_overrides([])
    bench.breaker.circuit.force_open(1_000, "the code says so")
    assert bench.breaker.state == "open"


def test_a_guard_limits_what_is_already_in_force_and_is_lifted_again() -> None:
    bench = Bench(None)
    bench.govern({"timeout": {"duration": "5ms"}}, [force_open(1e9)])
    bench.registry.use_guard(read_guard({"minTimeout": "1s", "neverForceOpen": True}))
    assert (bench.breaker.circuit.config.timeout_ms, bench.breaker.forced) == (1_000, None)
    bench.registry.use_guard(read_guard(None))
    assert (bench.breaker.circuit.config.timeout_ms, bench.breaker.forced is None) == (5, False)
    assert bench.guarded() == []


def test_defaults_of_the_code_are_not_limited() -> None:
    bench = Bench({"minTimeout": "1s"})
    own = bench.registry.get_breaker("own", {**ONE, "timeout": {"duration": "5ms"}})
    assert own.circuit.config.timeout_ms == 5


@pytest.mark.parametrize(
    ("guard", "error", "message"),
    [
        ({"maxOpenDurration": "1m"}, TypeError, "guard has no field 'maxOpenDurration'; did you mean maxOpenDuration?"),
        ({"zzz": 1}, TypeError, "guard has no field 'zzz'; it has maxOpenDuration, minTimeout, neverForceOpen"),
        ("1m", TypeError, "guard must be a mapping with maxOpenDuration, minTimeout, neverForceOpen, not str"),
        (
            {"minTimeout": 5},
            ConfigError,
            "guard.minTimeout must be a duration such as 500ms or 2m, from 1ms to 24h, not 5",
        ),
        (
            {"maxOpenDuration": "25h"},
            ConfigError,
            "guard.maxOpenDuration must be a duration such as 500ms or 2m, from 1ms to 24h, not '25h'",
        ),
        ({"neverForceOpen": "yes"}, ConfigError, "guard.neverForceOpen must be True or False, not 'yes'"),
    ],
)
def test_a_guard_that_cannot_be_used_is_refused_before_anything_starts(
    guard: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as raised:
        fuseboard.start(guard=guard)
    assert str(raised.value) == message
    fuseboard.agent.Agent().stop(0)


def test_start_limits_the_process_by_a_guard() -> None:
    try:
        agent = fuseboard.start(guard={"neverForceOpen": True})
        breaker = fuseboard.get_breaker("a")
        registry_of_process().apply(None, [Override("o", "o", ["*"], "ForceOpen", "drill", 0, 1e15)])
        assert (breaker.state, breaker.stats().guarded_by) == ("closed", ("neverForceOpen",))
        with pytest.raises(ConfigError, match="start was already called with other options"):
            fuseboard.start()
        agent.stop(0)
        assert breaker.state == "closed"
        fuseboard.start()
        assert (breaker.state, breaker.stats().guarded_by) == ("open", ())
    finally:
        fuseboard.agent.Agent().stop(0)
        reset_breakers()
