"""Fixtures for pytest; found by itself where fuseboard is installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .breaker import reset_breakers
from .fake_clock import FakeClock


@pytest.fixture
def fuseboard_clock() -> FakeClock:
    """A clock that moves only when it is told to, for ``create_breaker``."""
    return FakeClock()


@pytest.fixture
def fresh_breakers() -> Iterator[None]:
    """The breakers of the process start over with the test and are forgotten after it."""
    reset_breakers()
    yield
    reset_breakers()
