"""Warnings, which cannot break a call."""

from __future__ import annotations

import traceback
import warnings


class FuseboardWarning(UserWarning):
    """Something about Fuseboard that somebody should fix; no call is affected."""


def warn(message: str) -> None:
    """Report something to fix. Never raises, even where warnings are errors: no call is to be broken by it."""
    try:
        warnings.warn(message, FuseboardWarning, stacklevel=3)
    except FuseboardWarning:
        traceback.print_exc()
