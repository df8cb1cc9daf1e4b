"""What answers in the place of an error or of a failing result."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.classify import Outcome
from ..core.config.call_config import LastSuccessFallback, StaticFallback
from ..core.counters import FALLBACK
from ..warning import warn
from .response import is_response

if TYPE_CHECKING:
    from ..breakers.governed_breaker import GovernedBreaker

Fallback = Callable[[Any], Any]
"""An answer in code: called with the error, or with the result that counts as a failure."""


@dataclass(frozen=True)
class PolicyFallback:
    """Permission for the policy's own fallback to answer."""

    key: str
    """What the answers are kept under with LastSuccess.

    It must say all that the answer depends on, the user too, or one gets the answer of another."""
    parse: Callable[[Any], Any] = lambda value: value
    """Turns what the policy holds, or what a former call returned, into an answer. Where it raises, there is none."""

    def __post_init__(self) -> None:
        if not isinstance(self.key, str):
            raise TypeError(f"key of a PolicyFallback must be a string, got {self.key!r}")
        if not callable(self.parse):
            raise TypeError(f"parse of a PolicyFallback must be a function, got {self.parse!r}")


def opt_in(breaker: GovernedBreaker) -> None:
    (breaker.parent or breaker).opted_in = True


def fall_back(breaker: GovernedBreaker, fallback: Fallback, content: object) -> Any:
    breaker.circuit.count(FALLBACK)
    return fallback(content)


def remember_success(breaker: GovernedBreaker, policy_fallback: PolicyFallback | None, value: object) -> None:
    """Keep a good result for LastSuccess; never a response."""
    layers = breaker.layers
    if policy_fallback is None or layers is None or is_response(value):
        return
    if isinstance(layers.config.fallback, LastSuccessFallback):
        _last_successes_of(breaker).set((breaker.key, policy_fallback.key), value, breaker.environment.now())


def policy_answer(
    breaker: GovernedBreaker, policy_fallback: PolicyFallback | None, outcome: Outcome | None
) -> tuple[Any] | None:
    """The answer of the policy's fallback to what was refused (``outcome`` is ``None``) or failed, in a tuple of one."""
    layers = breaker.layers
    if policy_fallback is None or layers is None or outcome not in (None, "failure"):
        return None
    config = layers.config.fallback
    try:
        if isinstance(config, StaticFallback):
            found: tuple[Any] | None = (json.loads(config.json),)
        elif isinstance(config, LastSuccessFallback):
            key = (breaker.key, policy_fallback.key)
            found = _last_successes_of(breaker).get(key, breaker.environment.now(), config.max_age_ms)
        else:
            return None
        if found is None:
            return None
        answer = policy_fallback.parse(found[0])
    except Exception as error:
        if layers.is_first_warning():
            what = f"{type(error).__name__}: {error}"
            warn(f'the policy\'s fallback of breaker "{breaker.name}" cannot be used: {what}')
        return None
    breaker.circuit.count(FALLBACK)
    return (answer,)


def answer_error(
    breaker: GovernedBreaker,
    error: Exception,
    outcome: Outcome | None,
    fallback: Fallback | None,
    policy_fallback: PolicyFallback | None,
) -> Any:
    """Answer instead of an error, or raise it. ``outcome`` of the call is ``None`` where it was rejected."""
    if fallback is not None:
        return fall_back(breaker, fallback, error)
    answer = policy_answer(breaker, policy_fallback, outcome)
    if answer is None:
        raise error
    return answer[0]


def answer_failure(
    breaker: GovernedBreaker, value: object, fallback: Fallback | None, policy_fallback: PolicyFallback | None
) -> Any:
    """The answer instead of a result that counts as a failure, or that result."""
    if fallback is not None:
        return fall_back(breaker, fallback, value)
    answer = policy_answer(breaker, policy_fallback, "failure")
    return value if answer is None else answer[0]


def _last_successes_of(breaker: GovernedBreaker) -> Any:
    """The answers of a breaker and all its keys, so that their number is bounded."""
    layers = (breaker.parent or breaker).layers
    assert layers is not None
    return layers.last_successes
