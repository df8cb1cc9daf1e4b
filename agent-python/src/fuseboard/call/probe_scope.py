"""Calls through a breaker that are part of its own probe, where it stands twice around a call."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from ..core.generation import Generation
from ..warning import warn
from .context_variables import leave

if TYPE_CHECKING:
    from ..breakers.governed_breaker import GovernedBreaker

Probe = tuple[object, Any]
"""A breaker whose probe runs, and the probe around that one."""

probes: ContextVar[Probe | None] = ContextVar("fuseboard_probes", default=None)
"""The probes that this thread or task is part of, the innermost first."""

current_probes = probes.get
"""A method of an imported name costs a rejection as much as its clock does."""


def is_part_of_probe(breaker: GovernedBreaker) -> bool:
    """Whether a probe of the breaker is under way around this. A call that is rejected then passes: the one around it decides.

    Warns once for each breaker that it is used twice.
    """
    each = probes.get()
    while each is not None and each[0] is not breaker:
        each = each[1]
    if each is None:
        return False
    if not breaker.is_nesting_known:
        breaker.is_nesting_known = True
        warn(
            f'breaker "{breaker.name}" is used twice around one call; the inner use passes through while the circuit is '
            "tested. Use it once."
        )
    return True


def as_probe(breaker: GovernedBreaker, fn: Callable[[], Any], generation: Generation) -> Callable[[], Any]:
    """The function of an attempt that this generation admitted, which is a probe where the circuit is half-open."""
    if generation.admits or breaker.circuit.state != "half-open":
        return fn

    def run() -> Any:
        token = probes.set((breaker, probes.get()))
        try:
            value = fn()
        finally:
            leave(probes, token)
        return _awaited(breaker, value) if hasattr(value, "__await__") else value

    return run


async def _awaited(breaker: GovernedBreaker, value: Any) -> Any:
    token = probes.set((breaker, probes.get()))
    try:
        return await value
    finally:
        leave(probes, token)
