"""Breakers and clocks for tests."""

from .breaker import TestBreaker, create_breaker, reset_breakers
from .fake_clock import FakeClock

__all__ = ["FakeClock", "TestBreaker", "create_breaker", "reset_breakers"]
