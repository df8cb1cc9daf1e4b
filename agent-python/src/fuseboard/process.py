"""The registry of this process."""

from __future__ import annotations

# Every connection looks its host up with this codec. A child that is forked while a thread imports it has none.
import encodings.idna  # noqa: F401
import os
from threading import RLock

from .breakers.breaker import Breaker
from .breakers.policy_set import Spec
from .breakers.registry import Registry
from .clock.stall_detector import stall_detector
from .core.classify import Classify

_registry: Registry | None = None
_breakers: dict[str, Breaker] = {}
_lock = RLock()


def registry() -> Registry:
    """The registry of this process; there is one."""
    global _registry
    if _registry is None:
        with _lock:
            if _registry is None:
                _registry = Registry()
    return _registry


def get_breaker(name: str, defaults: Spec | None = None, classify: Classify | None = None) -> Breaker:
    """The circuit breaker of this name; the same one for the same name in the whole process.

    ``name``: letters, digits and ``._:/-``, at most 128 characters. ``defaults``: the spec that holds while no policy governs the
    name, as a CircuitBreakerPolicy has it; absent: calls pass and are counted. ``classify`` classifies the result or error of a
    call before the policy does; ``None`` from it leaves that to the policy. Costs no I/O. Raises ``TypeError`` for a field of the defaults that
    does not exist, and ``ConfigError`` when the name or the defaults cannot be used otherwise.
    """
    governed = registry().get_breaker(name, defaults, classify)
    breaker = _breakers.get(name)
    if breaker is None or breaker._breaker is not governed:
        breaker = _breakers[name] = Breaker(governed)
    return breaker


def after_fork() -> None:
    """What a forked child does before anything else; runs by itself where the interpreter's fork hooks do."""
    global _lock
    _lock = RLock()
    stall_detector.after_fork()
    if _registry is not None:
        _registry.after_fork()


def forget_everything() -> None:
    """Forget every breaker, policy and override of this process, for tests."""
    _breakers.clear()
    stall_detector.rest()
    if _registry is not None:
        _registry.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=after_fork)
