from __future__ import annotations

from collections.abc import Iterator

import pytest

from fuseboard.testing import reset_breakers

from .upstream import Upstream


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("FUSEBOARD_URL", raising=False)
    reset_breakers()
    yield
    reset_breakers()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as started:
        yield started
