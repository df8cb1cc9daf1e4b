"""Blocks of code that are calls: ``with breaker:``, where another block of the same breaker is under way."""

from __future__ import annotations

from contextvars import ContextVar

from .enter import AnyPermit

_entered: ContextVar[AnyPermit | None] = ContextVar("fuseboard_entered", default=None)
"""The permit of the innermost block of this thread or task; those around it follow by ``outer``.

A block that ends leaves its permit in place: the next one that begins drops it."""


def begin_block(breaker: object, permit: AnyPermit) -> None:
    """A block of a breaker begins with a permit."""
    outer = _entered.get()
    while outer is not None and outer.breaker is None:
        outer = outer.outer
    permit.breaker = breaker
    permit.outer = outer
    _entered.set(permit)


def end_block(breaker: object) -> AnyPermit | None:
    """The innermost block of a breaker ends, which need not be the innermost of all; returns its permit.

    ``None`` where this context began none.
    """
    permit = _entered.get()
    while permit is not None and permit.breaker is not breaker:
        permit = permit.outer
    if permit is not None:
        permit.breaker = None
    return permit
