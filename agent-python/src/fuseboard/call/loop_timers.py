"""Time limits of tasks: one wheel for each event loop."""

from __future__ import annotations

import asyncio
import math
from threading import Event
from time import monotonic, sleep

from ..core.clock import Deadline

_TICK_MS = 5.0
_HOPS = 4
"""Turns of the loop that an expiry lets pass.

Answers that arrived while the loop was busy are read in the next turn and reach their task in the one after; evaluated before
that, calls that had ended in time would look late."""


class LoopTimers:
    """Deadlines by the tick in which they expire; the loop has one timer, for the earliest."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.ticks: dict[float, dict[Deadline, None]] = {}
        """Those that expire at each tick."""
        self.armed_for = math.inf
        """The tick for which the loop has a timer."""

    def add(self, deadline: Deadline, ms: float) -> None:
        expire_at(self._loop, deadline, monotonic() * 1_000 + ms)

    def remove(self, deadline: Deadline) -> None:
        due = deadline.due
        if due is not None:
            deadline.due = None
            due.pop(deadline, None)

    def sleep(self, ms: float) -> None:
        sleep(ms / 1_000)

    def wait(self, event: Event, ms: float) -> None:
        event.wait(ms / 1_000)

    def arm(self, tick: float) -> None:
        self.armed_for = tick
        self._loop.call_later(max(0.0, tick * _TICK_MS / 1_000 - monotonic()), self._fire, tick)

    def _fire(self, tick: float) -> None:
        if tick == self.armed_for:
            self.armed_for = math.inf
        now = math.floor(monotonic() * 1_000 / _TICK_MS)
        due = [each for at in sorted(at for at in self.ticks if at <= now) for each in self.ticks.pop(at)]
        if due:
            self._hop(due, _HOPS)
        for at in [at for at, waiting in self.ticks.items() if not waiting]:
            del self.ticks[at]
        if self.ticks and min(self.ticks) < self.armed_for:
            self.arm(min(self.ticks))

    def _hop(self, due: list[Deadline], hops: int) -> None:
        if hops > 0:
            self._loop.call_soon(self._hop, due, hops - 1)
            return
        for deadline in due:
            if deadline.due is not None:
                deadline.expire()


def loop_timers(loop: asyncio.AbstractEventLoop) -> LoopTimers:
    """The timers of the loop that runs in this thread.

    They are an attribute of the loop, because they refer to it, as do deadlines of calls that ended with it: a dictionary with
    weak keys would keep every loop that ever called.
    """
    try:
        timers: LoopTimers = loop._fuseboard_timers  # type: ignore[attr-defined]
    except AttributeError:
        timers = loop._fuseboard_timers = LoopTimers(loop)  # type: ignore[attr-defined]
    return timers


def expire_at(loop: asyncio.AbstractEventLoop, deadline: Deadline, at: float) -> None:
    """Let a deadline expire in the loop that runs, at so many milliseconds of the monotonic clock or soon after."""
    # Every call with a time limit comes through here: each function less between is noticed.
    try:
        timers: LoopTimers = loop._fuseboard_timers  # type: ignore[attr-defined]
    except AttributeError:
        timers = loop_timers(loop)
    tick = at // _TICK_MS + 1.0
    ticks = timers.ticks
    try:
        due = ticks[tick]
    except KeyError:
        due = ticks[tick] = {}
    deadline.due = due
    due[deadline] = None
    if tick < timers.armed_for:
        timers.arm(tick)
