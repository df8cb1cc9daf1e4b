"""Breakers of several libraries as the cases see them: open after so many failures in a row, for a second of a clock that stands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import Any, Protocol

import circuitbreaker
import interlock
import pybreaker
import pyresilience
import pytest
from pyresilience import _circuit_breaker as pyresilience_breaker

from fuseboard.testing import FakeClock, create_breaker

_numbers = count()


class Subject(Protocol):
    def protect(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """The function, called through the breaker."""
        ...

    def advance(self) -> None:
        """Let the open time pass."""


Make = Callable[[int, pytest.MonkeyPatch], Subject]
"""Makes a subject that opens after so many failures in a row."""


class Ours:
    def __init__(self, failures: int, _: pytest.MonkeyPatch, more: dict[str, Any] | None = None) -> None:
        self._clock = FakeClock()
        spec = {"trip": {"consecutiveFailures": failures}, "recovery": {"openDuration": "1s"}, **(more or {})}
        self.breaker = create_breaker(spec, self._clock)
        self.protect: Callable[..., Any] = self.breaker

    def advance(self) -> None:
        self._clock.advance(1_000)


class CircuitBreaker:
    """circuitbreaker."""

    def __init__(self, failures: int, patch: pytest.MonkeyPatch) -> None:
        self._now = 0.0
        patch.setattr(circuitbreaker, "monotonic", lambda: self._now)
        name = f"peer-{next(_numbers)}"
        self.protect: Callable[..., Any] = circuitbreaker.CircuitBreaker(
            failure_threshold=failures, recovery_timeout=1, name=name
        )

    def advance(self) -> None:
        self._now += 1


class PyBreaker:
    """pybreaker."""

    def __init__(self, failures: int, patch: pytest.MonkeyPatch, **more: Any) -> None:
        self._now = 0.0
        moved = self

        class Clock(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=moved._now)

        patch.setattr(pybreaker, "datetime", Clock)
        self.breaker = pybreaker.CircuitBreaker(fail_max=failures, reset_timeout=1, **more)
        self.protect: Callable[..., Any] = self.breaker

    def advance(self) -> None:
        self._now += 1


class PyResilience:
    """pyresilience."""

    def __init__(self, failures: int, patch: pytest.MonkeyPatch) -> None:
        self._now = 0.0
        patch.setattr(pyresilience_breaker, "_monotonic", lambda: self._now)
        config = pyresilience.CircuitBreakerConfig(failure_threshold=failures, recovery_timeout=1)
        registry = pyresilience.ResilienceRegistry()
        registry.register("peer", pyresilience.ResilienceConfig(circuit_breaker=config))
        self.protect: Callable[..., Any] = registry.decorator("peer")

    def advance(self) -> None:
        self._now += 1


class Interlock:
    """interlock-cb."""

    def __init__(self, failures: int, _: pytest.MonkeyPatch) -> None:
        config = interlock.Config(minimum_number_of_calls=failures, failure_rate_threshold=1, window_size=failures)
        self.protect: Callable[..., Any] = interlock.CircuitBreaker(name=f"peer-{next(_numbers)}", config=config)

    def advance(self) -> None:
        raise AssertionError("no case advances it")
