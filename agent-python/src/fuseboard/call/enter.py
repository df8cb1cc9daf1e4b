"""Permission for calls that are made by other means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.permit import Permit
from ..errors import circuit_open, limited
from .guarded_call import GuardedCall
from .limited_permit import LimitedPermit

if TYPE_CHECKING:
    from ..breakers.circuit import Circuit

AnyPermit = Permit | LimitedPermit


def enter(circuit: Circuit) -> AnyPermit | None:
    """Ask for permission: mode, breaker and limit apply, nothing that would have to wait."""
    circuit.expire_sync_calls()
    permit = circuit.core.enter()
    guards = circuit.guards
    if permit is None or guards is None:
        return permit
    call = GuardedCall(circuit, permit, False)
    if not call.take_slot():
        permit.ignore()
        return None
    return permit if call.slot is None else LimitedPermit(permit, call.slot)


def enter_or_raise(circuit: Circuit) -> AnyPermit:
    """The same; raises ``CircuitOpenError`` or ``LimitedError`` where there is none."""
    circuit.expire_sync_calls()
    permit = circuit.core.enter()
    if permit is None:
        raise circuit_open(circuit.name, circuit.key, circuit.core.rejected_for_ms)
    guards = circuit.guards
    if guards is None or guards.config.concurrency is None:
        return permit
    max_concurrent = guards.config.concurrency.max_concurrent
    call = GuardedCall(circuit, permit, False)
    if not call.take_slot():
        permit.ignore()
        raise limited(circuit.name, circuit.key, max_concurrent, 0)
    return permit if call.slot is None else LimitedPermit(permit, call.slot)
