"""Listeners are notified without any lock: each may wait for another thread that uses the same breakers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from threading import Thread
from typing import Any

import pytest

from fuseboard.breakers.governed_breaker import GovernedBreaker
from fuseboard.breakers.policy_set import Override, Policy, PolicySet
from fuseboard.breakers.registry import Registry
from fuseboard.call.layered_call import LayeredCall
from fuseboard.core.clock import Environment
from fuseboard.core.state import TransitionEvent
from fuseboard.link.ledger import Ledger
from fuseboard.testing import FakeClock

SPEC: dict[str, Any] = {
    "trip": {"consecutiveFailures": 1},
    "recovery": {"openDuration": "5s"},
    "timeout": {"duration": "1s"},
    "perKey": {"maxKeys": 1, "idleTimeout": "1s"},
}


class Scene:
    """A breaker with keys under a policy, and a listener that waits for a thread that takes every lock on its own."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.step_ms = 0
        """Time passes with each look at the clock."""
        self.registry = Registry(Environment(self._now, 1.0, lambda: 0.5, lambda: 0.0, self.clock))
        self.ledger = Ledger()
        self.seen: list[tuple[str, bool]] = []
        """To which state a breaker changed, and whether the other thread could do all it wanted meanwhile."""
        self._numbers = count()
        self.apply(SPEC)
        self.breaker = self.registry.get_breaker("partner")
        self.breaker.by_key()
        self.registry.on_transition(self.ledger.changed)
        self.registry.on_transition(self._wait_for_another_thread)

    def apply(self, spec: dict[str, Any], *overrides: Override) -> None:
        policies = {"u": Policy("u", 1, "first", spec)}
        self.registry.apply(PolicySet("r1", policies, [("*", "u")]), overrides)

    def override(self, action: Any) -> Override:
        return Override(action, action, ["partner", "made-later"], action, "drill", 0, self.clock.now() + 60_000)

    def fail(self, breaker: GovernedBreaker) -> None:
        permit = breaker.circuit.enter()
        assert permit is not None
        permit.fail()

    def _now(self) -> float:
        self.clock.advance(self.step_ms)
        return self.clock.now()

    def _wait_for_another_thread(self, breaker: GovernedBreaker, event: TransitionEvent) -> None:
        def use_everything() -> None:
            self.registry.get_breaker(f"new-{next(self._numbers)}")
            assert self.breaker.totals["failed"] >= 0
            self.ledger.next_sequence()

        thread = Thread(target=use_everything, daemon=True)
        thread.start()
        thread.join(5)
        self.seen.append((event.to_state, not thread.is_alive()))


def lapse(scene: Scene) -> None:
    """The circuit of a key that is open and unused, when its time is over."""
    scene.fail(scene.breaker.by_key().use("down"))
    scene.seen.clear()
    scene.clock.advance(5_000)


def make_room(scene: Scene) -> None:
    lapse(scene)
    scene.breaker.by_key().use("another")


def report(scene: Scene) -> None:
    lapse(scene)
    scene.ledger.entries(scene.registry.breakers(), True, scene.clock.now())


def report_a_call_that_falls_due_meanwhile(scene: Scene) -> None:
    permit = scene.breaker.circuit.enter()
    assert permit is not None
    call = LayeredCall(scene.breaker, permit, False)
    scene.breaker.watch_sync_calls().add(call, scene.clock.now(), 150)
    scene.step_ms = 100
    scene.ledger.entries([("partner", None, scene.breaker)], True, scene.clock.now())


def make_one_that_is_held(scene: Scene) -> None:
    scene.registry.apply_overrides([scene.override("ForceOpen")])
    scene.seen.clear()
    scene.registry.get_breaker("made-later")


def make_a_key_that_is_held(scene: Scene) -> None:
    scene.registry.apply_overrides([scene.override("ForceOpen")])
    scene.seen.clear()
    scene.breaker.by_key().use("made-later")


def edit_with_a_reset(scene: Scene) -> None:
    scene.fail(scene.breaker)
    scene.seen.clear()
    scene.apply(SPEC | {"onUpdate": "Reset", "timeout": {"duration": "3s"}})


@pytest.mark.parametrize(
    ("act", "changes"),
    [
        (make_room, ["half-open"]),
        (report, ["half-open"]),
        (report_a_call_that_falls_due_meanwhile, ["open"]),
        (make_one_that_is_held, ["open"]),
        (make_a_key_that_is_held, ["open"]),
        (edit_with_a_reset, ["closed"]),
        (lambda scene: scene.apply(SPEC, scene.override("ForceOpen")), ["open"]),
        (lambda scene: scene.registry.apply_overrides([scene.override("ForceOpen")]), ["open"]),
    ],
)
def test_a_listener_may_wait_for_another_thread(act: Callable[[Scene], None], changes: list[str]) -> None:
    scene = Scene()
    act(scene)
    assert scene.seen == [(state, True) for state in changes]
