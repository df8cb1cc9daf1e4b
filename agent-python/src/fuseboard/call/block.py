"""Blocks of code that are calls: ``with breaker:``, where another block of the same breaker is under way."""

from __future__ import annotations

from contextvars import ContextVar

from .enter import AnyPermit


class _Block:
    """A block that began in a thread or task."""

    __slots__ = ("breaker", "outer", "permit")

    def __init__(self, breaker: object, permit: AnyPermit, outer: _Block | None) -> None:
        self.breaker: object | None = breaker
        """``None`` once the block has ended."""
        self.permit = permit
        self.outer = outer
        """The block around this one."""


_entered: ContextVar[_Block | None] = ContextVar("fuseboard_entered", default=None)
"""The innermost block of this thread or task; those around it follow by ``outer``.

A block that ends stays in place: the next one that begins drops it."""


def begin_block(breaker: object, permit: AnyPermit) -> None:
    """A block of a breaker begins with a permit."""
    outer = _entered.get()
    while outer is not None and outer.breaker is None:
        outer = outer.outer
    _entered.set(_Block(breaker, permit, outer))


def end_block(breaker: object) -> AnyPermit | None:
    """The innermost block of a breaker ends, which need not be the innermost of all; returns its permit.

    ``None`` where this context began none.
    """
    block = _entered.get()
    while block is not None and block.breaker is not breaker:
        block = block.outer
    if block is None:
        return None
    block.breaker = None
    return block.permit
