"""What the adapters of HTTP clients share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .. import get_breaker
from ..breakers.breaker import Breaker
from ..call.deadline import time_left

R = TypeVar("R")


@dataclass(frozen=True)
class OutgoingRequest:
    """What is known of an HTTP request before it is sent."""

    method: str
    """In capitals."""
    host: str
    path: str
    """Without the query."""


BreakerChoice = Breaker | str | Callable[[OutgoingRequest], Breaker | str]
"""The breaker of a request: a breaker, the name of one, or a function that gives either for each request.

Names that come from outside grow without bound; give those a breaker for each key of one policy instead:
``lambda request: partners.for_key(request.host)``."""


def chooser(choice: BreakerChoice) -> Callable[[Callable[[], OutgoingRequest]], Breaker]:
    """Resolve a choice; a fixed one at once, so that a name that cannot be used is refused where it is written."""
    if isinstance(choice, Breaker | str):
        breaker = named(choice)
        return lambda request: breaker
    choose = choice
    return lambda request: named(choose(request()))


def within(limit: float | None) -> float | None:
    """A time limit in seconds, but no more than the policy leaves this call; ``None``: none."""
    left = time_left()
    if left is None:
        return limit
    # 0 means "do not block" to some clients.
    left = max(left, 0.001)
    return left if limit is None else min(limit, left)


class Once(Generic[R]):
    """Sends a request whose body can be read only once; further attempts of a retry end as the first one did."""

    def __init__(self, status_of: Callable[[R], int], headers_of: Callable[[R], Any]) -> None:
        self._status_of = status_of
        self._headers_of = headers_of
        self._error: Exception | None = None
        self._seen: Seen[R] | None = None

    def send(self, send: Callable[[], R]) -> Seen[R]:
        if self._error is not None:
            raise self._error
        if self._seen is None:
            try:
                self._seen = self._look(send())
            except Exception as error:
                self._error = error
                raise
        return self._seen

    async def send_async(self, send: Callable[[], Awaitable[R]]) -> Seen[R]:
        if self._error is not None:
            raise self._error
        if self._seen is None:
            try:
                self._seen = self._look(await send())
            except Exception as error:
                self._error = error
                raise
        return self._seen

    def _look(self, response: R) -> Seen[R]:
        return Seen(self._status_of(response), self._headers_of(response), response)


@dataclass(frozen=True)
class Seen(Generic[R]):
    """A response and what classifies it; its body must not be discarded between attempts."""

    status_code: int
    headers: Any
    response: R


def named(choice: Breaker | str) -> Breaker:
    return get_breaker(choice) if isinstance(choice, str) else choice
