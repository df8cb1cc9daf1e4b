"""What a breaker is given instead of looking around itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Protocol


class StallWatch(Protocol):
    """Notices when the process stands still."""

    def watch(self, until: float) -> None:
        """Notice it until this time."""

    def stall_ended_at(self) -> float:
        """When the process last moved on after standing still for more than a second; minus infinity: it never did."""
        ...


class Deadline(Protocol):
    """A call or a wait that ends when its time comes."""

    due: dict[Any, None] | None
    """For the timers, which set it: those that expire with it; ``None`` when it was taken out."""

    def expire(self) -> None:
        """The time is up. Must not raise; does nothing when what it belongs to has ended in between."""


class Timers(Protocol):
    """Where calls wait for their time."""

    def add(self, deadline: Deadline, ms: float) -> None:
        """Let a deadline expire after at least ``ms``."""

    def remove(self, deadline: Deadline) -> None:
        """Take a deadline out again; one that has already expired is left alone."""

    def sleep(self, ms: float) -> None:
        """Block the calling thread for ``ms``."""

    def wait(self, event: Event, ms: float) -> None:
        """Block the calling thread until the event is set, at most for ``ms``."""


class NoStalls:
    """A process that never stands still."""

    def watch(self, until: float) -> None:
        """Nothing is to be noticed."""

    def stall_ended_at(self) -> float:
        return float("-inf")


@dataclass(frozen=True, slots=True)
class Environment:
    """Time and chance."""

    read: Callable[[], float]
    """A monotonic clock whose zero is arbitrary, in units of ``scale`` milliseconds."""
    scale: float
    random: Callable[[], float]
    """From 0 to below 1."""
    wall_now: Callable[[], float]
    """Milliseconds since 1970: only to read the dates that others send."""
    stalls: StallWatch = field(default_factory=NoStalls)
    timers: Timers | None = None
    """``None``: threads wait in real time, and tasks by the wheel of their event loop."""

    def now(self) -> float:
        """Milliseconds of the monotonic clock."""
        return self.read() * self.scale
