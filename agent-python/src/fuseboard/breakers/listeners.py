"""Listeners, which cannot break a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, ParamSpec

from ..warning import warn

P = ParamSpec("P")


class Listeners(Generic[P]):
    """What one of them raises becomes a warning and keeps no other from being notified."""

    def __init__(self) -> None:
        self._each: tuple[Callable[P, None], ...] = ()

    def __len__(self) -> int:
        return len(self._each)

    def add(self, listener: Callable[P, None]) -> Callable[[], None]:
        """Return a function that ends the subscription."""

        def call(*args: P.args, **kwargs: P.kwargs) -> None:
            listener(*args, **kwargs)

        self._each = (*self._each, call)

        def end() -> None:
            self._each = tuple(each for each in self._each if each is not call)

        return end

    def notify(self, subject: str, *args: P.args, **kwargs: P.kwargs) -> None:
        """``subject`` names what the listeners are notified of, for the warning."""
        for call in self._each:
            try:
                call(*args, **kwargs)
            except Exception as error:
                warn(f"a listener of {subject} raised {type(error).__name__}: {error}")
