"""Permission for calls that are made by other means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.permit import Permit
from ..errors import circuit_open, limited
from .call_layers import CallLayers
from .layered_call import LayeredCall
from .limited_permit import LimitedPermit

if TYPE_CHECKING:
    from ..breakers.governed_breaker import GovernedBreaker

AnyPermit = Permit | LimitedPermit


def enter(breaker: GovernedBreaker) -> AnyPermit | None:
    """Ask for permission: mode, breaker and limit apply, nothing that would have to wait."""
    breaker.expire_sync_calls()
    permit = breaker.circuit.enter()
    layers = breaker.layers
    if permit is None or layers is None:
        return permit
    call = LayeredCall(breaker, permit, False)
    if not call.acquire_slot():
        permit.ignore()
        return None
    return _with_slot(call, layers)


def enter_or_raise(breaker: GovernedBreaker) -> AnyPermit:
    """The same; raises ``CircuitOpenError`` or ``LimitedError`` where there is none."""
    breaker.expire_sync_calls()
    permit = breaker.circuit.enter()
    if permit is None:
        raise circuit_open(breaker.name, breaker.key, breaker.circuit.rejected_for_ms)
    layers = breaker.layers
    if layers is None or layers.config.concurrency is None:
        return permit
    limit = layers.limit
    call = LayeredCall(breaker, permit, False)
    if not call.acquire_slot():
        permit.ignore()
        raise limited(breaker.name, breaker.key, limit, 0)
    return _with_slot(call, layers)


def _with_slot(call: LayeredCall, layers: CallLayers) -> AnyPermit:
    """The permit of a call, which gives back the slot that the call holds, if there is one."""
    if call.slot is None:
        return call.permit
    return LimitedPermit(call.permit, call.slot, layers.has_adaptive_limit, call.breaker.environment)
