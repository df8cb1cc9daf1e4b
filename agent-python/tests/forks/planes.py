"""What processes that fork reported."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import fuseboard
from fuseboard.testing import FakeControlPlane

SOURCE = Path(fuseboard.__file__).parents[1]
TESTS = Path(__file__).parents[1]


def pid_of(report: dict[str, Any]) -> int:
    return int(report["instance"].split("/")[1])


def counted(plane: FakeControlPlane) -> Counter[int]:
    """What each process reported last, by pid."""
    found: Counter[int] = Counter()
    for report in list(plane.reports):
        for breaker in report["breakers"]:
            found[pid_of(report)] = breaker["totals"]["succeeded"]
    return found


def boots(plane: FakeControlPlane) -> set[tuple[int, str]]:
    """Each process with each identity that it reported as."""
    return {(pid_of(report), report["boot"]) for report in list(plane.reports)}
