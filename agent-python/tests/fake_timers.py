"""Timers that fire when the test moves the clock."""

from __future__ import annotations

from collections.abc import Callable


class FakeTimers:
    def __init__(self) -> None:
        self._now = 0.0
        self._tasks: list[list[object]] = []

    def now(self) -> float:
        return self._now

    def after(self, ms: float, task: Callable[[], None]) -> Callable[[], None]:
        entry: list[object] = [self._now + ms, task]
        self._tasks.append(entry)

        def cancel() -> None:
            if entry in self._tasks:
                self._tasks.remove(entry)

        return cancel

    @property
    def waiting(self) -> list[float]:
        """When tasks are due, from now."""
        return sorted(float(at) - self._now for at, _ in self._tasks)  # type: ignore[arg-type]

    def advance(self, ms: float) -> None:
        until = self._now + ms
        while True:
            due = [entry for entry in self._tasks if entry[0] <= until]  # type: ignore[operator]
            if not due:
                break
            entry = min(due, key=lambda each: each[0])  # type: ignore[arg-type, return-value]
            self._tasks.remove(entry)
            self._now = max(self._now, float(entry[0]))  # type: ignore[arg-type]
            entry[1]()  # type: ignore[operator]
        self._now = until
