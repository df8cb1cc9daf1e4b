"""What the adapters of HTTP clients share."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Literal

from .. import get_breaker
from ..breakers.breaker import Breaker
from ..call.deadline import time_left


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

RetryChoice = Literal["safe", "always", "never"] | Callable[[OutgoingRequest], bool]
"""Whether requests are retried when the policy has retries.

``safe``: idempotent methods (RFC 9110, section 9.2.2: GET, HEAD, OPTIONS, TRACE, PUT, DELETE), and any request with the header
``Idempotency-Key``. ``always``, ``never``: any method. A function decides for each request. A body that can be read only once
is never sent again."""

_REPEATABLE = frozenset(("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"))


def chooser(choice: BreakerChoice) -> Callable[[Callable[[], OutgoingRequest]], Breaker]:
    """Resolve a choice; a fixed one at once, so that a name that cannot be used is refused where it is written."""
    if isinstance(choice, Breaker | str):
        breaker = named(choice)
        return lambda request: breaker
    choose = choice
    return lambda request: named(choose(request()))


def retry_decider(choice: RetryChoice) -> Callable[[OutgoingRequest, Container[str]], bool]:
    """Decide whether a request may be sent again; its headers are compared without regard to case.

    Raises ``ValueError`` when the choice is none.
    """
    if callable(choice):
        decide = choice
        return lambda request, headers: bool(decide(request))
    if choice not in ("safe", "always", "never"):
        raise ValueError(f"retry must be 'safe', 'always', 'never' or a function; it is {choice!r}")
    if choice == "safe":
        # The header lets the dependency recognise a repeated request.
        return lambda request, headers: request.method in _REPEATABLE or "idempotency-key" in headers
    return lambda request, headers: choice == "always"


def within(limit: float | None) -> float | None:
    """A time limit in seconds, but no more than the policy leaves this call; ``None``: none."""
    left = time_left()
    if left is None:
        return limit
    # 0 means "do not block" to some clients.
    left = max(left, 0.001)
    return left if limit is None else min(limit, left)


def named(choice: Breaker | str) -> Breaker:
    return get_breaker(choice) if isinstance(choice, str) else choice
