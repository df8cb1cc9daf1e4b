"""Blocks of code that are calls: ``with breaker:``."""

from __future__ import annotations

from contextvars import ContextVar
from typing import NamedTuple

from .enter import AnyPermit


class Entered(NamedTuple):
    """A block that was entered, and those around it."""

    breaker: object
    permit: AnyPermit
    outer: Entered | None


_entered: ContextVar[Entered | None] = ContextVar("fuseboard_entered", default=None)
"""The blocks of this thread or task, the innermost first."""


def push(breaker: object, permit: AnyPermit) -> None:
    _entered.set(Entered(breaker, permit, _entered.get()))


def pop(breaker: object) -> AnyPermit | None:
    """The permit of the innermost block of a breaker; ``None`` where another context entered it."""
    innermost = _entered.get()
    if innermost is None:
        return None
    if innermost.breaker is breaker:
        _entered.set(innermost.outer)
        return innermost.permit
    passed = []
    each: Entered | None = innermost
    while each is not None and each.breaker is not breaker:
        passed.append(each)
        each = each.outer
    if each is None:
        return None
    rest = each.outer
    for block in reversed(passed):
        rest = Entered(block.breaker, block.permit, rest)
    _entered.set(rest)
    return each.permit
