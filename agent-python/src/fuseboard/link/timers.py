"""Monotonic time, and tasks that run at a time of it."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from typing import Protocol

from ..warning import warn

_MANY = 64


class Timers(Protocol):
    def now(self) -> float:
        """Milliseconds of a monotonic clock."""
        ...

    def after(self, ms: float, task: Callable[[], None]) -> Callable[[], None]:
        """Run ``task`` once after so many milliseconds; the function that it returns cancels it.

        Raises ``RuntimeError`` where no thread can be started.
        """
        ...


class _Entry:
    __slots__ = ("at", "order", "task")

    def __init__(self, at: float, order: int, task: Callable[[], None] | None) -> None:
        self.at = at
        self.order = order
        self.task = task

    def __lt__(self, other: _Entry) -> bool:
        return (self.at, self.order) < (other.at, other.order)


class ThreadTimers:
    """Runs tasks one after the other in one daemon thread, which begins with the first task and ends with ``stop``."""

    def __init__(self, name: str = "fuseboard-report") -> None:
        self._name = name
        self._changed = threading.Condition()
        self._entries: list[_Entry] = []
        self._order = 0
        self._cancelled = 0
        """How many entries wait for their time although nothing is to be done then."""
        self._thread: threading.Thread | None = None
        self._stopped = False

    def now(self) -> float:
        return time.monotonic() * 1_000

    def after(self, ms: float, task: Callable[[], None]) -> Callable[[], None]:
        with self._changed:
            if self._thread is None and not self._stopped:
                thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                # A process at its limit starts no thread; then the next task tries again.
                thread.start()
                self._thread = thread
            self._order += 1
            entry = _Entry(self.now() + ms, self._order, task)
            heapq.heappush(self._entries, entry)
            self._changed.notify_all()

        def cancel() -> None:
            with self._changed:
                if entry.task is not None:
                    entry.task = None
                    self._cancelled += 1
                    self._compact()

        return cancel

    def stop(self) -> None:
        """Run no task any more; the one under way ends by itself."""
        with self._changed:
            self._stopped = True
            self._entries.clear()
            self._changed.notify_all()

    def _compact(self) -> None:
        """What is cancelled again and again, such as the end of an override that is sent again, must not pile up until its time."""
        if self._cancelled <= max(_MANY, len(self._entries) // 2):
            return
        self._entries = [entry for entry in self._entries if entry.task is not None]
        heapq.heapify(self._entries)
        self._cancelled = 0

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopped:
                    while self._entries and self._entries[0].task is None:
                        heapq.heappop(self._entries)
                        self._cancelled -= 1
                    wait = self._entries[0].at - self.now() if self._entries else None
                    if wait is not None and wait <= 0:
                        break
                    self._changed.wait(None if wait is None else wait / 1_000)
                if self._stopped:
                    return
                entry = heapq.heappop(self._entries)
                # Whoever cancels it from now on is late.
                task, entry.task = entry.task, None
            try:
                if task is not None:
                    task()
            except (Exception, SystemExit) as error:
                # A listener of the service may run in here.
                warn(f"the link to the operator failed in a task of its own: {type(error).__name__}: {error}")
