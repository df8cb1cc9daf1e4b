"""Warnings, which cannot break a call."""

from __future__ import annotations

import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress

from .core.text import cut, printable

_MAX_LENGTH = 16_384
_BURST = 100
_REGAIN_S = 10.0
"""After ``_BURST`` warnings, one in so many seconds."""

_PACKAGE = os.path.dirname(__file__) + os.sep


class FuseboardWarning(UserWarning):
    """Something about Fuseboard that somebody should fix; no call is affected."""


def warn(message: str) -> None:
    """Report something to fix. Never raises, even where warnings are errors: no call is to be broken by it."""
    try:
        warnings.warn(printable(message), FuseboardWarning, stacklevel=_level_of_caller())
    except Exception:
        # Where warnings are errors, or standard error was closed.
        with suppress(Exception):
            traceback.print_exc()


def _level_of_caller() -> int:
    """The ``stacklevel``, seen from ``warn``, of the code that called the package: there is what somebody can fix.

    Where only the package runs, in a thread of its own, that is where the thread began.
    """
    level = 1
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
        level += 1
    return level


class WarningLog:
    """Takes every warning of a link or of a shared state to whoever reads them: one printable line each.

    What others say, such as the operator, is in many of them. So they neither reach a terminal as they are nor fill a log: after a
    burst of 100, one in 10 s is written, and says how many were left out. Never raises. May be called from any thread.
    """

    def __init__(self, write: Callable[[str], None], now: Callable[[], float] = time.monotonic) -> None:
        self.write = write
        self._now = now
        self._left = float(_BURST)
        self._at = now()
        self._omitted = 0

    def __call__(self, message: str) -> None:
        # Without a lock, because a fork may copy it: two threads at once may write one more or one less.
        now = self._now()
        self._left = min(_BURST, self._left + (now - self._at) / _REGAIN_S)
        self._at = now
        if self._left < 1:
            self._omitted += 1
            return
        self._left -= 1
        omitted, self._omitted = self._omitted, 0
        text = printable(cut(message, _MAX_LENGTH))
        # A callback for warnings that raises must not end what warned.
        with suppress(Exception):
            self.write(f"{text} ({omitted} warnings before it were left out)" if omitted else text)
