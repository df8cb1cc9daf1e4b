"""Calls through a circuit that are part of its own probe: of a breaker that stands twice around a call."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..breakers.circuit import Circuit

Probe = tuple[object, Any]
"""A circuit whose probe runs, and the probe around that one."""

probes: ContextVar[Probe | None] = ContextVar("fuseboard_probes", default=None)
"""The probes that this thread or task is part of, the innermost first."""


def is_part_of_probe(circuit: Circuit) -> bool:
    """Whether a probe of the circuit is under way around this. A call that is rejected then passes: the one around it decides."""
    each = probes.get()
    while each is not None:
        if each[0] is circuit:
            return True
        each = each[1]
    return False


def as_probe(circuit: Circuit, fn: Callable[[], Any]) -> Callable[[], Any]:
    """The function of an admitted call, which is a probe where the circuit is half-open."""
    if circuit.core.state != "half-open":
        return fn

    def run() -> Any:
        token = probes.set((circuit, probes.get()))
        try:
            value = fn()
        finally:
            probes.reset(token)
        return _awaited(circuit, value) if hasattr(value, "__await__") else value

    return run


async def _awaited(circuit: Circuit, value: Any) -> Any:
    token = probes.set((circuit, probes.get()))
    try:
        return await value
    finally:
        probes.reset(token)
