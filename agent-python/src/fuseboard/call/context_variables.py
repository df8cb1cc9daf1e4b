"""What a thread or task is part of."""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import TypeVar

T = TypeVar("T")


def leave(variable: ContextVar[T], token: Token[T]) -> None:
    """Reset a variable where the call that set it ends.

    A coroutine that nobody awaits any more is closed in another context; its own is gone with it, and there is nothing to reset.
    """
    try:
        variable.reset(token)
    except ValueError:
        return
