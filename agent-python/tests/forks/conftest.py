from __future__ import annotations

from collections.abc import Iterator

import pytest

from fuseboard.testing import FakeControlPlane


@pytest.fixture
def plane() -> Iterator[FakeControlPlane]:
    """A control plane with a policy for the breaker of the applications."""
    with FakeControlPlane() as started:
        started.push({"payments": {"breakers": ["payments"], "trip": {"consecutiveFailures": 3}}})
        yield started
