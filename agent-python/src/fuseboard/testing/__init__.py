"""Breakers, clocks and an operator for tests."""

from .breaker import TestBreaker, create_breaker, reset_breakers
from .fake_clock import FakeClock
from .fake_control_plane import FakeControlPlane, FakeStream

__all__ = ["FakeClock", "FakeControlPlane", "FakeStream", "TestBreaker", "create_breaker", "reset_breakers"]
