"""Blocks of code that are calls: ``with breaker:``."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from .enter import AnyPermit

Entered = tuple[object, AnyPermit, Any]
"""A breaker whose block was entered, its permit, and the block around it."""

entered: ContextVar[Entered | None] = ContextVar("fuseboard_entered", default=None)
"""The blocks of this thread or task, the innermost first."""


def leave_outer(breaker: object) -> AnyPermit | None:
    """The permit of a breaker's innermost block, which need not be the innermost of all; ``None`` where another context entered it."""
    passed = []
    each = entered.get()
    while each is not None and each[0] is not breaker:
        passed.append(each)
        each = each[2]
    if each is None:
        return None
    rest = each[2]
    for block in reversed(passed):
        rest = (block[0], block[1], rest)
    entered.set(rest)
    return each[1]
