from __future__ import annotations

from collections.abc import Iterator

import pytest

from fuseboard.testing import FakeControlPlane


@pytest.fixture
def plane() -> Iterator[FakeControlPlane]:
    with FakeControlPlane() as started:
        yield started
