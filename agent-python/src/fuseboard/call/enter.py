"""Permission for calls that are made by other means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.permit import Permit
from ..errors import circuit_open, limited
from .attempts import Attempts
from .placed_permit import PlacedPermit

if TYPE_CHECKING:
    from ..breakers.circuit import Circuit

AnyPermit = Permit | PlacedPermit


def enter(circuit: Circuit) -> AnyPermit | None:
    """Ask for permission: mode, breaker and limit apply, nothing that would have to wait."""
    circuit.look()
    permit = circuit.core.enter()
    guards = circuit.guards
    if permit is None or guards is None:
        return permit
    attempts = Attempts(circuit, permit, False)
    if not attempts.take_place():
        permit.ignore()
        return None
    return permit if attempts.place is None else PlacedPermit(permit, attempts.place)


def enter_or_raise(circuit: Circuit) -> AnyPermit:
    """The same; raises ``CircuitOpenError`` or ``LimitedError`` where there is none."""
    circuit.look()
    permit = circuit.core.enter()
    if permit is None:
        raise circuit_open(circuit.name, circuit.key, circuit.core.rejected_for_ms)
    guards = circuit.guards
    if guards is None or guards.config.concurrency is None:
        return permit
    max_concurrent = guards.config.concurrency.max_concurrent
    attempts = Attempts(circuit, permit, False)
    if not attempts.take_place():
        permit.ignore()
        raise limited(circuit.name, circuit.key, max_concurrent, 0)
    return permit if attempts.place is None else PlacedPermit(permit, attempts.place)
