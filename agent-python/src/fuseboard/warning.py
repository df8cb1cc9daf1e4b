"""Warnings, which cannot break a call."""

from __future__ import annotations

import os
import sys
import traceback
import warnings

_PACKAGE = os.path.dirname(__file__) + os.sep


class FuseboardWarning(UserWarning):
    """Something about Fuseboard that somebody should fix; no call is affected."""


def warn(message: str) -> None:
    """Report something to fix. Never raises, even where warnings are errors: no call is to be broken by it."""
    try:
        warnings.warn(message, FuseboardWarning, stacklevel=_level_of_caller())
    except FuseboardWarning:
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
