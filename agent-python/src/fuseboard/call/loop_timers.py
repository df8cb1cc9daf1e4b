"""Time limits of tasks: one wheel for each event loop."""

from __future__ import annotations

import asyncio
import math
from threading import Event
from time import monotonic, sleep

from ..core.clock import Deadline

_TICK_MS = 5
_HOPS = 4
"""Turns of the loop that an expiry lets pass.

Answers that arrived while the loop was busy are read in the next turn and reach their task in the one after; judged before
that, calls that had ended in time would look late."""


class LoopTimers:
    """Deadlines by the tick in which they expire; the loop has one timer, for the earliest."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._ticks: dict[int, dict[Deadline, None]] = {}
        self._armed_for = math.inf

    def add(self, deadline: Deadline, ms: float) -> None:
        deadline.tick = tick = int((monotonic() * 1_000 + ms) / _TICK_MS) + 1
        due = self._ticks.get(tick)
        if due is None:
            due = self._ticks[tick] = {}
        due[deadline] = None
        if tick < self._armed_for:
            self._arm(tick)

    def remove(self, deadline: Deadline) -> None:
        due = self._ticks.get(deadline.tick)
        if due is not None:
            due.pop(deadline, None)
        deadline.tick = 0

    def sleep(self, ms: float) -> None:
        sleep(ms / 1_000)

    def wait(self, event: Event, ms: float) -> None:
        event.wait(ms / 1_000)

    def _arm(self, tick: int) -> None:
        self._armed_for = tick
        self._loop.call_later(max(0.0, tick * _TICK_MS / 1_000 - monotonic()), self._fire, tick)

    def _fire(self, tick: int) -> None:
        if tick == self._armed_for:
            self._armed_for = math.inf
        now = math.floor(monotonic() * 1_000 / _TICK_MS)
        due = [each for at in sorted(at for at in self._ticks if at <= now) for each in self._ticks.pop(at)]
        if due:
            self._hop(due, _HOPS)
        for at in [at for at, waiting in self._ticks.items() if not waiting]:
            del self._ticks[at]
        if self._ticks and min(self._ticks) < self._armed_for:
            self._arm(min(self._ticks))

    def _hop(self, due: list[Deadline], hops: int) -> None:
        if hops > 0:
            self._loop.call_soon(self._hop, due, hops - 1)
            return
        for deadline in due:
            if deadline.tick != 0:
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
