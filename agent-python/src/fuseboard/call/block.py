"""Blocks of code that are calls: ``with breaker:``."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from .enter import AnyPermit

Entered = tuple[object, AnyPermit, Any]
"""A breaker whose block was entered, its permit, and the block around it."""

entered: ContextVar[Entered | None] = ContextVar("fuseboard_entered", default=None)
"""The blocks of this thread or task, the innermost first.

A block that ends leaves its permit settled and itself in place: the next one that begins drops it."""


def last_entered() -> Entered | None:
    """The innermost block whose permit is not settled."""
    each = entered.get()
    while each is not None and each[1].outcome is not None:
        each = each[2]
    return each


def permit_entered(breaker: object) -> AnyPermit | None:
    """The permit of a breaker's innermost block, which need not be the innermost of all.

    ``None`` where another context entered it, or where it is settled.
    """
    each = entered.get()
    while each is not None and (each[0] is not breaker or each[1].outcome is not None):
        each = each[2]
    return None if each is None else each[1]
