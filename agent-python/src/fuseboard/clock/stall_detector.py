"""Noticing that the process, or an event loop, stood still."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from threading import Thread
from time import monotonic, sleep
from weakref import WeakKeyDictionary

_BEAT_MS = 100
_STALL_MS = 1_000
"""A beat that comes so much too late means that what beats stood still, busy or frozen."""


def monotonic_ms() -> float:
    return monotonic() * 1_000


class Heartbeat:
    """When something that beats regularly last moved on after it had stood still."""

    def __init__(self, read: Callable[[], float]) -> None:
        self._read = read
        self._last = 0.0
        self._until = -math.inf
        self._stall_ended_at = -math.inf
        self.is_beating = False

    def watch(self, until: float) -> bool:
        """Whether somebody has to begin to call ``beat`` every 100 ms, until it says no."""
        self._until = max(self._until, until)
        if self.is_beating:
            return False
        self._last = self._read()
        self.is_beating = True
        return True

    def beat(self) -> bool:
        """Whether to beat again."""
        self.is_beating = self._look() < self._until
        return self.is_beating

    def rest(self) -> None:
        """End with the next beat, unless somebody watches again."""
        self._until = -math.inf

    def stall_ended_at(self) -> float:
        """What it does right now counts, even before the next beat."""
        if self.is_beating:
            self._look()
        return self._stall_ended_at

    def _look(self) -> float:
        now = self._read()
        if now - self._last > _STALL_MS + _BEAT_MS:
            self._stall_ended_at = now
        self._last = now
        return now


class StallDetector:
    """One heartbeat for the process, in a thread, and one for each event loop that makes calls.

    They beat only while a policy evaluates slow calls and such calls are made. A task that is blocked with its loop is not slow; a
    thread beside it may be.
    """

    def __init__(self, read: Callable[[], float] = monotonic_ms) -> None:
        self._read = read
        self._process = Heartbeat(read)
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, Heartbeat] = WeakKeyDictionary()

    def watch(self, until: float) -> None:
        loop = asyncio._get_running_loop()
        if loop is not None:
            heartbeat = self._loops.get(loop)
            if heartbeat is None:
                heartbeat = self._loops[loop] = Heartbeat(self._read)
            if heartbeat.watch(until):
                loop.call_later(_BEAT_MS / 1_000, _beat_in, loop, heartbeat)
            return
        if self._process.watch(until):
            try:
                Thread(target=_beat_alone, args=(self._process,), name="fuseboard-heartbeat", daemon=True).start()
            except RuntimeError:
                # A process at its limit and an interpreter that ends start no thread: calls continue without.
                self._process.is_beating = False

    def stall_ended_at(self) -> float:
        loop = asyncio._get_running_loop()
        heartbeat = None if loop is None else self._loops.get(loop)
        return (self._process if heartbeat is None else heartbeat).stall_ended_at()

    def rest(self) -> None:
        """Nothing that was watched for matters any more: its thread ends."""
        self._process.rest()

    def after_fork(self) -> None:
        """No thread of the parent beats in a child."""
        self._process = Heartbeat(self._read)
        self._loops = WeakKeyDictionary()


stall_detector = StallDetector()
"""The one of this process."""


def _beat_in(loop: asyncio.AbstractEventLoop, heartbeat: Heartbeat) -> None:
    if heartbeat.beat():
        loop.call_later(_BEAT_MS / 1_000, _beat_in, loop, heartbeat)


def _beat_alone(heartbeat: Heartbeat) -> None:
    while heartbeat.beat():
        sleep(_BEAT_MS / 1_000)
