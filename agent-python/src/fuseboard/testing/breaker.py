"""Breakers of tests."""

from __future__ import annotations

import random as chance
import time
from collections.abc import Callable
from typing import Protocol

from ..breakers.breaker import Breaker
from ..breakers.governed_breaker import GovernedBreaker
from ..breakers.governor import governor_of
from ..breakers.policy_set import Spec
from ..breakers.registry import wall_now as system_wall_now
from ..clock.stall_detector import stall_detector
from ..core.clock import Environment
from ..core.config.guard import GuardField
from ..core.config.known_fields import refuse_unknown_fields
from ..core.state import TransitionEvent
from ..process import forget_everything
from .fake_clock import FakeClock


class HasNow(Protocol):
    """A monotonic clock in milliseconds."""

    def now(self) -> float: ...


class _Runtime:
    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    def transitioned(self, breaker: GovernedBreaker, event: TransitionEvent) -> None:
        """Only the breaker's own listeners are notified."""

    def guarded_by(self, name: str, policy_uid: str | None) -> tuple[GuardField, ...]:
        return ()

    def first_call_listener(self) -> Callable[[], None] | None:
        return None


class TestBreaker(Breaker):
    """A breaker of its own, outside the registry, whose policy the test edits."""

    __slots__ = ()
    __test__ = False

    def apply(self, spec: Spec) -> None:
        """Edit the policy as an apply in the cluster would.

        Raises ``TypeError`` for a field that does not exist, and ``ConfigError`` when the spec cannot be used otherwise.
        """
        refuse_unknown_fields(self.name, spec, "the spec")
        self._breaker.govern(governor_of(self.name, spec))


def create_breaker(
    spec: Spec,
    clock: HasNow | None = None,
    random: Callable[[], float] = chance.random,
    wall_now: Callable[[], float] = system_wall_now,
    name: str = "test",
) -> TestBreaker:
    """Make a breaker from the spec of a policy, for tests.

    ``clock``: absent: that of the process; a ``FakeClock`` also drives time limits and waits. ``random``: the source of chance,
    from 0 to below 1; ramps, open times and the waits of retries draw from it. ``wall_now``: milliseconds since 1970; only dates
    in Retry-After headers are compared with it. Raises ``TypeError`` for a field that does not exist, and ``ConfigError`` for a
    spec that cannot be used otherwise.
    """
    refuse_unknown_fields(name, spec, "the spec")
    if clock is None:
        environment = Environment(time.monotonic, 1_000.0, random, wall_now, stall_detector)
    elif isinstance(clock, FakeClock):
        environment = Environment(clock.now, 1.0, random, wall_now, clock, clock)
    else:
        environment = Environment(clock.now, 1.0, random, wall_now)
    return TestBreaker(GovernedBreaker(name, governor_of(name, spec), _Runtime(environment)))


def reset_breakers() -> None:
    """Forget every breaker of the process with its counts, and the policies and overrides that governed it.

    Handles from before continue by themselves, as they were; ``get_breaker`` makes new ones.
    """
    forget_everything()
