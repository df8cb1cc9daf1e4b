"""Imported before anything else of a process, it makes time run faster for it and sets its wall clock wrong.

What ``fast-clock.ts`` is for Node. CLOCK_SPEED: how many times as fast; absent: 1. CLOCK_WALL_SHIFT_MS: how far the wall clock
is off; absent: 0.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import Any

_speed = float(os.environ.get("CLOCK_SPEED", "1"))
_shift_s = float(os.environ.get("CLOCK_WALL_SHIFT_MS", "0")) / 1_000
_true_monotonic, true_sleep, _true_time = time.monotonic, time.sleep, time.time
_origin = _true_monotonic()


def true_ms() -> float:
    """Milliseconds of the clock that all processes of a machine share; it does not jump."""
    return _true_monotonic() * 1_000


def _sooner(method: Any) -> Any:
    """A method whose only argument is a time limit in seconds."""

    def run(self: Any, timeout: float | None = None) -> Any:
        return method(self, None if timeout is None else timeout / _speed)

    return run


if _speed != 1:
    time.monotonic = lambda: _origin + (_true_monotonic() - _origin) * _speed
    time.sleep = lambda seconds: true_sleep(seconds / _speed)
    threading.Condition.wait = _sooner(threading.Condition.wait)  # type: ignore[method-assign]
    socket.socket.settimeout = _sooner(socket.socket.settimeout)  # type: ignore[method-assign]

if _shift_s != 0:
    time.time = lambda: _true_time() + _shift_s
