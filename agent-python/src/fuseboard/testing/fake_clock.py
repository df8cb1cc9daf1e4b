"""A clock that moves only when it is told to."""

from __future__ import annotations

import math
from threading import Event, RLock
from typing import Any

from ..core.clock import Deadline
from ..core.config.duration import parse_duration


class FakeClock:
    """Milliseconds that pass by ``advance``. Calls under a time limit are given up as it passes their time.

    A synchronous wait of a retry moves it on by itself.
    """

    def __init__(self) -> None:
        self._now: float = 0
        self._stall_ended_at = -math.inf
        self._due: dict[Deadline, float] = {}
        self._lock = RLock()

    def now(self) -> float:
        """Milliseconds since the clock was made."""
        return self._now

    def advance(self, by: float | str) -> None:
        """Move on by so many milliseconds, or by a text such as ``30s``.

        What falls due on the way happens in order, each at its own time. Raises ``ValueError`` when the time is below 0, or
        the text is no duration from 1 ms to 24 h.
        """
        ms = parse_duration(by) if isinstance(by, str) else by
        if ms is None:
            raise ValueError(f'advance takes milliseconds, or a duration such as 30s from 1ms to 24h; it got "{by}"')
        if not ms >= 0:
            raise ValueError(f"a clock cannot go back; advance got {ms}")
        target = self._now + ms
        while True:
            with self._lock:
                deadline = min(self._due, key=self._due.__getitem__, default=None)
                if deadline is None or self._due[deadline] > target:
                    break
                self._now = max(self._now, self._due.pop(deadline))
            deadline.expire()
        self._now = target

    def stall(self, ms: float) -> None:
        """Move on by so many milliseconds during which the process stands still: calls that span this are not slow."""
        self._stall_ended_at = self._now + ms
        self.advance(ms)

    def stall_ended_at(self) -> float:
        """When the last stall ended."""
        return self._stall_ended_at

    def watch(self, until: float) -> None:
        """Tests give stalls to the clock, so there is nothing to watch for."""

    def add(self, deadline: Deadline, ms: float) -> None:
        with self._lock:
            self._due[deadline] = self._now + ms

    def remove(self, deadline: Deadline) -> None:
        with self._lock:
            self._due.pop(deadline, None)

    def sleep(self, ms: float) -> None:
        """The thread that waits is the only one: time passes at once."""
        self.advance(ms)

    def wait(self, event: Event, ms: float) -> None:
        """Wait in this thread until the event is set, or another thread has advanced the clock by so much."""
        deadline = _SetEvent(event)
        self.add(deadline, ms)
        event.wait()
        self.remove(deadline)


class _SetEvent:
    due: dict[Any, None] | None = None

    def __init__(self, event: Event) -> None:
        self._event = event

    def expire(self) -> None:
        self._event.set()
